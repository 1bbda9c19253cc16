"""Before a GRPO run: would it learn anything here? A few prompts, sampled and scored, say so before it is paid for."""

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.kept_rows import KeptRows
from ..data.trl_views import to_grpo
from ..evaluation.runner import LATER, digest_of, model_settings
from ..policy.generation import SamplingParams, response_batches
from ..policy.profiles import Profile
from ..policy.text_checks import check_texts
from ..rewards.mixed import MixedReward
from ..rewards.score import Reason
from .recipes import grpo_recipe

if TYPE_CHECKING:
    from datasets import Dataset

MOSTLY = 0.8
"""From this share on, something is true of most groups, responses or reasons."""
NAME_THE_FRAME = "Name it in the prompt, and as MixedReward(box_frame=…)."


@dataclass(frozen=True)
class Preflight:
    """What a policy earns before any training.

    Attributes:
        prompts, generations: how many groups, and responses in each.
        reward: mean over all responses, 0-1.
        spread: mean over groups of the standard deviation within one: what GRPO turns into advantages.
        zero_variance: share of groups whose rewards are all equal; they teach nothing.
        clipped: share of responses truncated at the token limit.
        tokens: mean length of a response.
        reasons: reason of the reward to share of responses; empty for rewards that give none.
        by_verifier: verifier type to mean reward.
        examples: five raw responses with their reward and reason.
        verdict: what to expect, in words; `will_learn` says it as a bool.
    """

    prompts: int
    generations: int
    reward: float
    spread: float
    zero_variance: float
    clipped: float
    tokens: float
    reasons: dict[str, float]
    by_verifier: dict[str, float]
    examples: tuple[dict, ...]
    verdict: str
    will_learn: bool

    def __str__(self) -> str:
        by_verifier = ", ".join(f"{name} {value:.2f}" for name, value in self.by_verifier.items())
        reasons = ", ".join(f"{name} {share:.0%}" for name, share in self.reasons.items())
        lines = [
            f"{self.prompts} prompts, {self.generations} responses each",
            f"reward {self.reward:.2f} ({by_verifier})",
            f"spread within a group {self.spread:.2f}; zero-variance groups {self.zero_variance:.0%}",
            f"{self.tokens:.0f} tokens a response, {self.clipped:.0%} truncated at the limit",
            *([f"reasons: {reasons}"] if reasons else []),
            *(f"  {row['reward']!s:.4} {row['reason']:<12} {row['response']!r:.160}" for row in self.examples),
            self.verdict,
        ]
        return "\n".join(lines)


