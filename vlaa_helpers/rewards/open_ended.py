"""Open-ended answers: how much better than the reference a scorer finds them."""

import math
from collections.abc import Sequence

from ..core.answers import extract_answer
from .score import GATED, Reason, Score
from .scorers import FactsScorer, Question, Scorer

DEFAULT_BETA = 0.2
"""β of the open-ended reward: the paper gives none; this is the one in the code that it cites (arXiv 2503.00743)."""


def open_ended_value(margin: float, *, beta: float = DEFAULT_BETA) -> float:
    """`1 - exp(-β margin)` for an answer that scores higher than the reference by `margin`, 0 for any other (§4.1).

    >>> round(open_ended_value(2.0), 3), open_ended_value(-1.0)
    (0.33, 0.0)
    """
    return 1 - math.exp(-beta * margin) if margin > 0 else 0.0


def open_ended_reward(
    response: str,
    gt: str,
    *,
    question: str = "",
    meta: str = "",
    scorer: Scorer | None = None,
    beta: float = DEFAULT_BETA,
) -> Score:
    """`open_ended_value` of how much the answer's score exceeds that of the reference answer `gt`.

    Repeating the question or the reference earns nothing: the one says nothing, the other beats nothing.

    Args:
        scorer: `FactsScorer()` by default, which knows the mini world only.
    """
    return OpenEndedBatch(scorer or FactsScorer(), beta)([response], [gt], [Question(question, meta)])[0]


class OpenEndedBatch:
    """Scores open-ended answers together: one call of the scorer for all of them, and each reference only once.

    Args:
        scorer: scores answers and references alike.
        beta: of the formula.
    """

    def __init__(self, scorer: Scorer, beta: float = DEFAULT_BETA):
        self.scorer = scorer
        self.beta = beta
        self._references: dict[tuple[Question, str], float] = {}

    def __call__(self, responses: Sequence[str], gts: Sequence[str], questions: Sequence[Question]) -> list[Score]:
        answers = [extract_answer(response) for response in responses]
        keys = list(zip(questions, gts, strict=True))
        open_places = [place for place, answer in enumerate(answers) if answer is not None]
        scores = [GATED] * len(answers)
        if not open_places:
            return scores
        new = list(dict.fromkeys(keys[place] for place in open_places if keys[place] not in self._references))
        texts = [(questions[place], answers[place]) for place in open_places] + new
        values = self.scorer([asked for asked, _ in texts], [text for _, text in texts])
        for key, value in zip(new, values[len(open_places) :], strict=True):
            if value is not None:  # one that failed is asked for again
                self._references[key] = value
        for place, value in zip(open_places, values, strict=False):
            scores[place] = _compared(value, self._references.get(keys[place]), self.beta)
        return scores


def _compared(answer: float | None, reference: float | None, beta: float) -> Score:
    if answer is None or reference is None:
        return Score(None, Reason.NOT_SCORED)
    value = open_ended_value(answer - reference, beta=beta)
    return Score(value, Reason.PARTIAL if value > 0 else Reason.NOT_BETTER)


def check_reference(gt: str, question: str = "", meta: str = "") -> str | None:
    """What is wrong with a reference answer, and the mend; None when it says something."""
    if any(character.isalnum() for character in gt):
        return None
    return f"the reference answer {gt!r:.80} has no word; write the answer that responses are compared with"


def beats_reference(score: Score) -> bool:
    """Whether an open answer scored higher than its reference."""
    return score.value > 0


def never_the_same(a: str, b: str, question: str) -> bool:
    """No: other words may mean the same, but a score against a reference does not tell."""
    return False
