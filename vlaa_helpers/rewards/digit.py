"""Counting: the answer gives one number."""

import re
from decimal import Decimal
from functools import lru_cache

from .asked_things import refuses_to_answer
from .digit_clauses import stated_count
from .digit_goals import without_goal
from .digit_order import count_in_order
from .digit_sentences import count_in_a_sentence, without_the_whole
from .digit_steps import without_sums
from .digit_subject import is_of_what_is_asked
from .digit_wording import QUOTED, in_common_signs, in_common_words, quotes_alike, without_markup
from .neutral_words import MINUS_SIGNS, question_words, words_of
from .number_words import find_numbers, number_value
from .score import Reason, Score, right_or_wrong, score_answer

_SIGNED = re.compile(r"[-+]?(?:\d+(?:\.\d+)?|\.\d+)")
# percentages, comparisons, functions: words that the question may have
_SAYS_SUM = re.compile(r"(?:so |and )?(?:the )?(?:sum|total)(?: value)?\s*(?:is|=|:)", re.IGNORECASE)
_ASKS_NO_SUM = re.compile(r"\b(?:difference|median|maximum|minimum|range)\b(?!.*\b(?:sum|total)\b)", re.IGNORECASE)
_ODD = re.compile(r"\b(?:sqrt|root|log|ln|sin|cos|tan|factorial|percent|per cent|times)\b", re.IGNORECASE)
_NAME = re.compile(r"(?:\b[A-Za-z]\s*)?=\s*$")
_SIGN = re.compile(r"(?:(?<![^\s(\[:=])(?P<minus>-[\s(\[]*|(?:minus|negative)[\s(]+)|(?<!\S)\+)$", re.IGNORECASE)
_OTHER_SIGN = re.compile(r"[^\w\s.,:;!()\[\]'’]|_")
_SUM = re.compile(r"\b(?:value|total|count|sum|number|answer|result|consists?|made up|composed) of$", re.IGNORECASE)
MAX_COUNT_WORDS, MAX_LENGTH, MAX_READ = 30, 200, 1000
"""Words and characters, and characters with markup: a longer answer is reasoning, not a count."""

_BOUNDS = frozenset("over above below under beyond past".split())
_MODAL = re.compile(
    r"\b(?:could|should|might|(?-i:may))\b(?! be (?:seen|found|counted|identified|observed))", re.IGNORECASE
)
_LEADS = frozenset(
    "is are was were be remain remains left has have get got see count counted equals equal gives give makes make "
    "contains contain shows show answer result total number only just exactly precisely now still yes sure ok okay "
    "altogether exist exists become becomes became uses displays depicts includes presents features what the these "
    "those all so thus it's that's there's cost costs".split()
)
"""The words that may stand right before the number."""


