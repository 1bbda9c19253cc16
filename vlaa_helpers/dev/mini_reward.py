"""A small learned reward model for the mini world: imperfect, so that it can be over-optimised, as real ones are.

`python -m vlaa_helpers.dev.mini_reward` trains it from nothing with TRL's `RewardTrainer` on pairs of answers to the
open-ended questions of the mini world, and writes it with its card. It reads the scene in words, the question and an
answer, and gives one number. `RewardModelScorer` loads it.
"""

import argparse
import hashlib
import json
import shutil
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from ..core.assets import MINI_REWARD, MINI_VLMS
from ..core.record_schema import meta_of
from ..core.statistics import wilson_interval
from ..mini_world.kinds import KINDS
from ..mini_world.kinds.stories import place_words
from ..mini_world.response_styles import misread
from ..mini_world.scenes import scene_records
from ..rewards.scorers import Question, RewardModelScorer, preference_chat

if TYPE_CHECKING:
    from datasets import Dataset

FLAWS = ("shorter", "false", "invented", "off_topic")
"""What is wrong with the worse answer of a pair: something left out; something false in place of what is true; all of
the better one and a thing where there is none like it; true, but not what was asked for."""
FLIPPED = 0.1
"""Share of training pairs that are labelled the wrong way round, as by hurried annotators."""
PAIRS = 6_000
STEPS = 600


def make_pairs(n: int, *, seed: int = 0, split: str = "train", flipped: float = 0.0) -> "list[dict[str, Any]]":
    """Pairs of answers to open-ended questions: `question`, `better`, `worse` and the `flaw` of the worse one.

    Flaws take turns; where a scene does not lend itself to one (nothing else is in it, or a look that went wrong only
    left something out), the worse answer is "shorter".
    """
    pairs: list[dict[str, Any]] = []
    for k, row in enumerate(scene_records(n, sources=["stories"], seed=seed, split=split)):
        rng = Random(f"pairs/{seed}/{k}")
        meta = meta_of(row)
        better, flaw = list(meta["task"]["wanted"]), FLAWS[k % len(FLAWS)]
        flaw, worse = _spoil(better, flaw, meta["facts"], rng)
        texts = [" ".join(rng.sample(part, len(part))) for part in (better, worse)]
        if rng.random() < flipped:
            texts.reverse()
        question = Question(row["question"], row["meta"])
        pairs.append({"question": question, "better": texts[0], "worse": texts[1], "flaw": flaw})
    return pairs


