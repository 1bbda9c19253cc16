"""The mixed reward: one verifier a sample behind one format gate (arXiv 2504.11468 §4.1, figure 4).

Each verifier takes a whole response, asks `answers` for its answer, and gives a `Score`: a value in [0, 1] and the reason
for it. Without an answer the value is 0 whatever else is true; the thinking is never scored. `MixedReward` picks the
verifier by each sample's `verifier_type` and speaks TRL's reward interface.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, Protocol

from .answers import completion_text, extract_answer
from .records import VERIFIER_TYPES
from .scene_kinds import KINDS
from .scenes import stated_facts


class Reason(StrEnum):
    """Why a response got its score.

    correct: full marks. partial: a box that overlaps, or an open answer that beats the reference. wrong: an answer of the
    right kind that is not true. no_answer: no answer can be told from the response (the gate). ambiguous: several
    answers. unreadable: an answer of the wrong kind. not_better: an open answer that does not beat the reference.
    """

    CORRECT = "correct"
    PARTIAL = "partial"
    WRONG = "wrong"
    NO_ANSWER = "no_answer"
    AMBIGUOUS = "ambiguous"
    UNREADABLE = "unreadable"
    NOT_BETTER = "not_better"


@dataclass(frozen=True)
class Score:
    """`value` in [0, 1], and the `reason` for it."""

    value: float
    reason: Reason


GATED = Score(0.0, Reason.NO_ANSWER)


class Scorer(Protocol):
    """How good an open-ended answer is; higher is better, any scale. `meta` is the record's JSON string."""

    def __call__(self, question: str, answer: str, *, meta: str = "") -> float: ...


def _judge(answer: str | None, decide: Callable[[str], Score]) -> Score:
    return GATED if answer is None else decide(answer)


def _exact(right: bool) -> Score:
    return Score(1.0, Reason.CORRECT) if right else Score(0.0, Reason.WRONG)


_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?")


def digit_reward(response: str, gt: str, *, question: str = "") -> Score:
    """1 when the answer is the number `gt` and nothing else ("3", "3.0", "3."), else 0; used for counting (CLEVR-Math).

    >>> digit_reward("<think>…</think><answer>3</answer>", "3").value
    1.0
    """

    def decide(answer: str) -> Score:
        number = _NUMBER.fullmatch(answer.strip().rstrip("."))
        if number:
            return _exact(float(number[0]) == float(gt))
        return Score(0.0, Reason.AMBIGUOUS if len(_NUMBER.findall(answer)) > 1 else Reason.UNREADABLE)

    return _judge(extract_answer(response), decide)


_LETTER = re.compile(r"\(?([A-Za-z])\)?(?:[).:,]\s*(?P<text>.*))?", re.DOTALL)
_OPTION_LETTERS = re.compile(r"\b([A-H])\b(?=[).:, ]|$)")


def choice_reward(response: str, gt: str, *, question: str = "") -> Score:
    """1 when the answer names exactly the option `gt` ("B", "(b)", "B) 40"), else 0; two letters are `ambiguous`.

    >>> choice_reward("<think>…</think><answer>B) 40</answer>", "B").reason
    <Reason.CORRECT: 'correct'>
    >>> choice_reward("<think>…</think><answer>A, B, C, D</answer>", "B").reason
    <Reason.AMBIGUOUS: 'ambiguous'>
    """

    def decide(answer: str) -> Score:
        if len(set(_OPTION_LETTERS.findall(answer))) > 1:
            return Score(0.0, Reason.AMBIGUOUS)
        letter = _LETTER.fullmatch(answer.strip())
        if not letter:
            return Score(0.0, Reason.UNREADABLE)
        return _exact(letter[1].upper() == gt.strip("()").upper())

    return _judge(extract_answer(response), decide)


MAX_MATH_LENGTH = 300
_POWER_TOWER = re.compile(r"(?:\^|\*\*)[^+\-=,]*(?:\^|\*\*)|(?:\^|\*\*)\s*\{?\s*\d{3,}|\d{6,}!|!!")


