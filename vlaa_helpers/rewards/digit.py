"""Counting: the answer gives one number."""

import re
from decimal import Decimal

from .hedges import is_hedged
from .number_words import find_numbers
from .score import Reason, Score, right_or_wrong, score_answer

_SIGNED = re.compile(r"[-+]?(?:\d+(?:\.\d+)?|\.\d+)")
_MARKUP = re.compile(r"\\(?:boxed|fbox|text|mathrm|mathbf|textbf|displaystyle)\b|\\[()\[\],; ]|[*`$_{}]")
_SIGNS = str.maketrans({"−": "-", "–": "-", "—": "-", "＋": "+", "－": "-"})
# what makes something else of a number than a count: roots, powers, fractions, percentages, comparisons, LaTeX
_ODD = re.compile(
    r"[²³¹⁰-⁹₀-₉¼-¾⅐-⅞%‰°√∛∜±≈≠≤≥<>~\\π∞/^#|]"
    r"|\b(?:sqrt|root|log|ln|sin|cos|tan|pi|squared|cubed|factorial)\b"
    r"|\b(?:percent|per cent|twice|thrice|double|triple|times)\b",
    re.IGNORECASE,
)
_MINUS_BEFORE = re.compile(r"(?:(?<!\w)-|(?:^|[^\w\s])\s*-[\s(\[]*|\b(?:minus|negative)[\s(]+)$", re.IGNORECASE)
_PARTS = r"(?:hal(?:f|ves)|thirds?|quarters?|(?:four|fif|six|seven|eigh|nin|ten|hundred|thousand)ths?)"
_PART_BEFORE = re.compile(rf"\b{_PARTS}(?: (?:of|an?|the))* $|[A-Za-z]$", re.IGNORECASE)
_PART_AFTER = re.compile(rf"[A-Za-z]|\+|[ -]+(?:and an? )?{_PARTS}\b", re.IGNORECASE)
MAX_COUNT_WORDS = 12
"""A longer answer is reasoning, not a count."""


def digit_reward(response: str, gt: str, *, question: str = "", meta: str = "") -> Score:
    """1 when the answer gives the number `gt` and no other, else 0; used for counting (CLEVR-Math).

    "3", "3.0", "three" and "There are 3" all give one number, so all count: no second reading is possible. With two
    numbers ("3 or 4", "2 + 1 = 3") the answer is `ambiguous`, whatever they are. A number that is negated, bounded,
    inexact or part of another quantity ("not 3", "at least 3", "about 3", "3%", "3rd", "half of 3") is `unreadable`.

    Raises:
        ValueError: `gt` is no number, see `check_count`.

    >>> digit_reward("<think>…</think><answer>There are three.</answer>", "3").value
    1.0
    """
    if problem := check_count(gt):
        raise ValueError(problem)

    def decide(answer: str) -> Score:
        if len(answer) < 16 and len(gt) < 16 and _SIGNED.fullmatch(answer.strip()):
            return right_or_wrong(float(answer) == float(gt))
        count = read_count(answer)
        return Score(0.0, count) if isinstance(count, Reason) else right_or_wrong(count == Decimal(gt))

    return score_answer(response, decide)


def check_count(gt: str, question: str = "", meta: str = "") -> str | None:
    """What is wrong with a count as ground truth, and the mend; None for a number in digits."""
    if _SIGNED.fullmatch(gt.strip()) and gt.strip().isascii():
        return None
    count = read_count(gt) if len(gt) < 200 else Reason.UNREADABLE
    mend = "give it another verifier_type" if isinstance(count, Reason) else f"write gt {str(count)!r}"
    return f"the ground truth {gt!r:.80} is not a number; mend the record: {mend}"


def read_count(answer: str) -> Decimal | Reason:
    """The one number that an answer gives, or why there is none: `ambiguous` or `unreadable`.

    >>> read_count("minus three"), read_count("3 or 4"), read_count("3³")
    (Decimal('-3'), <Reason.AMBIGUOUS: 'ambiguous'>, <Reason.UNREADABLE: 'unreadable'>)
    """
    text = " ".join(_MARKUP.sub("", answer.translate(_SIGNS)).split())
    numbers = list(find_numbers(text[:1000]))
    if len(numbers) > 1:
        return Reason.AMBIGUOUS
    if not numbers or len(text.split()) > MAX_COUNT_WORDS or _ODD.search(text) or is_hedged(text):
        return Reason.UNREADABLE
    start, end, value = numbers[0]
    before, after = text[:start], text[end:]
    if value is None:
        return Reason.AMBIGUOUS
    if _PART_BEFORE.search(before) or _PART_AFTER.match(after):
        return Reason.UNREADABLE
    return -value if _MINUS_BEFORE.search(before) else value