def _spoil(better: list[str], flaw: str, facts: dict, rng: Random) -> tuple[str, list[str]]:
    """A worse answer and its flaw: the wanted one, or "shorter"."""
    if flaw == "shorter":
        return flaw, rng.sample(better, rng.randint(1, max(1, len(better) - 1)))
    if flaw == "off_topic":
        rest = [place_words(thing) for thing in facts["objects"] if place_words(thing) not in better]
        return (flaw, [*better[: len(better) // 2], *rest]) if rest else ("shorter", better[:1])
    wrong = KINDS["stories"].words(misread("stories", facts, rng)).replace(". ", ".|").split("|")
    false = [text for text in wrong if text not in KINDS["stories"].words(facts)]
    if not false:
        return "shorter", better[:1]
    return flaw, [*better, false[0]] if flaw == "invented" else [*rng.sample(better, len(better) - 1), false[0]]


def preference_dataset(pairs: "list[dict[str, Any]]") -> "Dataset":
    """The columns that TRL's `RewardTrainer` takes: `chosen` and `rejected`, whole chats."""
    from datasets import Dataset

    return Dataset.from_list(
        [
            {
                "chosen": preference_chat(pair["question"], pair["better"]),
                "rejected": preference_chat(pair["question"], pair["worse"]),
            }
            for pair in pairs
        ]
    )


def train(out_dir: Path, *, seed: int = 0, pairs: int = PAIRS, steps: int = STEPS) -> None:
    """Train a reward model of about 0.3 million parameters into `out_dir`, with its tokenizer and log."""
    from transformers import AutoTokenizer, Qwen2Config, Qwen2ForSequenceClassification, set_seed
    from trl import RewardConfig, RewardTrainer

    set_seed(seed)
    tokenizer = AutoTokenizer.from_pretrained(MINI_VLMS["mini"])
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=96,
        intermediate_size=256,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=1024,
        num_labels=1,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
    )
    trainer = RewardTrainer(
        model=Qwen2ForSequenceClassification(config),
        processing_class=tokenizer,
        train_dataset=preference_dataset(make_pairs(pairs, seed=seed, flipped=FLIPPED)),
        args=RewardConfig(
            output_dir=str(out_dir / "trainer"),
            max_steps=steps,
            per_device_train_batch_size=32,
            learning_rate=1e-3,
            lr_scheduler_type="cosine",
            warmup_steps=50,
            logging_steps=20,
            save_strategy="no",
            report_to="none",
            use_cpu=True,
            bf16=False,
            activation_checkpointing=False,
            seed=seed,
        ),
    )
    trainer.train()
    trainer.save_model(str(out_dir))
    (out_dir / "training_args.bin").unlink(missing_ok=True)
    shutil.rmtree(out_dir / "trainer", ignore_errors=True)
    rows = [row for row in trainer.state.log_history if "loss" in row]
    lines = ["step,loss,accuracy", *(f"{r['step']},{r['loss']:.4f},{r.get('accuracy', '')}" for r in rows)]
    (out_dir / "training_log.csv").write_text("\n".join(lines) + "\n")


def measure(folder: Path, n: int = 2_000) -> dict[str, Any]:
    """How often the model in `folder` prefers the better answer, on pairs about test scenes, by flaw."""
    scorer, pairs = RewardModelScorer(str(folder), batch_size=128), make_pairs(n, seed=2026, split="test")
    questions = [pair["question"] for pair in pairs]
    better = scorer(questions, [pair["better"] for pair in pairs])
    worse = scorer(questions, [pair["worse"] for pair in pairs])
    right = [a > b for a, b in zip(better, worse, strict=True)]
    found = {}
    for flaw in (*FLAWS, "all"):
        part = [is_right for is_right, pair in zip(right, pairs, strict=True) if flaw in (pair["flaw"], "all")]
        low, high = wilson_interval(sum(part), len(part))
        found[flaw] = {"accuracy": sum(part) / len(part), "low": low, "high": high, "n": len(part)}
    return found


CARD = """\
---
license: apache-2.0
library_name: transformers
pipeline_tag: text-classification
---

# Mini reward model

A Qwen2 sequence classifier of {parameters:.2f} million parameters that gives one number to an answer about a mini-world
picture, told in words: higher is better. It stands for the 7B reward model of VLAA-Thinking (arXiv 2504.11468 §4.1),
and is imperfect on purpose: small, briefly trained, on pairs of which {flipped:.0%} are labelled the wrong way round.
Whatever it gets wrong, a policy that is trained on it can learn to use.

`python -m vlaa_helpers.dev.mini_reward` trains it: {pairs:,} pairs about scenes of the train split, {steps} steps of 32
with TRL's `RewardTrainer`, seed 0, a minute on two CPU cores; the log is `training_log.csv`. Loads with
`AutoModelForSequenceClassification.from_pretrained`. SHA-256 of the weights: `{sha256}`.

How often it prefers the better of two answers, on pairs about test scenes without wrong labels (95% intervals):

| what is wrong with the worse answer | accuracy | n |
|---|---|---|
{table}
"""


def card(folder: Path, found: dict[str, Any]) -> str:
    """The model card in Markdown."""
    from safetensors import safe_open

    weights = folder / "model.safetensors"
    with safe_open(weights, "pt") as tensors:
        parameters = sum(tensors.get_tensor(name).numel() for name in tensors.keys())  # noqa: SIM118
    rows = [
        f"| {flaw} | {100 * part['accuracy']:.0f} ({100 * part['low']:.0f}–{100 * part['high']:.0f}) | {part['n']} |"
        for flaw, part in found.items()
    ]
    return CARD.format(
        parameters=parameters / 1e6,
        flipped=FLIPPED,
        pairs=PAIRS,
        steps=STEPS,
        sha256=hashlib.sha256(weights.read_bytes()).hexdigest(),
        table="\n".join(rows),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=MINI_REWARD, help="default: the package's own")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    train(options.out, seed=options.seed)
    found = measure(options.out)
    (options.out / "card.json").write_text(json.dumps(found, indent=2) + "\n")
    (options.out / "README.md").write_text(card(options.out, found))
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
