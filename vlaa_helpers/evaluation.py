"""Held-out accuracy that can be trusted: one prompt and one decoder for all models, every response kept, intervals.

A wrong answer, a missing answer and a response cut at the length limit are different things and are counted apart.
"""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .answers import parse_response
from .models import image_token_ids
from .rewards import MixedReward, is_correct
from .views import to_grpo

if TYPE_CHECKING:
    import pandas as pd
    from datasets import Dataset

Z95 = 1.959964


def wilson_interval(correct: int, n: int) -> tuple[float, float]:
    """The 95% Wilson score interval of a share, 0-1.

    >>> [round(bound, 3) for bound in wilson_interval(8, 10)]
    [0.49, 0.943]
    """
    if n == 0:
        return 0.0, 1.0
    share, z2 = correct / n, Z95**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def pass_at_k(n: int, correct: int, k: int) -> float:
    """Chance that one of `k` samples or more is right, unbiased, from `correct` right ones in `n` (arXiv 2107.03374).

    >>> pass_at_k(8, 2, 1)
    0.25
    """
    if not 1 <= k <= n or not 0 <= correct <= n:
        raise ValueError(f"expected 1 <= k <= n and 0 <= correct <= n, got n={n}, correct={correct}, k={k}")
    return 1.0 - math.comb(n - correct, k) / math.comb(n, k)


def bootstrap_interval(per_item: Sequence[float], *, draws: int = 4000, seed: int = 0) -> tuple[float, float]:
    """The 95% percentile bootstrap interval of a mean, resampling items."""
    values = np.asarray(per_item, dtype=float)
    picks = np.random.default_rng(seed).integers(0, len(values), size=(draws, len(values)))
    low, high = np.percentile(values[picks].mean(axis=1), (2.5, 97.5))
    return float(low), float(high)


@dataclass(frozen=True)
class EvalReport:
    """What a model answered to held-out records.

    Attributes:
        rows: one dictionary a response: `id`, `source`, `question`, `gt`, `response`, `answer`, `value` (reward, 0-1),
            `reason`, `correct`, `has_answer`, `is_strict`, `truncated`, `tokens`.
        samples: responses an item; 1 with greedy decoding.
        seconds: what the generation took.
    """

    rows: tuple[dict, ...]
    samples: int
    seconds: float

    @property
    def accuracy(self) -> float:
        """Share of right responses, 0-1."""
        return self._mean("correct")

    @property
    def interval(self) -> tuple[float, float]:
        """95% interval of the accuracy: Wilson for one response an item, else bootstrap over items."""
        return _interval(self.to_frame(), self.samples)

    @property
    def format_failures(self) -> float:
        """Share of responses without an answer that can be told, truncated ones included."""
        return 1 - self._mean("has_answer")

    @property
    def truncated(self) -> float:
        return self._mean("truncated")

    @property
    def by_source(self) -> "pd.DataFrame":
        """A row a source and one for all: n (items), accuracy with its 95% bounds, no_answer, truncated, tokens."""
        import pandas as pd

        frame = self.to_frame()
        parts = [*frame.groupby("source", sort=False), ("all", frame)]
        return pd.DataFrame({name: _summary(part, self.samples) for name, part in parts}).T.astype({"n": int})

    def pass_at(self, k: int) -> float:
        """Mean over items of `pass_at_k`; needs at least `k` samples an item."""
        return float(
            np.mean([pass_at_k(self.samples, int(c), k) for c in self.to_frame().groupby("id")["correct"].sum()])
        )

    def to_frame(self) -> "pd.DataFrame":
        """Every response as a pandas row."""
        import pandas as pd

        return pd.DataFrame(self.rows)

    def _mean(self, column: str) -> float:
        return float(np.mean([row[column] for row in self.rows]))

    def __str__(self) -> str:
        low, high = self.interval
        decoder = "greedy" if self.samples == 1 else f"{self.samples} samples an item"
        items = len(self.rows) // self.samples
        return (
            f"accuracy {self.accuracy:.1%} (95% {low:.1%} to {high:.1%}), n = {items}, {decoder}; "
            f"no answer {self.format_failures:.1%}, truncated {self.truncated:.1%}"
        )


def _interval(frame: "pd.DataFrame", samples: int) -> tuple[float, float]:
    if samples == 1:
        return wilson_interval(int(frame["correct"].sum()), len(frame))
    return bootstrap_interval(frame.groupby("id")["correct"].mean().to_numpy())


def _summary(frame: "pd.DataFrame", samples: int) -> dict[str, float]:
    low, high = _interval(frame, samples)
    return {
        "n": len(frame) // samples,
        "accuracy": frame["correct"].mean(),
        "low": low,
        "high": high,
        "no_answer": 1 - frame["has_answer"].mean(),
        "truncated": frame["truncated"].mean(),
        "tokens": frame["tokens"].mean(),
    }


