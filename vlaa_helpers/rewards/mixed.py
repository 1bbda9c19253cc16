"""The mixed reward: one verifier a sample behind one format gate (arXiv 2504.11468 §4.1, figure 4).

Each verifier takes a whole response, asks `answers` for its answer, and gives a `Score`: a value in [0, 1] and the
reason for it. Without an answer the value is 0 whatever else is true; the thinking is never scored. `MixedReward`
picks the verifier by each sample's `verifier_type` and speaks TRL's reward interface.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..core.answers import completion_text, extract_answer, parse_response
from ..core.record_schema import VERIFIER_TYPES
from ..core.trace_text import aha_words
from .box import box_reward
from .choice import choice_reward
from .digit import digit_reward
from .mathematics import math_reward
from .open_ended import DEFAULT_BETA, _better
from .score import GATED, Reason, Score
from .scorers import FactsScorer, Question, Scorer

# ---- digit ----


# ---- choice ----


# ---- mathematics ----


# ---- boxes ----


# ---- open-ended ----


# ---- all five ----


class MixedReward:
    """A TRL reward function: each sample is scored by the verifier that its `verifier_type` names; no sum, no weights.

    Args:
        scorer: for open-ended answers; `FactsScorer()` by default (mini world only). References are scored once.
        beta: of the open-ended formula.
        box_frame: what prompts ask boxes in, see `box_reward`; "pixel" reads `image_size` in a record's meta.
        verifiers: further ones by `verifier_type`: `(response, gt, *, question="") -> Score`.

    Call it with TRL's columns, one entry a completion: `verifier_type`, `gt`, and when present `question`, `meta` and
    `images`.
    To the trainer's metrics go the mean reward of each verifier (`reward/digit`, …), the share of each reason
    (`reason/no_answer`, …), of responses in the strict format (`strict`) and of those with a cue of self-reflection
    (`cues`, see `aha_words`): a stuck reward shows in the first two, how the responses change in the others.
    """

    __name__ = "mixed_reward"

    def __init__(
        self,
        scorer: Scorer | None = None,
        beta: float = DEFAULT_BETA,
        *,
        box_frame: str = "fraction",
        verifiers: Mapping[str, Callable[..., Score]] | None = None,
    ):
        self.scorer = scorer or FactsScorer()
        self.beta = beta
        self.box_frame = box_frame
        self.verifiers = {**VERIFIERS, **(verifiers or {})}
        self._references: dict[tuple[Question, str], float | None] = {}

    def score(
        self,
        response: str,
        gt: str,
        verifier_type: str,
        *,
        question: str = "",
        meta: str = "",
        images: Sequence[Any] = (),
    ) -> Score:
        """Score one response.

        Raises:
            ValueError: an unknown `verifier_type`, or a ground truth that its verifier cannot read.
        """
        return self.score_all([response], [gt], [verifier_type], [question], [meta], [images])[0]

    def score_all(
        self,
        responses: Sequence[str],
        gts: Sequence[str],
        verifier_types: Sequence[str],
        questions: Sequence[str],
        metas: Sequence[str],
        images: Sequence[Sequence[Any] | None],
    ) -> list[Score]:
        """Score responses together: open-ended answers reach the scorer in one batch."""
        scores: list[Score | None] = []
        opened: list[tuple[int, Question, str, str]] = []
        rows = zip(responses, gts, verifier_types, questions, metas, images, strict=True)
        for place, (response, gt, kind, question, meta, shown) in enumerate(rows):
            if kind == "open_ended":
                answer = extract_answer(response)
                scores.append(GATED if answer is None else None)
                if answer is not None:
                    opened.append((place, Question(question, meta, tuple(shown or ())), answer, gt))
            elif kind == "box" and self.box_frame != "fraction":
                size = tuple(json.loads(meta or "{}").get("image_size") or ()) or None
                scores.append(box_reward(response, gt, question=question, frame=self.box_frame, size=size))
            elif kind in self.verifiers:
                scores.append(self.verifiers[kind](response, gt, question=question))
            else:
                known = dict.fromkeys((*VERIFIER_TYPES, *self.verifiers))
                raise ValueError(f"unknown verifier_type {kind!r}; expected one of {', '.join(known)}")
        for place, score in zip((place for place, *_ in opened), self._score_open(opened), strict=True):
            scores[place] = score
        return scores

    def _score_open(self, opened: list[tuple[int, Question, str, str]]) -> list[Score]:
        if not opened:
            return []
        new = dict.fromkeys((asked, gt) for _, asked, _, gt in opened if (asked, gt) not in self._references)
        texts = [(asked, answer) for _, asked, answer, _ in opened] + list(new)
        values = self.scorer([asked for asked, _ in texts], [text for _, text in texts])
        for key, value in zip(new, values[len(opened) :], strict=True):
            if value is not None:  # one that failed is asked for again
                self._references[key] = value
        return [
            _better(value, self._references.get((asked, gt)), self.beta)
            for value, (_, asked, _, gt) in zip(values, opened, strict=False)
        ]

    def __call__(
        self,
        completions: Sequence[Any],
        verifier_type: Sequence[str] | None = None,
        gt: Sequence[str] | None = None,
        *,
        log_metric: Callable[[str, float], None] | None = None,
        log_extra: Callable[[str, list], None] | None = None,
        **columns: Any,
    ) -> list[float | None]:
        if verifier_type is None or gt is None:
            raise ValueError(
                f"the mixed reward needs the columns verifier_type and gt, got {', '.join(sorted(columns)) or 'none'}; "
                "train on to_grpo(records)"
            )
        blank, none = [""] * len(completions), [()] * len(completions)
        texts = [completion_text(completion) for completion in completions]
        said_of = columns.get("question", blank), columns.get("meta", blank), columns.get("images", none)
        scores = self.score_all(texts, gt, verifier_type, *said_of)
        if log_extra:
            log_extra("reason", [str(score.reason) for score in scores])
        if log_metric and scores:
            for name in sorted(set(verifier_type)):
                kinds = zip(scores, verifier_type, strict=True)
                values = [score.value for score, kind in kinds if kind == name and score.value is not None]
                if values:
                    log_metric(f"reward/{name}", sum(values) / len(values))
            counts = Counter(score.reason for score in scores)
            for reason in Reason:  # those that do not occur too: the trainer averages over the calls that name a metric
                log_metric(f"reason/{reason}", counts[reason] / len(scores))
            log_metric("strict", sum(parse_response(text).is_strict for text in texts) / len(texts))
            log_metric("cues", sum(bool(aha_words(text)) for text in texts) / len(texts))
        return [score.value for score in scores]


VERIFIERS: dict[str, Callable[..., Score]] = {
    "digit": digit_reward,
    "choice": choice_reward,
    "math": math_reward,
    "box": box_reward,
}


def is_correct(score: Score, verifier_type: str) -> bool:
    """What counts as right in accuracy: full marks; a box from IoU 0.5; an open answer that beats the reference."""
    if score.value is None:
        return False
    if verifier_type == "box":
        return score.value >= 0.5
    if verifier_type == "open_ended":
        return score.value > 0
    return score.value == 1
