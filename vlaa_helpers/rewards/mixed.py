"""The mixed reward: one verifier a sample behind one format gate (arXiv 2504.11468 §4.1, figure 4).

Each verifier takes a whole response, asks `answers` for its answer, and gives a `Score`: a value in [0, 1] and the
reason for it. Without an answer the value is 0 whatever else is true; the thinking is never scored. `MixedReward`
picks the verifier by each sample's `verifier_type` and speaks TRL's reward interface.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from ..core.answers import completion_text, parse_response
from ..core.trace_text import aha_words
from .box import box_reward
from .open_ended import DEFAULT_BETA, OpenEndedBatch
from .registry import Verifier, get_verifier
from .score import Reason, Score
from .scorers import FactsScorer, Question, Scorer


class MixedReward:
    """A TRL reward function: each sample is scored by the verifier that its `verifier_type` names; no sum, no weights.

    The verifiers are the registered ones (`register_verifier` adds your own).

    Args:
        scorer: for open-ended answers; `FactsScorer()` by default (mini world only). References are scored once.
        beta: of the open-ended formula.
        box_frame: what prompts ask boxes in, see `box_reward`; "pixel" reads `image_size` in a record's meta.
        verifiers: other verifiers for some types, `{"digit": Verifier(…)}`: they score in the place of the registered.

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
        verifiers: Mapping[str, Verifier] | None = None,
    ):
        self.scorer = scorer or FactsScorer()
        self.beta = beta
        self.box_frame = box_frame
        self._knows_facts_alone = isinstance(self.scorer, FactsScorer) and "open_ended" not in (verifiers or {})
        self._with_settings = {
            "box": replace(get_verifier("box"), score=partial(box_reward, frame=box_frame)),
            "open_ended": replace(get_verifier("open_ended"), score_batch=OpenEndedBatch(self.scorer, beta)),
            **(verifiers or {}),
        }

    def check_records(self, records: Any) -> None:
        """Make sure that open-ended records can be scored, before anything is sampled for them.

        Raises:
            ValueError: the scorer is `FactsScorer`, and some have no scene facts; says of which sources they are.
        """
        if not self._knows_facts_alone:
            return
        lost: Counter = Counter()
        rows = zip(*(records[name][:] for name in ("source", "verifier_type", "question", "meta")), strict=True)
        for source, kind, question, meta in rows:
            if kind == "open_ended":
                try:
                    self.scorer([Question(question, meta)], [""])
                except ValueError:
                    lost[source] += 1
        if lost:
            raise ValueError(
                f"{lost.total()} of {len(records)} records (of {', '.join(lost)}) are open-ended without scene facts: "
                "MixedReward() scores such answers in the mini world alone. Leave them out, sources=[…] without these; "
                'or pass a scorer: MixedReward(scorer=RewardModelScorer("…")), or JudgeScorer.'
            )

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
        questions: Sequence[str | None],
        metas: Sequence[str],
        images: Sequence[Sequence[Any] | None],
    ) -> list[Score]:
        """Score responses together: those of one verifier at once, so open-ended ones reach the scorer in one batch."""
        rows = list(zip(responses, gts, [text or "" for text in questions], metas, images, strict=True))
        places_of: dict[str, list[int]] = defaultdict(list)
        for place, (_, name) in enumerate(zip(rows, verifier_types, strict=True)):
            places_of[name].append(place)
        verifiers = [self._with_settings.get(name) or get_verifier(name) for name in places_of]
        scores: dict[int, Score] = {}
        for verifier, places in zip(verifiers, places_of.values(), strict=True):
            scores |= zip(places, _scores_by(verifier, [rows[place] for place in places]), strict=True)
        return [scores[place] for place in range(len(rows))]

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
            _log(log_metric, texts, scores, verifier_type)
        return [score.value for score in scores]


def is_correct(score: Score, verifier_type: str) -> bool:
    """What counts as right in accuracy: full marks; a box from IoU 0.5; an open answer that beats the reference.

    A verifier of one's own says it by `Verifier.is_correct`.
    """
    return score.value is not None and get_verifier(verifier_type).is_correct(score)


def earned_right(value: float, verifier_type: str) -> bool:
    """`is_correct` of a response of which only the number is left that it earned by this verifier; NaN is not right."""
    return not math.isnan(value) and is_correct(Score(value, Reason.PARTIAL), verifier_type)


def _scores_by(verifier: Verifier, rows: list[tuple]) -> list[Score]:
    """The scores of rows of (response, gt, question, meta, images) by one verifier."""
    if verifier.score_batch is None:
        scores = [verifier.score(response, gt, question=text, meta=meta) for response, gt, text, meta, _ in rows]
    else:
        responses, gts, texts, metas, images = zip(*rows, strict=True)
        shown = (tuple(each or ()) for each in images)
        scores = verifier.score_batch(responses, gts, list(map(Question, texts, metas, shown)))
    if len(scores) != len(rows) or not all(isinstance(score, Score) for score in scores):
        raise TypeError(
            f"verifier {verifier.name!r} gave {scores!r:.80} for {len(rows)} responses; expected for each a "
            "Score(value, Reason)"
        )
    return scores


def _log(log_metric: Callable[[str, float], None], texts: list[str], scores: list[Score], names: Sequence[str]) -> None:
    for name in sorted(set(names)):
        pairs = zip(scores, names, strict=True)
        values = [score.value for score, of in pairs if of == name and score.value is not None]
        if values:
            log_metric(f"reward/{name}", sum(values) / len(values))
    counts = Counter(score.reason for score in scores)
    for reason in Reason:  # those that do not occur too: the trainer averages over the calls that name a metric
        log_metric(f"reason/{reason}", counts[reason] / len(scores))
    log_metric("strict", sum(parse_response(text).is_strict for text in texts) / len(texts))
    log_metric("cues", sum(bool(aha_words(text)) for text in texts) / len(texts))
