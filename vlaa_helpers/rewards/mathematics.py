"""Mathematics: the answer is the same expression as the ground truth, by Math-Verify and the guards round it."""

import re

from .lead_in import without_lead_in
from .math_asked import asked_unit, asks_for_percent
from .math_cases import read_cases, same_cases
from .math_compare import TIME_LIMIT, compare, one_time_limit
from .math_formula import MAX_LENGTH, Formula, read_formula
from .math_gold import no_mathematics
from .math_left import without_asked
from .math_points import solution_as_point
from .math_relations import BAD_GOLD, DIFFERENT, SAME, SEVERAL, UNREADABLE, same_formula, without_blanks
from .math_subject import asked_quantities, is_of_another
from .polynomials import same_polynomial
from .score import Reason, Score, right_or_wrong, score_answer

_DEFINITION = re.compile(r"\s*+(?:(?:y|f\(x\))\s*+=\s*+)?([-+*()^ \da-z]++)")
_PERCENT = re.compile(r"\s?(?:\\?%|\bper\s?cent\b)", re.IGNORECASE)
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_WITH_A_LETTER = re.compile(r"\d\s?[a-z]\s*(?:\^\s*\d\s*)?$")
_NO_VALUE = re.compile(r"\s*(?:n/a|nan|none|null)\s*", re.IGNORECASE)  # products of letters to Math-Verify
_SCORES = {
    SAME: right_or_wrong(True),
    DIFFERENT: right_or_wrong(False),
    BAD_GOLD: right_or_wrong(False),  # a part of it that makes no sense beside this answer: see `_is_mathematics`
    SEVERAL: Score(0.0, Reason.AMBIGUOUS),
    UNREADABLE: Score(0.0, Reason.UNREADABLE),
}


def math_reward(response: str, gt: str, *, question: str = "", meta: str = "") -> Score:
    """1 when the answer is mathematically the same as `gt`, else 0.

    Display marks, code ticks and prose whose words are known, or the question's, are ignored; two formulas are
    `ambiguous`. A ground truth `y = 2x + 1` is met by its right side alone, by f(x) for y, and by any equation that is
    it times a number (`2x - y + 1 = 0`); not by another name or left side. An inequality is met in either direction.
    A number with a unit is met without it, but not with another one, and a number without one also with a unit that
    is known or in the question ("5 cm", not "5 score"); where the question asks "how many …" or "in m/s", only with
    the question's, in that order and power. Where it asks for a percentage, a number above 1 may be one of percent.
    A unit of one letter ("5 m") could be a variable: it is a unit where both sides have one, where the question asks
    for it and in `\\text{}`. 5% is 0.05, and no 5; 30° is a sixth of pi inside sin, cos and tan.
    What differs from Math-Verify alone, and what of its limits remains, is in docs/matchers.md.

    Works from any thread. What takes longer than a second of processor time (`9^{9^{9^{9}}}`) or is longer than 500
    characters is `unreadable`, unless it is `gt` word for word.

    Raises:
        ValueError: `gt` cannot be read as mathematics, see `check_math`: a fault of the data, not of the response.

    >>> math_reward("<think>…</think><answer>y = 1 + 2x</answer>", "y = 2x + 1").value
    1.0
    """

    def decide(answer: str) -> Score:
        with one_time_limit():
            verdict = _plain_verdict(gt, answer, question) or _verdict(gt, answer, question)
        if verdict == BAD_GOLD and not _is_mathematics(gt, question):
            raise ValueError(_not_mathematics(gt))
        return _SCORES[verdict]

    return score_answer(response, decide)


def _plain_verdict(gt: str, answer: str, question: str) -> str | None:
    """The verdict on two plain polynomials with "y =" or nothing before them; None for all else."""
    gold, said = _DEFINITION.fullmatch(gt), _DEFINITION.fullmatch(answer)
    if not gold or not said:
        return None
    if _WITH_A_LETTER.search(answer) and (asked_unit(question) or asked_quantities(question)):
        return None  # the letter may be a unit of what is asked for
    if question and "=" in answer and "=" not in gt:
        return None  # it must name what is asked for
    if ("=" in gt or "=" in answer) and "y" in gold[1] + said[1]:
        return None
    is_written_alike = without_blanks(gold[1]) == without_blanks(said[1])
    same = same_polynomial(gold[1], gold[1] if is_written_alike else said[1])
    return None if same is None else SAME if same else DIFFERENT