def math_reward(response: str, gt: str, *, question: str = "") -> Score:
    """1 when the answer is mathematically the same as `gt` (Math-Verify; "y = …" equals its bare right side), else 0.

    No signal timeouts, so it works off the main thread; long answers and towers of powers are `unreadable` instead.

    Raises:
        ValueError: `gt` cannot be read as mathematics: a fault of the data, not of the response.

    >>> math_reward("<think>…</think><answer>y = 1 + 2x</answer>", "y = 2x + 1").value
    1.0
    """

    def decide(answer: str) -> Score:
        gold = _parse_math(_right_side(gt))
        if not gold:
            raise ValueError(f"the ground truth {gt!r:.80} is not mathematics; mend the record, or give it another verifier_type")
        if len(answer) > MAX_MATH_LENGTH or _POWER_TOWER.search(answer):
            return Score(0.0, Reason.UNREADABLE)
        said = _parse_math(_right_side(answer))
        if not said:
            return Score(0.0, Reason.UNREADABLE)
        return _exact(_same_math(_right_side(gt), _right_side(answer)))

    return _judge(extract_answer(response), decide)


def _right_side(text: str) -> str:
    """"y = 2x + 1" is "2x + 1"; anything else is kept."""
    return re.sub(r"^\s*\$*\s*(?:y|f\s*\(\s*x\s*\))\s*=\s*", "", text).strip().strip("$")


@lru_cache(maxsize=4096)
def _parse_math(text: str) -> tuple:
    from math_verify import parse

    return tuple(parse(f"${text}$", parsing_timeout=None))


@lru_cache(maxsize=16384)
def _same_math(gold: str, said: str) -> bool:
    from math_verify import verify

    return bool(verify(list(_parse_math(gold)), list(_parse_math(said)), timeout_seconds=None))


