"""Open-ended answers: how much better than the reference a scorer finds them."""

import math

from .score import Reason, Score, _judge
from .scorers import Question, Scorer

DEFAULT_BETA = 0.2
"""β of the open-ended reward: the paper gives none; this is the one in the code that it cites (arXiv 2503.00743)."""


def open_ended_value(margin: float, *, beta: float = DEFAULT_BETA) -> float:
    """`1 - exp(-β margin)` for an answer that scores higher than the reference by `margin`, 0 for any other (§4.1).

    >>> round(open_ended_value(2.0), 3), open_ended_value(-1.0)
    (0.33, 0.0)
    """
    return 1 - math.exp(-beta * margin) if margin > 0 else 0.0


def open_ended_reward(
    response: str, gt: str, *, scorer: Scorer, question: str = "", meta: str = "", beta: float = DEFAULT_BETA
) -> Score:
    """`open_ended_value` of how much the answer's score exceeds that of the reference answer `gt`.

    Repeating the question or the reference earns nothing: the one says nothing, the other beats nothing.
    """

    def decide(answer: str) -> Score:
        asked = Question(question, meta)
        return _better(*scorer([asked, asked], [answer, gt]), beta)

    return _judge(response, decide)


def _better(answer: float | None, reference: float | None, beta: float) -> Score:
    if answer is None or reference is None:
        return Score(None, Reason.NOT_SCORED)
    value = open_ended_value(answer - reference, beta=beta)
    return Score(value, Reason.PARTIAL if value > 0 else Reason.NOT_BETTER)