def _verdict(gt: str, answer: str, question: str) -> str:
    if r"\begin{cases}" in gt:
        return _verdict_on_cases(gt, answer, question)
    gold = _gold(gt, question)
    if gold is None:
        return BAD_GOLD
    if without_blanks(answer) == without_blanks(gt):
        return SAME
    if len(answer) > MAX_LENGTH or is_of_another(answer, gt, question):
        return UNREADABLE
    if _is_of_percent(answer) and not _is_of_percent(gt) and asked_unit(question):
        return DIFFERENT
    if asks_for_percent(question) and _is_of_percent(gt) != _is_of_percent(answer):
        return _verdict_in_percent(gt, answer, question)
    if question and all(len(piece.parts) == 1 for piece in gold.pieces) and len(gold.pieces) == 1:
        if (answer := without_asked(answer, question)) is None:
            return UNREADABLE
    said = read_formula(answer, question)
    return UNREADABLE if said is None else same_formula(solution_as_point(gold, said, question), said)


def _is_of_percent(text: str) -> bool:
    return _PERCENT.search(text) is not None


def _verdict_in_percent(gt: str, answer: str, question: str) -> str:
    """The verdict where one of both says percent and the question does: a number above 1 is one of percent too."""
    bare = _NUMBER.search(answer if _is_of_percent(gt) else gt)
    if bare and float(bare[0]) > 1:
        gt, answer = _PERCENT.sub("", gt), _PERCENT.sub("", answer)
    gold, said = _gold(gt, question), read_formula(answer, question)
    return BAD_GOLD if gold is None else UNREADABLE if said is None else same_formula(gold, said)


def _verdict_on_cases(gt: str, answer: str, question: str) -> str:
    if len(answer) > MAX_LENGTH:
        return UNREADABLE
    same = same_cases(gt, without_lead_in(answer), lambda a, b: _verdict(a, b, question) == SAME)
    return UNREADABLE if same is None else SAME if same else DIFFERENT


def _gold(gt: str, question: str) -> Formula | None:
    is_readable = len(gt) <= MAX_LENGTH and not no_mathematics(gt, question)
    return read_formula(gt, question) if is_readable else None


def check_math(gt: str, question: str = "", meta: str = "") -> str | None:
    """What is wrong with mathematics as ground truth, and the mend; None when Math-Verify can read and work it out."""
    if kind := no_mathematics(gt, question):
        return (
            f"the ground truth {gt!r:.80} looks like {kind}, and would be read as other mathematics; write what is "
            r"meant as LaTeX (9:45 as \frac{1}{5}, x1 as x_1), or give the record another verifier_type"
        )
    if _plain_verdict(gt, gt, question) == SAME:
        return None
    if (cases := read_cases(gt)) and len(gt) <= MAX_LENGTH:
        cells = [cell for row in cases[1] for cell in row]
        return next(filter(None, (check_math(cell, question) for cell in cells)), None)
    verdicts = _readings(gt, question)
    if UNREADABLE in verdicts:
        return (
            f"the ground truth {gt!r:.80} takes longer than {TIME_LIMIT:g} s of processor time to work out, and would "
            "for each answer; write a number that is smaller, or give it another verifier_type"
        )
    return _not_mathematics(gt) if BAD_GOLD in verdicts else None


def _is_mathematics(gt: str, question: str) -> bool:
    """Whether `check_math` takes a ground truth for mathematics. Only one that is none may end a run."""
    return BAD_GOLD not in _readings(gt, question)


def _readings(gt: str, question: str) -> set[str]:
    """What Math-Verify says of each part of a ground truth: it can be read, it cannot, or it takes too long."""
    gold = None if _NO_VALUE.fullmatch(gt) else _gold(gt, question)
    if gold is None:
        return {BAD_GOLD}
    return {compare(part, "", "readable") for piece in gold.pieces for part in piece.parts}


def _not_mathematics(gt: str) -> str:
    return f"the ground truth {gt!r:.80} is not mathematics; mend the record, or give it another verifier_type"