def digit_reward(response: str, gt: str, *, question: str = "", meta: str = "") -> Score:
    """1 when the answer gives the number `gt` and no other, else 0; used for counting (CLEVR-Math).

    "3", "3.0", "three", "3 (three)" and "There are 3" all give one number, so all count: no second reading is possible.
    "No cubes" gives 0. With two numbers ("3 or 4", "2 + 1 = 3", "1*2") the answer is `ambiguous`, but for one that
    belongs to the question's words ("5 of the 12 eggs are broken"). Beside the number may stand the words that say that
    it is the answer, and those that say again what is to be counted (`restatement.py`); with any other word or sign
    ("not 3", "about 3", "3%", "3rd", "3 pairs", "7 tables" for the apples on the table) the answer is `unreadable`.
    Colours and shapes may stand there where the question names none, or where it asks "how many objects" and the answer
    says objects too ("3 objects (cubes and spheres)"), but for what the question takes away. Of several
    clauses one must state the count, and the others must not state another (`digit_clauses.py`); this needs a
    question.

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
        count = read_count(answer, question) if len(answer) <= MAX_READ else Reason.UNREADABLE
        return Score(0.0, count) if isinstance(count, Reason) else right_or_wrong(count == Decimal(gt))

    return score_answer(response, decide)


def check_count(gt: str, question: str = "", meta: str = "") -> str | None:
    """What is wrong with a count as ground truth, and the mend; None for a number in digits."""
    if _SIGNED.fullmatch(gt.strip()) and gt.strip().isascii():
        return None
    count = read_count(gt) if len(gt) < 200 else Reason.UNREADABLE
    mend = "give it another verifier_type" if isinstance(count, Reason) else f"write gt {str(count)!r}"
    return f"the ground truth {gt!r:.80} is not a number; mend the record: {mend}"


@lru_cache(maxsize=4096)
def read_count(answer: str, question: str = "") -> Decimal | Reason:
    """The one number that an answer gives, or why there is none: `ambiguous` or `unreadable`.

    >>> read_count("minus three"), read_count("3 or 4"), read_count("3³")
    (Decimal('-3'), <Reason.AMBIGUOUS: 'ambiguous'>, <Reason.UNREADABLE: 'unreadable'>)
    """
    if not answer.isascii():
        answer = answer.translate(MINUS_SIGNS)
    if (plain := _plain_number(answer)) is not None:
        return plain
    if not quotes_alike(answer[:MAX_READ], question):
        return Reason.UNREADABLE
    lines, question = without_goal(*in_common_signs(answer, question))
    if question and "=" in lines and len(lines) < 100:
        value = without_sums(lines.strip(" .\n"), question)
        if _SIGNED.fullmatch(value):
            return Decimal(value)
    count = _read_clause(" ".join(lines.split()), question)
    if isinstance(count, Reason) and question:
        worked = stated_count(lines, question, lambda clause: _read_clause(" ".join(clause.split()), question))
        return count if worked is None else worked
    return count


def _plain_number(answer: str) -> Decimal | None:
    """The number of an answer that has nothing else, in digits or one word; None for any other."""
    text = without_markup(answer).strip(" .\n") if len(answer) < 40 else ""
    if _SIGNED.fullmatch(text):
        return Decimal(text)
    return number_value(text) if text.isalpha() and text.isascii() else None


def _read_clause(text: str, question: str) -> Decimal | Reason:
    """The one number that a text without markup and line breaks gives, or why there is none."""
    if len(text) <= MAX_LENGTH and ("'" in text or '"' in text):
        text = " ".join(QUOTED.sub(r" \2 ", text).split())
    if refuses_to_answer(text, question) or (_MODAL.search(text) and not _MODAL.search(question)):
        return Reason.UNREADABLE
    if _SAYS_SUM.match(text) and _ASKS_NO_SUM.search(question):
        return Reason.UNREADABLE
    text = without_the_whole(in_common_words(text, question), question)
    numbers = list(find_numbers(text))
    if len(numbers) == 2 and _is_said_twice(text, *numbers):
        text, numbers = text[: numbers[0][1]] + text[numbers[1][1] + 1 :], numbers[:1]
    if not numbers or len(text) > MAX_LENGTH or len(text.split()) > MAX_COUNT_WORDS:
        return Reason.AMBIGUOUS if len(numbers) > 1 else Reason.UNREADABLE
    if question and _ODD.search(text):
        return Reason.UNREADABLE
    counts = {_count_at(start, end, value, text, question) for start, end, value in numbers} - {None}
    is_known = not question or _are_known(numbers, counts, question)
    if len(counts) == 1 and is_known:
        return counts.pop()
    if question and not (counts and is_known) and (count := _count_of_sentence(text, question)) is not None:
        return count
    return Reason.AMBIGUOUS if len(numbers) > 1 or numbers[0][2] is None else Reason.UNREADABLE


def _count_of_sentence(text: str, question: str) -> Decimal | None:
    count = count_in_a_sentence(text, question)
    return count_in_order(text, question) if count is None else count


def _are_known(numbers: list, counts: set, question: str) -> bool:
    """Whether the other numbers of a text are the question's."""
    if len(numbers) == 1:
        return True
    known = {value for _, _, value in find_numbers(question)} | {abs(count) for count in counts} | {None}
    return all(value in known for _, _, value in numbers)


def _count_at(start: int, end: int, value: Decimal | None, text: str, question: str) -> Decimal | None:
    """The number at this place with its sign, when all that stands beside it leaves it as it is; else None."""
    before, after = text[:start], text[end:]
    sign = _SIGN.search(before)
    if sign:
        before = before[: sign.start()]
    elif before[-1:].isalnum():  # "x3"
        return None
    before = _NAME.sub(":", before)  # "x = 3"
    is_alone = _leads_to_a_number(before) and _ends_a_number(after, question)
    if value is None or not is_alone or not is_of_what_is_asked(before, after, question):
        return None
    return -value if sign and sign["minus"] else value


def _is_said_twice(text: str, first: tuple, second: tuple) -> bool:
    """Whether the second number says the first again, in brackets: "3 (three)"."""
    between = text[first[1] : second[0]].strip()
    return between == "(" and text[second[1] : second[1] + 1] == ")" and first[2] == second[2] is not None


def _leads_to_a_number(before: str) -> bool:
    """Whether what stands right before a number, its sign left out, leaves it as it is."""
    before = before.rstrip(" ([")
    if not before or before == ":":
        return True
    if _OTHER_SIGN.search(before) or "!" in before or not re.search(r"[^\W\d]", before):
        return False
    return not before[-1].isalpha() or words_of(before)[-1] in _LEADS or _SUM.search(before) is not None


def _ends_a_number(after: str, question: str) -> bool:
    """Whether what stands right behind a number leaves it as it is; a letter alone is a unit, and so is "12cm"."""
    if _OTHER_SIGN.search(after) or after[:1] in ("'", "’"):
        return False
    words = words_of(after)
    if after[:1].isalnum() and words[0] not in question_words(question):
        return False
    return not words or (len(words[0]) > 1 and words[0] not in _BOUNDS)
