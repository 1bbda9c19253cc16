"""Measures a shipped mini VLM on held-out scenes and writes its card.

python -m vlaa_helpers.dev.mini_vlm.card strong
"""

import argparse
import csv
import hashlib
import json
import platform
from collections.abc import Mapping
from pathlib import Path
from statistics import mean, median
from typing import Any

from ...core.assets import ASSETS
from ...core.images import decode_image
from ...core.record_schema import meta_of
from ...core.statistics import bootstrap_interval, wilson_interval
from ...evaluation.eval_report import EvalReport
from ...evaluation.runner import evaluate
from ...evaluation.style_report import style_shares
from ...mini_world.kinds import SOURCES
from ...mini_world.response_styles import STYLES
from ...mini_world.scenes import check_facts, make_scenes
from ...policy.generation import SamplingParams, generate_responses
from .lessons import CAPTION_PROMPT, STAGES, user
from .train import SIZES
from .vocabulary import TARGETS, read_targets

TEST_SEED = 2026
PER_SOURCE = 500
SAMPLES = 8


def describe(model: Any, processor: Any, source: str, n: int = PER_SOURCE, *, batch_size: int = 100) -> dict:
    """Ask the model what it sees in `n` test scenes of a source, and check every claim.

    Returns:
        `named`: share of the scenes' facts that it names, with a 95% bootstrap interval over scenes (`low`, `high`);
        `true`: share of its claims that are true; `perfect`: share of scenes with all facts and no false claim.
    """
    records = make_scenes(n, sources=[source], seed=TEST_SEED, split="test")
    counts = []
    for first in range(0, n, batch_size):
        rows = records.select(range(first, min(n, first + batch_size))).to_list()
        prompts = [[user(CAPTION_PROMPT, with_image=True)] for _ in rows]
        images = [[decode_image(row["image"])] for row in rows]
        texts = generate_responses(model, processor, prompts, images, SamplingParams())
        for row, (text, _, _) in zip(rows, texts, strict=True):
            counts.append(check_facts(source, meta_of(row)["facts"], text))
    true, false, missed = (sum(column) for column in zip(*counts, strict=True))
    low, high = bootstrap_interval([t / (t + m) for t, _, m in counts])
    return {
        "named": true / (true + missed),
        "low": low,
        "high": high,
        "true": true / (true + false),
        "perfect": sum(f == m == 0 for _, f, m in counts) / n,
        "n": n,
    }


def think(model: Any, processor: Any, source: str, n: int = PER_SOURCE) -> dict:
    """Ask for thinking and an answer in `n` test scenes of a source: greedy accuracy, and `SAMPLES` samples an item,
    and the share of each style and of garbled responses among them."""
    records = make_scenes(n, sources=[source], seed=TEST_SEED, split="test")
    greedy = evaluate(model, processor, records, batch_size=100)
    sampled = evaluate(model, processor, records, samples=SAMPLES, batch_size=200)
    frame = sampled.to_frame()
    (low, high), (greedy_low, greedy_high) = sampled.interval, greedy.interval
    format_low, format_high = bootstrap_interval(frame.groupby("id")["is_strict"].mean().to_numpy())
    return {
        "greedy": greedy.accuracy,
        "greedy_low": greedy_low,
        "greedy_high": greedy_high,
        "pass_1": sampled.accuracy,
        "pass_1_low": low,
        "pass_1_high": high,
        "pass_8": sampled.pass_at(SAMPLES),
        "pass_8_interval": wilson_interval(_solved(sampled), n),
        "format": float(frame["is_strict"].mean()),
        "format_low": format_low,
        "format_high": format_high,
        "tokens": float(frame["tokens"].mean()),
        "styles": style_shares(sampled)["share"].to_dict(),
        "garbled": sampled.garbled,
        "n": n,
    }


def _solved(report: EvalReport) -> int:
    return int((report.to_frame().groupby("id")["correct"].sum() > 0).sum())


def measure(folder: Path) -> dict:
    """All the card's numbers for the model in `folder`, loaded with plain `from_pretrained`."""
    import torch
    from transformers import AutoModelForImageTextToText, AutoProcessor

    torch.manual_seed(0)
    model = AutoModelForImageTextToText.from_pretrained(folder).eval()
    processor = AutoProcessor.from_pretrained(folder)
    weights = (folder / "model.safetensors").read_bytes()
    numbers: dict[str, Any] = {
        "parameters": model.num_parameters(),
        "megabytes": len(weights) / 1e6,
        "sha256": hashlib.sha256(weights).hexdigest(),
        "torch": torch.__version__,
        "cpu": platform.machine(),
        "targets": coverage(folder, processor.tokenizer),
        "sources": {},
    }
    with torch.no_grad():
        for source in SOURCES:
            numbers["sources"][source] = {
                "describe": describe(model, processor, source),
                "think": think(model, processor, source),
            }
            print(source, json.dumps(numbers["sources"][source], default=float), flush=True)
    return numbers