def preflight(
    model: Any,
    processor: Any,
    records: "Dataset",
    reward: Callable[..., list[float | None]],
    *,
    profile: Profile | None = None,
    recipe: str = "trl",
    prompts: int = 32,
    generations: int | None = None,
    temperature: float | None = None,
    max_new_tokens: int | None = None,
    batch_size: int | None = None,
    seed: int = 0,
    out: str | Path | None = None,
) -> Preflight:
    """Sample groups of responses from a policy, score them, and say whether GRPO would learn from such groups.

    Args:
        reward: a TRL reward function, such as `MixedReward()`.
        profile, recipe: of the run that is planned (`train_grpo`): they decide what is not named below.
        prompts: how many records to draw; fewer when there are fewer.
        generations: responses a prompt; without a profile 8.
        temperature: of the sampling; without a profile 1.
        max_new_tokens: without a profile the mini lab's 128.
        batch_size: sequences sampled at once; without a profile 64.
        out: a folder that keeps the responses and their scores as they come; after an interruption the same call goes
            on from there.

    Raises:
        ValueError: no records, fewer than two generations, a control token in a question, an `out` that holds another
            pre-flight, or open-ended records that a `MixedReward` cannot score.
        NotFiniteError: the model's numbers are not finite, so nothing can be sampled; in float16 they may overflow.
    """
    if not len(records):
        raise ValueError("no records to try the policy on")
    planned = grpo_recipe(profile, recipe)["value"] if profile else {}
    generations = generations or planned.get("num_generations", 8)
    if generations < 2:
        raise ValueError(f"a group needs at least 2 generations, got {generations}; set generations=8, as in the run")
    if isinstance(reward, MixedReward):
        reward.check_records(records)
    check_texts(records, processor, columns=["question"])
    temperature = planned.get("temperature", 1.0) if temperature is None else temperature
    max_new_tokens = max_new_tokens or planned.get("max_completion_length", 128)
    batch_size = batch_size or (profile.sampled_at_once if profile else 64)
    tried = records.shuffle(seed=seed).select(range(min(prompts, len(records))))
    sampling = SamplingParams(generations, temperature, max_new_tokens, seed=seed)
    settings = asdict(sampling) | {"batch_size": batch_size, "items": digest_of("\n".join(tried["id"][:]))}
    if out is not None:
        settings |= model_settings(model, processor)
    unit = max(1, batch_size // generations) * generations  # what is sampled belongs to a whole batch
    kept = KeptRows(out, settings, wanted=len(tried) * generations, unit=unit, what="pre-flight", later=LATER)
    done = len(kept.rows) // generations
    rows = to_grpo(tried).select(range(done, len(tried))) if done < len(tried) else []
    for batch, texts in response_batches(model, processor, rows, sampling, batch_size=batch_size, words="preflight"):
        kept.add(_scored(batch, texts, generations, reward))
    return _report(kept.rows, generations)


def _scored(batch: dict[str, list], texts: list[tuple], generations: int, reward: Callable) -> list[dict]:
    columns = {
        name: [value for value in values for _ in range(generations)]
        for name, values in batch.items()
        if name != "prompt"
    }
    completions = [[{"role": "assistant", "content": text}] for text, _, _ in texts]
    extra: dict[str, list] = {}
    values = reward(
        prompts=[prompt for prompt in batch["prompt"] for _ in range(generations)],
        completions=completions,
        log_extra=extra.__setitem__,
        log_metric=lambda *_: None,
        **columns,
    )
    reasons = extra.get("reason", [""] * len(texts))
    kinds = columns["verifier_type"]
    return [
        {
            "response": text,
            "tokens": tokens,
            "truncated": truncated,
            "reward": value,
            "reason": reason,
            "verifier_type": kind,
        }
        for (text, tokens, truncated), value, reason, kind in zip(texts, values, reasons, kinds, strict=True)
    ]


def _report(responses: list[dict], generations: int) -> Preflight:
    values = np.array([row["reward"] if row["reward"] is not None else np.nan for row in responses], dtype=float)
    groups = values.reshape(-1, generations)
    scored = groups[~np.isnan(groups).all(axis=1)]
    spreads = np.nanstd(scored, axis=1) if len(scored) else np.zeros(1)
    counts = Counter(row["reason"] for row in responses if row["reason"])
    kinds = sorted({row["verifier_type"] for row in responses})
    of_kind = {kind: values[[row["verifier_type"] == kind for row in responses]] for kind in kinds}
    places = np.linspace(0, len(responses) - 1, min(5, len(responses))).astype(int)
    numbers = {
        "prompts": len(groups),
        "generations": generations,
        "reward": float(np.nanmean(values)) if len(scored) else float("nan"),
        "spread": float(spreads.mean()),
        "zero_variance": float((spreads < 1e-8).mean()),
        "clipped": float(np.mean([row["truncated"] for row in responses])),
        "tokens": float(np.mean([row["tokens"] for row in responses])),
        "reasons": {name: count / len(responses) for name, count in counts.most_common()},
        "by_verifier": {k: float(np.nanmean(v)) for k, v in of_kind.items() if not np.isnan(v).all()},
    }
    examples = tuple({name: responses[k][name] for name in ("reward", "reason", "response")} for k in places)
    will_learn, verdict = _verdict(numbers)
    if will_learn and len(kinds) > 1:
        verdict += _wasted(responses, groups, generations)
    return Preflight(**numbers, examples=examples, verdict=verdict, will_learn=will_learn)


def _wasted(responses: list[dict], groups: np.ndarray, generations: int) -> str:
    """Which verifier types hardly teach anything while others do, and the commonest reason there."""
    kind_of = np.array([row["verifier_type"] for row in responses[::generations]])
    equal = np.array([len({round(value, 8) for value in group if not np.isnan(value)}) < 2 for group in groups])
    words = ""
    for kind in dict.fromkeys(kind_of):
        share = float(equal[kind_of == kind].mean())
        if share < MOSTLY:
            continue
        reasons = Counter(row["reason"] for row in responses if row["verifier_type"] == kind)
        reason, count = reasons.most_common(1)[0]
        often = f", {count / reasons.total():.0%} of the responses for the reason {reason}" if reason else ""
        words += (
            f" But {kind} prompts, {(kind_of == kind).mean():.0%} of all, would be paid for in vain: in {share:.0%} of "
            f"their groups all responses earn the same{often}. "
        )
        words += (
            f"Boxes are in another frame. {NAME_THE_FRAME}"
            if reason == Reason.OUT_OF_RANGE
            else "Leave them out, or change how hard they are."
        )
    return words


def _verdict(numbers: dict[str, Any]) -> tuple[bool, str]:
    equal, reasons = numbers["zero_variance"], numbers["reasons"]
    if np.isnan(numbers["reward"]):
        return False, "GRPO would learn nothing here because no response could be scored: see what the scorer needs."
    if equal < MOSTLY:
        words = f"GRPO has something to learn from here: {1 - equal:.0%} of the groups have better and worse responses."
        if numbers["clipped"] > 0.5:
            words += f" But {numbers['clipped']:.0%} of the responses are truncated: raise max_completion_length."
        return True, words
    lead = f"GRPO would learn next to nothing here because in {equal:.0%} of the groups all responses earn the same"
    if numbers["clipped"] >= MOSTLY:
        return (
            False,
            f"{lead}: nearly all are truncated at the token limit before they answer. Raise max_completion_length.",
        )
    if reasons.get(Reason.NO_ANSWER, 0) >= MOSTLY:
        return False, f"{lead}: they have no answer tags. Fine-tune first, or ask for the tags in the prompt."
    if reasons.get(Reason.OUT_OF_RANGE, 0) >= MOSTLY:
        return False, f"{lead}: the boxes are in another frame. {NAME_THE_FRAME}"
    if numbers["reward"] > 0.9:
        return False, f"{lead}: they are right already. Take harder records."
    if numbers["reward"] < 0.1:
        return False, f"{lead}: they are hardly ever right. Take easier records, or fine-tune first."
    return False, f"{lead}, though not all groups the same: each prompt is too easy or too hard. Mix difficulties."
