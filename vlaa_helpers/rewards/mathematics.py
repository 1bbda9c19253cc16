"""Mathematics: the answer is the same expression as the ground truth, by Math-Verify and the guards round it."""

import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import TypeVar

from .digit import read_count
from .lead_in import without_lead_in
from .math_asked import asked_unit, asks_for_percent
from .math_cases import read_cases, same_cases
from .math_clauses import MAX_LENGTH as MAX_WORKING
from .math_clauses import verdict_of_clauses, without_markdown
from .math_compare import TIME_LIMIT, compare, lost_processes, one_time_limit
from .math_copied import is_copied
from .math_formula import MAX_LENGTH, Formula, read_formula
from .math_gold import no_mathematics
from .math_left import without_asked, without_subject
from .math_names import with_named_angles
from .math_points import is_point, solution_as_point
from .math_relations import BAD_GOLD, DIFFERENT, SAME, SEVERAL, UNREADABLE, is_unsolved, same_formula, without_blanks
from .math_several import names_fit, without_name_of_point, without_roots
from .math_subject import asked_quantities, is_of_another, is_of_one_year
from .math_wording import from_json, in_known_words, in_words
from .options import without_letter
from .polynomials import same_polynomial
from .score import Reason, Score, right_or_wrong, score_answer

Found = TypeVar("Found")
_DEFINITION = re.compile(r"\s*+(?:(?:y|f\(x\))\s*+=\s*+)?([-+*()^ \da-z]++)")
_PERCENT = re.compile(r"\s?(?:\\?%|\bper\s?cent\b)", re.IGNORECASE)
_INVERSE = re.compile(r"\b[fg](?:⁻¹|\^\s*\{?\s*-1\s*\}?)\s*\([a-z]\)(?=\s*=)")
_THE_INVERSE = re.compile(r"^\s*(?:the )?inverse(?: function)?(?: of [^=]{1,20})? is (?=\$?[fg])", re.IGNORECASE)
_COUNTS = re.compile(r"\bhow many (?!times\b)", re.IGNORECASE)
_SENTENCES = re.compile(r"[.;]\s+\S|\n\s*\S|,\s+[A-Za-z]")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_WITH_A_LETTER = re.compile(r"\d\s?[a-z]\s*(?:\^\s*\d\s*)?$")
_SOLVES = re.compile(r"\b(?:solv\w+|solutions?|roots?|zeros?|values?|find \$?[a-z]\$?(?![a-z]))\b", re.IGNORECASE)
_INFINITE = re.compile(r"∞|\\infty|\binfinity\b")
_RANGE = re.compile(r"[<>≤≥]|\\[gl]eq?(?![a-z])")
_NO_VALUE = re.compile(r"\s*(?:n/a|nan|none|null)\s*", re.IGNORECASE)  # products of letters to Math-Verify
_MANY_FACTORIALS = re.compile(r"!\W{0,3}!")
"""Of a factorial, or an emphasis: 12!!! has more digits than memory holds."""
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

    With a question, an answer of several clauses is read by the one that answers: the last, or the first where reasons
    follow. Another value of what is asked for, a negation, a condition or doubt in any other clause is not paid.

    Works from any thread. What takes longer than a second of processor time (`9^{9^{9^{9}}}`) or is longer than 500
    characters (2,000 with its working) is `unreadable`, unless it is `gt` word for word.

    Raises:
        ValueError: `gt` cannot be read as mathematics, see `check_math`: a fault of the data, not of the response.

    >>> math_reward("<think>…</think><answer>y = 1 + 2x</answer>", "y = 2x + 1").value
    1.0
    """

    def decide(answer: str) -> Score:
        if _MANY_FACTORIALS.search(answer) and not _MANY_FACTORIALS.search(gt):
            return _SCORES[UNREADABLE]
        verdict = _plain_verdict(gt, answer, question)
        if verdict == SAME and is_copied(answer, question) and without_blanks(answer) != without_blanks(gt):
            verdict = DIFFERENT
        if verdict is None:
            verdict = _verdict_in_time(gt, answer, question)
        if verdict == BAD_GOLD and not _is_mathematics(gt, question):
            raise ValueError(_not_mathematics(gt))
        return _SCORES[verdict]

    return score_answer(response, decide)


def same_values(values: Iterable[str], answer: str, question: str) -> list[str]:
    """Those values that an answer, perhaps with its working, gives as `math_reward` reads it; one limit for all."""
    values = list(values)
    return _in_time(lambda: [value for value in values if _verdict_with_working(value, answer, question) == SAME])


def _verdict_in_time(gt: str, answer: str, question: str) -> str:
    return _in_time(lambda: _verdict_with_working(gt, answer, question))


def _in_time(work_out: Callable[[], Found]) -> Found:
    """What is found within one time limit, asked for once more where the process that works it out was lost."""
    for _ in range(2):
        with one_time_limit(), lost_processes() as lost:
            found = work_out()
        if not lost:
            break
    return found


def _plain_verdict(gt: str, answer: str, question: str) -> str | None:
    """The verdict on two plain polynomials with "y =" or nothing before them; None for all else."""
    gold, said = _DEFINITION.fullmatch(gt), _DEFINITION.fullmatch(answer)
    if not gold or not said:
        return None
    if (_WITH_A_LETTER.search(answer) or _WITH_A_LETTER.search(gt)) and (
        asked_unit(question) or asked_quantities(question)
    ):
        return None  # the letter may be a unit of what is asked for
    if question and "=" in answer and "=" not in gt:
        return None  # it must name what is asked for
    if ("=" in gt or "=" in answer) and "y" in gold[1] + said[1]:
        return None
    is_written_alike = without_blanks(gold[1]) == without_blanks(said[1])
    same = same_polynomial(gold[1], gold[1] if is_written_alike else said[1])
    return None if same is None else SAME if same else DIFFERENT


def _verdict_with_working(gt: str, answer: str, question: str) -> str:
    """The verdict on an answer read as one formula; where it is none, on the clause that answers."""
    if len(answer) > MAX_WORKING:
        return _verdict(gt, answer, question)
    plain = without_markdown(from_json(answer))
    plain, question = in_words(plain), in_words(question)
    if not _SENTENCES.search(plain) and is_of_one_year(plain, question):
        return UNREADABLE
    verdict = _verdict(gt, in_known_words(plain, question), question)
    if not question or verdict in (SAME, BAD_GOLD) or (verdict == DIFFERENT and not _SENTENCES.search(plain)):
        return verdict
    at_commas = len(_gold(gt, question).pieces) == 1
    found = verdict_of_clauses(plain, gt, question, lambda clause: _verdict(gt, clause, question), at_commas=at_commas)
    if found != SAME and _COUNTS.search(question) and _NUMBER.fullmatch(gt):
        return SAME if read_count(answer, question) == Decimal(gt) else verdict
    return SAME if found == SAME else verdict


def _verdict(gt: str, answer: str, question: str) -> str:
    if "∠" in answer or "ngle" in answer:
        gt, answer, question = map(with_named_angles, (gt, answer, question))
    if _INVERSE.search(gt):
        gt, answer = _INVERSE.sub("F_{0}", gt), _INVERSE.sub("F_{0}", _THE_INVERSE.sub("", answer))
    if r"\begin{cases}" in gt:
        return _verdict_on_cases(gt, answer, question)
    gold = _gold(gt, question)
    if gold is None:
        return BAD_GOLD
    if without_blanks(answer) == without_blanks(gt):
        return SAME
    if _INFINITE.search(answer) and not _INFINITE.search(gt) and not _RANGE.search(gt):
        return DIFFERENT  # with one on one side alone SymPy finds zero by chance
    if is_copied(answer, question):
        return DIFFERENT
    answer = without_letter(answer, question)
    if len(answer) > MAX_LENGTH or is_of_another(answer, gt, question):
        return UNREADABLE
    if _is_of_percent(answer) and not _is_of_percent(gt) and asked_unit(question):
        return DIFFERENT
    if asks_for_percent(question) and _is_of_percent(gt) != _is_of_percent(answer):
        return _verdict_in_percent(gt, answer, question)
    if question and is_point(gold) and (answer := without_name_of_point(answer, question)) is None:
        return UNREADABLE
    if question and len(gold.pieces) > 1:
        answer = without_subject(without_roots(answer, question), question)
    if question and all(len(piece.parts) == 1 for piece in gold.pieces) and len(gold.pieces) == 1:
        if (answer := without_asked(answer, question)) is None:
            return UNREADABLE
    said = read_formula(answer, question)
    if said and len(gold.pieces) > 1 and not names_fit(said, question):
        return DIFFERENT
    if said and _SOLVES.search(question) and is_unsolved(gold, said):
        return DIFFERENT
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
    if UNREADABLE in verdicts:  # or the process that works it out was lost
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