def evaluate(
    model: Any,
    processor: Any,
    records: "Dataset",
    *,
    reward: MixedReward | None = None,
    samples: int = 1,
    temperature: float = 1.0,
    max_new_tokens: int = 128,
    batch_size: int = 64,
    seed: int = 0,
) -> EvalReport:
    """Ask a model every question of `records` and score what it says.

    Args:
        model, processor: any vision-language model and its processor; `load_policy` gives such a pair.
        records: held-out rows.
        reward: decides what is right (`rewards.is_correct`); `MixedReward()` by default.
        samples: 1 decodes greedily; more draws that many responses an item at `temperature`.
        max_new_tokens: a response that reaches it without ending counts as truncated.
        batch_size: sequences generated at once.
        seed: of the sampling.

    Returns:
        An `EvalReport`; the model is left in the mode (train or eval) that it was in.

    Raises:
        ValueError: no records.
    """
    if len(records) == 0:
        raise ValueError("nothing to evaluate: records is empty")
    reward = reward or MixedReward()
    rows: list[dict] = []
    start = time.perf_counter()
    options = {"samples": samples, "temperature": temperature, "max_new_tokens": max_new_tokens}
    for batch, texts in response_batches(
        model, processor, to_grpo(records), batch_size=batch_size, seed=seed, words="evaluate", **options
    ):
        rows += [_row(batch[k // samples], *text, reward) for k, text in enumerate(texts)]
    return EvalReport(tuple(rows), samples, time.perf_counter() - start)


def response_batches(
    model: Any,
    processor: Any,
    prompts: "Dataset",
    *,
    batch_size: int,
    seed: int,
    words: str,
    samples: int,
    **options: Any,
) -> Iterator[tuple["Dataset", list[tuple[str, int, bool]]]]:
    """Batches of a `to_grpo` view, each with the model's responses; see `generate_responses` for the options.

    The model generates in eval mode and is left in the mode that it was in; the caller's random state is not touched.

    Args:
        batch_size: sequences generated at once.
        seed: of the sampling.
        words: for the progress bar.
    """
    import torch
    from tqdm.auto import tqdm

    was_training = model.training
    model.eval()
    step = max(1, batch_size // samples)
    try:
        with torch.random.fork_rng(devices=range(torch.cuda.device_count())), torch.no_grad():
            torch.manual_seed(seed)
            for first in tqdm(range(0, len(prompts), step), unit="batch", leave=False, desc=words):
                batch = prompts.select(range(first, min(first + step, len(prompts))))
                yield (
                    batch,
                    generate_responses(model, processor, batch["prompt"], batch["images"], samples=samples, **options),
                )
    finally:
        model.train(was_training)


def generate_responses(
    model: Any,
    processor: Any,
    prompts: Sequence[list[dict]],
    images: Sequence[list],
    *,
    samples: int = 1,
    temperature: float = 1.0,
    max_new_tokens: int = 128,
) -> list[tuple[str, int, bool]]:
    """Responses to a batch of chat prompts: (text, tokens, truncated) of each, the samples of a prompt together.

    Args:
        prompts: message lists with a bare image placeholder for each picture of `images` at the same place.
        samples: 1 is greedy; more are drawn at `temperature` from the whole distribution.
    """
    tokenizer = processor.tokenizer
    texts = [processor.apply_chat_template(prompt, tokenize=False, add_generation_prompt=True) for prompt in prompts]
    pictures = [picture.convert("RGB") for several in images for picture in several]
    inputs = processor(text=texts, images=pictures or None, padding=True, padding_side="left", return_tensors="pt")
    drawn = {"do_sample": True, "temperature": temperature, "top_k": 0, "top_p": 1.0}
    output = model.generate(
        **inputs.to(model.device),
        **({"do_sample": False} if samples == 1 else drawn),
        num_return_sequences=samples,
        max_new_tokens=max_new_tokens,
        suppress_tokens=image_token_ids(processor),
        pad_token_id=tokenizer.pad_token_id,
    )
    completions = output[:, inputs["input_ids"].shape[1] :].cpu()
    results = []
    for ids in completions:
        ended = (ids == tokenizer.eos_token_id).nonzero()
        length = int(ended[0]) if len(ended) else len(ids)
        results.append((tokenizer.decode(ids[:length], skip_special_tokens=True), length, not len(ended)))
    return results


def _row(row: dict, response: str, tokens: int, truncated: bool, reward: MixedReward) -> dict:
    parsed = parse_response(response)
    score = reward.score(response, row["gt"], row["verifier_type"], question=row["question"], meta=row["meta"])
    return {
        "id": row["id"],
        "source": row["source"],
        "question": row["question"],
        "gt": row["gt"],
        "response": response,
        "answer": parsed.answer,
        "value": score.value,
        "reason": str(score.reason),
        "correct": is_correct(score, row["verifier_type"]),
        "has_answer": parsed.answer is not None,
        "is_strict": parsed.is_strict,
        "truncated": truncated,
        "tokens": tokens,
    }


@dataclass(frozen=True)
class Comparison:
    """Two models on the same items: the difference in accuracy (after minus before), its 95% interval, McNemar's p."""

    difference: float
    low: float
    high: float
    p_value: float
    n: int

    def __str__(self) -> str:
        sign = "excludes" if self.low > 0 or self.high < 0 else "includes"
        return (
            f"{self.difference:+.1%} (95% {self.low:+.1%} to {self.high:+.1%}, which {sign} zero), "
            f"n = {self.n} paired items, exact McNemar (sign test) p = {self.p_value:.2g}"
        )


def compare_reports(before: EvalReport, after: EvalReport) -> Comparison:
    """Pair two reports item by item: a bootstrap of the difference, and the exact McNemar test of which items changed.

    Raises:
        ValueError: the reports are not about the same items.
    """
    old, new = (report.to_frame().groupby("id", sort=False)["correct"].mean() for report in (before, after))
    if set(old.index) != set(new.index):
        only = sorted(set(old.index) ^ set(new.index))
        raise ValueError(
            f"the reports differ in {len(only)} items, for example {only[0]}; evaluate both on the same records"
        )
    change = (new.reindex(old.index) - old).to_numpy()
    low, high = bootstrap_interval(change)
    gained, lost = int((change > 0).sum()), int((change < 0).sum())
    discordant = gained + lost
    tail = sum(math.comb(discordant, k) for k in range(min(gained, lost) + 1)) / 2**discordant
    return Comparison(float(change.mean()), low, high, min(1.0, 2 * tail), len(change))
