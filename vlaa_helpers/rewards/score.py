"""What a verifier says of a response, and why."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from ..core.answers import extract_answer


class Reason(StrEnum):
    """Why a response got its score.

    correct: full marks.
    partial: a box that overlaps, or an open answer that beats the reference.
    wrong: an answer of the right kind that is not true.
    no_answer: no answer can be told from the response (the gate).
    ambiguous: several answers, or a letter with another option's text.
    unreadable: an answer of the wrong kind, or mathematics that takes too long to work out.
    out_of_range: a box that leaves the frame it should be in; most often another frame was meant.
    not_better: an open answer that does not beat the reference.
    not_scored: the scorer could not say; TRL leaves such a sample out.
    """

    CORRECT = "correct"
    PARTIAL = "partial"
    WRONG = "wrong"
    NO_ANSWER = "no_answer"
    AMBIGUOUS = "ambiguous"
    UNREADABLE = "unreadable"
    OUT_OF_RANGE = "out_of_range"
    NOT_BETTER = "not_better"
    NOT_SCORED = "not_scored"


@dataclass(frozen=True)
class Score:
    """`value` in [0, 1], or None when the reason is `not_scored`; and the `reason` for it."""

    value: float | None
    reason: Reason


GATED = Score(0.0, Reason.NO_ANSWER)
"""The gate: without an answer a response is worth nothing, whatever else it says."""


def score_answer(response: str, decide: Callable[[str], Score]) -> Score:
    """What `decide` says of the answer in a response; `GATED` where no answer can be told.

    >>> score_answer("It is 3", lambda answer: right_or_wrong(answer == "3"))
    Score(value=0.0, reason=<Reason.NO_ANSWER: 'no_answer'>)
    """
    answer = extract_answer(response)
    return GATED if answer is None else decide(answer)


def right_or_wrong(right: bool) -> Score:
    """Full marks or none: for answers that cannot be right in part."""
    return Score(1.0, Reason.CORRECT) if right else Score(0.0, Reason.WRONG)


def full_marks(score: Score) -> bool:
    """Whether a score is the highest one."""
    return score.value == 1