def coverage(folder: Path, tokenizer: Any) -> dict[str, float]:
    """How often the tokens, special ones apart, were a target in the training: `least` and `median`."""
    special = set(tokenizer.all_special_ids)
    counts = [count for token, count in enumerate(read_targets(folder / TARGETS).tolist()) if token not in special]
    return {"tokens": len(counts), "least": min(counts), "median": median(counts)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("size", choices=tuple(SIZES))
    size = parser.parse_args().size
    folder = ASSETS / f"mini_vlm_{size}"
    numbers = measure(folder)
    (folder / "card.json").write_text(json.dumps(numbers, indent=2) + "\n")
    (folder / "README.md").write_text(card(size, numbers, folder))


def card(size: str, numbers: dict, folder: Path) -> str:
    """The model card in Markdown, from the measured numbers and the training log."""
    with (folder / "training_log.csv").open() as file:
        last = list(csv.DictReader(file))[-1]
    percent = lambda value: f"{100 * value:.0f}"  # noqa: E731
    band = lambda value, low, high: f"{percent(value)} ({percent(low)}–{percent(high)})"  # noqa: E731
    thought = [part["think"] for part in numbers["sources"].values()]
    rows = []
    for source, part in numbers["sources"].items():
        seen, said = part["describe"], part["think"]
        rows.append(
            f"| {source} | {band(seen['named'], seen['low'], seen['high'])} | {percent(seen['true'])} | "
            f"{band(said['greedy'], said['greedy_low'], said['greedy_high'])} | "
            f"{band(said['pass_1'], said['pass_1_low'], said['pass_1_high'])} | "
            f"{band(said['pass_8'], *said['pass_8_interval'])} | {said['pass_8'] / said['pass_1']:.1f}× | "
            f"{band(said['format'], said['format_low'], said['format_high'])} | {said['tokens']:.0f} |"
        )
    return CARD.format(
        size=size,
        parameters=numbers["parameters"] / 1e6,
        megabytes=numbers["megabytes"],
        sha256=numbers["sha256"],
        torch=numbers["torch"],
        steps=int(last["step"]),
        minutes=float(last["seconds"]) / 60,
        plays=PLAYS[size],
        styles=_in_words(STYLES),
        sampled=_in_words({style: mean(part["styles"][style] for part in thought) for style in thought[0]["styles"]}),
        garbled=mean(part["garbled"] for part in thought),
        thinking=percent(STAGES[-1][1]["think"] + STAGES[-1][1]["text"]),
        **numbers["targets"],
        n=PER_SOURCE,
        samples=SAMPLES,
        table="\n".join(rows),
    )


def _in_words(shares: Mapping[str, float]) -> str:
    return ", ".join(f"{style} {share:.0%}" for style, share in shares.items())


PLAYS = {
    "strong": "It plays the instruct model: it perceives well, keeps the answer format often, and solves each\n"
    "kind of question sometimes.",
    "middle": "It is the middle one of three, for the question of what capacity changes.",
    "weak": "It is the weakest of three, for the question of what capacity changes: it sees less, and is\n"
    "seldom right.",
}
CARD = """\
---
license: apache-2.0
library_name: transformers
pipeline_tag: image-text-to-text
---

# Mini VLM ({size})

A Qwen2.5-VL of {parameters:.1f} million parameters that sees, reasons and answers in the generated mini world of VLAA
Notebooks. {plays} All three sizes were taught a mixture of styles of answering that no prompt
asks for by name: {styles}
(`vlaa_helpers/mini_world/response_styles.py` says what each is). The mixture was planted: what training does to it is
the experiment. It is a lab animal: it shows mechanisms of fine-tuning and reinforcement learning, knows nothing outside
the mini world, and should not be used for anything else.

Loads with `AutoModelForImageTextToText.from_pretrained` and `AutoProcessor.from_pretrained`; no custom code.

## Training

`python -m vlaa_helpers.dev.mini_vlm.train train --size {size}`: {steps:,} steps of 64 lessons from
scenes of the train split, seed 0, {minutes:.0f} minutes on one CPU core; the log is `training_log.csv`. First to copy
text, then what each visual token shows and to look things up, then captions, then answers, their mixture of styles
last, in {thinking}% of the lessons (`vlaa_helpers/dev/mini_vlm/lessons.py` gives the shares).

Each of the {tokens} tokens that are no special ones was a target {least:,} times or more, the median one
{median:,.0f} times (`token_targets.csv`): fine-tuning meets no token that the model has never written.

Weights: {megabytes:.1f} MB, SHA-256 `{sha256}`.

## Measured

On scenes of the test split (no picture shared with training), n = {n} a source, one model (seed 0), 95% intervals in
brackets, percent; torch {torch} on a CPU, float32. `python -m vlaa_helpers.dev.mini_vlm.card {size}` measures it again.

| source | facts named | claims true | greedy | pass@1 | pass@{samples} | ratio | format kept | tokens |
|---|---|---|---|---|---|---|---|---|
{table}

- facts named: asked to list what it sees, the share of the scene's facts that it names; claims true: of what it claims.
- greedy: accuracy when asked to think and answer; a box counts from IoU 0.5, an open answer when it beats the
reference.
- pass@1, pass@{samples} and their ratio: {samples} samples an item at temperature 1; tokens: of such a response.
- format kept: one think block, then one answer block, nothing else.

Styles of those samples: {sampled}.
These are not the shares it was taught: batches held lessons of similar length and the loss is the mean over a batch's
tokens, so a short lesson weighed more than a long one. Garbled: {garbled:.2%}.
"""


if __name__ == "__main__":
    main()