def box_iou(a: Sequence[float], b: Sequence[float]) -> float:
    """Intersection over union of two boxes `[x1, y1, x2, y2]`; 0 when either has no area."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    area = lambda box: (box[2] - box[0]) * (box[3] - box[1])  # noqa: E731
    union = area(a) + area(b) - width * height
    return width * height / union if union > 0 else 0.0


def read_box(text: str) -> list[float] | None:
    """The one box in a text, or None: four finite numbers, in order (x1 < x2, y1 < y2)."""
    numbers = [float(number) for number in _NUMBER.findall(text)]
    if len(numbers) != 4 or not all(map(math.isfinite, numbers)):
        return None
    x1, y1, x2, y2 = numbers
    return numbers if x1 < x2 and y1 < y2 else None


def box_reward(response: str, gt: str, *, question: str = "") -> Score:
    """The IoU of the answer's box with `gt`, both `[x1, y1, x2, y2]` in fractions of the picture; continuous, no threshold.

    >>> round(box_reward("<answer>[0.0, 0.0, 0.5, 1.0]</answer>", "[0.0, 0.0, 1.0, 1.0]").value, 2)
    0.5
    """

    def decide(answer: str) -> Score:
        count = len(_NUMBER.findall(answer))
        box = read_box(answer)
        if box is None:
            return Score(0.0, Reason.AMBIGUOUS if count > 4 else Reason.UNREADABLE)
        value = box_iou(box, read_box(gt) or (0.0, 0.0, 0.0, 0.0))
        return Score(value, Reason.CORRECT if value == 1 else Reason.PARTIAL if value > 0 else Reason.WRONG)

    return _judge(extract_answer(response), decide)


DEFAULT_BETA = 0.2
"""β of the open-ended reward: the paper does not give it; this is the value in the code that it cites (arXiv 2503.00743)."""


def open_ended_reward(
    response: str, gt: str, *, scorer: Scorer, question: str = "", meta: str = "", beta: float = DEFAULT_BETA
) -> Score:
    """`1 - exp(-β (S(answer) - S(gt)))` when the answer scores higher than the reference, else 0 (paper §4.1)."""

    def decide(answer: str) -> Score:
        margin = scorer(question, answer, meta=meta) - scorer(question, gt, meta=meta)
        if margin <= 0:
            return Score(0.0, Reason.NOT_BETTER)
        return Score(1 - math.exp(-beta * margin), Reason.PARTIAL)

    return _judge(extract_answer(response), decide)


class FactsScorer:
    """Scores an answer about a mini-world picture by its facts: +1 for each true one that was asked for, -1 for each
    claim that is not true of the scene; repeating a claim gains nothing."""

    def __call__(self, question: str, answer: str, *, meta: str = "") -> float:
        try:
            known = json.loads(meta)
            wanted = set(stated_facts("stories", " ".join(known["task"]["wanted"])))
            facts = set(stated_facts("stories", KINDS["stories"].words(known["facts"])))
        except (KeyError, ValueError) as error:
            raise ValueError(
                "this record has no scene facts in its meta, so its answer cannot be checked against them; "
                "pass another scorer: MixedReward(scorer=…)"
            ) from error
        stated = set(stated_facts("stories", answer))
        return float(len(stated & wanted) - len(stated - facts))


class MixedReward:
    """A TRL reward function: each sample is scored by the verifier that its `verifier_type` names; no sum, no weights.

    Args:
        scorer: for open-ended answers; `FactsScorer()` by default (mini world only).
        beta: of the open-ended formula.

    Call it with TRL's columns, one entry a completion: `verifier_type`, `gt`, and when present `question` and `meta`.
    Mean reward a verifier and the share of each reason go to the trainer's metrics, so that a stuck reward shows.
    """

    __name__ = "mixed_reward"

    def __init__(self, scorer: Scorer | None = None, beta: float = DEFAULT_BETA):
        self.scorer = scorer or FactsScorer()
        self.beta = beta

    def score(self, response: str, gt: str, verifier_type: str, *, question: str = "", meta: str = "") -> Score:
        """Score one response.

        Raises:
            ValueError: an unknown `verifier_type`.
        """
        if verifier_type == "open_ended":
            return open_ended_reward(response, gt, scorer=self.scorer, question=question, meta=meta, beta=self.beta)
        if verifier_type not in VERIFIERS:
            raise ValueError(f"unknown verifier_type {verifier_type!r}; expected one of {', '.join(VERIFIER_TYPES)}")
        return VERIFIERS[verifier_type](response, gt, question=question)

    def __call__(
        self,
        completions: Sequence[Any],
        verifier_type: Sequence[str] | None = None,
        gt: Sequence[str] | None = None,
        *,
        log_metric: Callable[[str, float], None] | None = None,
        log_extra: Callable[[str, list], None] | None = None,
        **columns: Any,
    ) -> list[float]:
        if verifier_type is None or gt is None:
            raise ValueError(
                f"the mixed reward needs the columns verifier_type and gt, got {', '.join(sorted(columns)) or 'none'}; "
                "train on to_grpo(records)"
            )
        blank = [""] * len(completions)
        rows = zip(
            completions, gt, verifier_type, columns.get("question", blank), columns.get("meta", blank), strict=True
        )
        scores = [self.score(completion_text(c), g, v, question=q, meta=m) for c, g, v, q, m in rows]
        if log_extra:
            log_extra("reason", [str(score.reason) for score in scores])
        if log_metric:
            for name in sorted(set(verifier_type)):
                values = [score.value for score, kind in zip(scores, verifier_type, strict=True) if kind == name]
                log_metric(f"reward/{name}", sum(values) / len(values))
            for reason, count in Counter(score.reason for score in scores).items():
                log_metric(f"reason/{reason}", count / len(scores))
        return [score.value for score in scores]


VERIFIERS: dict[str, Callable[..., Score]] = {
    "digit": digit_reward,
    "mcq": choice_reward,
    "math": math_reward,
    "iou": box_reward,
}


def is_correct(score: Score, verifier_type: str) -> bool:
    """What counts as right in accuracy: full marks; a box from IoU 0.5; an open answer that beats the reference."""
    if verifier_type == "iou":
        return score.value >= 0.5
    if verifier_type == "open_ended":
        return score.value > 0
    return score.value == 1
