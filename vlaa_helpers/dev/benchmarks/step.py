"""Measures one training step, ours against TRL's own trainer with the same settings, in pairs; JSON out.

python -m vlaa_helpers.dev.benchmarks.step sft
python -m vlaa_helpers.dev.benchmarks.step grpo --gpu

Without --gpu the mini VLM trains on a CPU; with it a Qwen2.5-VL-3B of the true size with random weights in 4 bits on a
CUDA GPU, and its memory is looked at too. How the arms take turns, and why OMP_NUM_THREADS=1 belongs on a CPU, is in
`harness`.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any
from unittest import mock

from transformers import Trainer
from trl import GRPOConfig, GRPOTrainer, SFTTrainer

from ...core.assets import MINI_VLMS
from ...core.record_schema import arrow_dataset, meta_of, record_features
from ...data.trl_views import to_grpo, to_sft
from ...mini_world.scenes import draw_scene, encode_png, scene_records
from ...pipeline.scripted_teacher import ScriptedTeacher
from ...policy.loading import load_policy, load_processor
from ...policy.profiles import Profile, get_profile
from ...rewards.mixed import MixedReward
from ...training.grpo import train_grpo
from ...training.runner import exact_adapters
from ...training.sft import train_sft
from .floor import floor_of
from .harness import Arm, compare_arms, free_gpu, machine
from .random_qwen import TRUE_SIZE, random_model

SFT_BUDGET_GIB, GRPO_BUDGET_GIB = 12, 15
"""GPU memory that a step of the 3B model may take."""
IMAGE_SIDE = 512
"""Of a square image of 262,144 pixels, the limit of the GPU profiles."""
COMPLETION_TOKENS = 300


# ---- SFT ----


def compare_sft(profile: Profile, records: Any, *, steps: int) -> dict[str, Any]:
    """`train_sft` against TRL's `SFTTrainer` on the same policy, view and `SFTConfig`: see `compare_arms`.

    The arms: `ours`; `trl`, the trainer called directly; and, for a 4-bit policy, `trl_float32`. TRL rounds the
    adapters of such a policy to bfloat16 and `train_sft` does not, so only the third arm, where they are put back, does
    the same arithmetic: its losses must be the same, while those of `trl` are only close. In float16 there is no arm
    `trl`: the scaler of the loss cannot take bfloat16 gradients.
    """
    arms, settings = sft_arms(profile, records)
    return {"settings": _settings(profile, settings, steps), **compare_arms(arms, profile, steps)}


def sft_arms(profile: Profile, records: Any) -> tuple[dict[str, Arm], Any]:
    """The arms of `compare_sft`, and the `SFTConfig` that they share."""
    view = to_sft(records)

    def ours(model: Any, processor: Any, folder: str, max_steps: int) -> SFTTrainer:
        config = {"max_steps": max_steps, "logging_steps": 1, "save_strategy": "no", "output_dir": folder}
        return train_sft(model, processor, records, profile, **config)

    def build(model: Any, processor: Any, args: Any) -> SFTTrainer:
        return SFTTrainer(model=model, args=args, train_dataset=view, processing_class=processor)

    return _arms(ours, build, profile)


def _arms(ours: Arm, build: Callable[[Any, Any, Any], Any], profile: Profile) -> tuple[dict[str, Arm], Any]:
    """`ours`, trainers that `build` makes of a policy, a processor and our own settings, and these settings."""

    def args(folder: str, max_steps: int) -> Any:
        # GRPOConfig works this one out itself, and refuses to be told
        derived = {"generation_batch_size": None} if isinstance(settings, GRPOConfig) else {}
        return replace(settings, max_steps=max_steps, output_dir=folder, **derived)

    def trl(model: Any, processor: Any, folder: str, max_steps: int) -> Any:
        trainer = build(model, processor, args(folder, max_steps))
        trainer.train()
        return trainer

    def trl_float32(model: Any, processor: Any, folder: str, max_steps: int) -> Any:
        with exact_adapters(model):
            trainer = build(model, processor, args(folder, max_steps))
        trainer.train()
        return trainer

    with tempfile.TemporaryDirectory() as folder, mock.patch.object(Trainer, "train"):  # which settings ours are
        settings = ours(*load_policy(profile), folder, 1).args
    free_gpu()
    arms = {"ours": ours, "trl": trl, "trl_float32": trl_float32}
    if not profile.load_in_4bit:
        del arms["trl_float32"]
    elif profile.dtype == "float16":
        del arms["trl"]
    return arms, settings


# ---- GRPO ----


def compare_grpo(profile: Profile, records: Any, *, steps: int, exact_draws: bool = False) -> dict[str, Any]:
    """`train_grpo` against TRL's `GRPOTrainer` on the same policy, view and `GRPOConfig`, with the same draws.

    Arms and results as in `compare_sft`, but with `exact_draws` alone do all arms sample the same completions, and lose
    the same up to the order in which floats are added; else ours samples others, from the same distribution. Each arm
    also has `median_generation_s`, the part of a step that samples.
    """
    arms, settings = grpo_arms(profile, records, exact_draws=exact_draws)
    return {"settings": _settings(profile, settings, steps), **compare_arms(arms, profile, steps)}


def grpo_arms(
    profile: Profile, records: Any, *, exact_draws: bool = False, recipe: str = "trl"
) -> tuple[dict[str, Arm], Any]:
    """The arms of `compare_grpo`, and the `GRPOConfig` that they share."""
    view, reward = to_grpo(records), MixedReward()

    def ours(model: Any, processor: Any, folder: str, max_steps: int) -> GRPOTrainer:
        config = {"max_steps": max_steps, "save_strategy": "no", "output_dir": folder, "exact_draws": exact_draws}
        return train_grpo(model, processor, records, profile, reward_funcs=reward, recipe=recipe, **config)

    def build(model: Any, processor: Any, args: Any) -> GRPOTrainer:
        return GRPOTrainer(model=model, reward_funcs=reward, args=args, train_dataset=view, processing_class=processor)

    return _arms(ours, build, profile)


def mini_grpo(*, steps: int = 12, exact_draws: bool = False) -> dict[str, Any]:
    """The mini VLM on a CPU, with the settings of its profile."""
    profile = get_profile("mini")
    records = arrow_dataset(scene_records(profile.prompts_per_step * (steps + 1), seed=2026), record_features())
    found = compare_grpo(profile, records, steps=steps, exact_draws=exact_draws)
    floor = floor_of(partial(_train_mini, profile, records, min(steps, 6)))
    over = {name: round(arm["median_step_s"] / floor["floor_s"], 2) for name, arm in found["arms"].items()}
    return found | {"floor": floor | {"times_the_floor": over}}


def _train_mini(profile: Profile, records: Any, steps: int, callbacks: list) -> None:
    model, processor = load_policy(profile)
    with tempfile.TemporaryDirectory() as folder:
        options = {"max_steps": steps + 1, "save_strategy": "no", "output_dir": folder, "callbacks": callbacks}
        train_grpo(model, processor, records, profile, reward_funcs=MixedReward(), **options)


def _settings(profile: Profile, args: Any, steps: int) -> dict[str, Any]:
    return {
        "timed_steps": steps,
        "batch": f"{args.gradient_accumulation_steps} x {args.per_device_train_batch_size}",
        "weights": "nf4" if profile.load_in_4bit else profile.dtype,
        "dtype": profile.dtype,
        "lora_rank": profile.lora_rank,
        "gradient_checkpointing": profile.gradient_checkpointing,
    }


def sft_records(n: int) -> Any:
    """Mini-world records with the traces of a teacher that makes no mistakes."""
    return arrow_dataset(_traced(n), record_features())


def large_records(n: int, tokenizer: Any, *, completion_tokens: int = COMPLETION_TOKENS) -> Any:
    """The same as large as real ones: images of `IMAGE_SIDE`, completions of that many tokens."""

    def rows() -> Iterator[dict]:
        for row in _traced(n):
            drawn = draw_scene(row["source"], meta_of(row)["facts"]).resize((IMAGE_SIDE, IMAGE_SIDE))
            image = {"bytes": encode_png(drawn), "path": None}
            yield row | {"image": image, "response": _lengthened(row["response"], tokenizer, completion_tokens)}

    return arrow_dataset(rows(), record_features())


def _traced(n: int) -> Iterator[dict]:
    teacher = ScriptedTeacher(omissions=0, hallucinations=0, slips=0)
    for row in scene_records(n, seed=2026):
        caption = teacher.ask("caption", row, {}).text
        yield row | {"response": teacher.ask("reason", row, {"caption": caption}).text}


def _lengthened(response: str, tokenizer: Any, tokens: int) -> str:
    """The response with its thinking said again, or cut, until it has that many tokens."""
    think, end, answer = response.partition("</think>")
    room = tokens - len(tokenizer(end + answer).input_ids)
    words = think.removeprefix("<think>")
    again = f"{think}{f' {words}' * (room // len(tokenizer(words).input_ids))}"
    return tokenizer.decode(tokenizer(again).input_ids[:room]) + end + answer


def prompt_tokens(records: Any, processor: Any) -> int:
    """Of the longest prompt, its image apart."""
    rows = (row["prompt"] for row in to_grpo(records))
    texts = (processor.apply_chat_template(row, tokenize=False, add_generation_prompt=True) for row in rows)
    return max(len(processor.tokenizer(text).input_ids) for text in texts)


def mini_sft(*, steps: int = 24) -> dict[str, Any]:
    """The mini VLM on a CPU, with the settings of its profile."""
    profile = get_profile("mini")
    return compare_sft(profile, sft_records(profile.sft_batch_size * (steps + 1)), steps=steps)


def true_size_sft(profile: Profile, size: dict[str, dict[str, Any]] = TRUE_SIZE, *, steps: int = 10) -> dict[str, Any]:
    """A model of that size with random weights, written to a temporary folder and loaded as `profile` says.

    Returns:
        As `compare_sft`, with the size of the model and of a sample: `parameters`, `visual_tokens`,
        `completion_tokens`; on a GPU also `within_budget`, whether what we reserve stays below `SFT_BUDGET_GIB`.
    """
    processor = load_processor(profile.replace(model=str(MINI_VLMS["mini"])))
    records = large_records(profile.sft_batch_size * (steps + 1), processor.tokenizer)
    with random_model(profile, processor, size) as (loaded, parameters):
        found = compare_sft(loaded, records, steps=steps)
    lengths = map(len, processor.tokenizer(records["response"][:]).input_ids)
    found["sample"] = _sample(records, processor) | {
        "parameters": parameters,
        "completion_tokens": round(median(lengths)),
    }
    return found | _budget(found, profile, SFT_BUDGET_GIB)


def true_size_grpo(
    profile: Profile,
    size: dict[str, dict[str, Any]] = TRUE_SIZE,
    *,
    steps: int = 3,
    generations: Sequence[int] = (4, 8),
) -> dict[str, Any]:
    """The same for GRPO, a comparison for each number of generations; random weights never end a completion early."""
    processor = load_processor(profile.replace(model=str(MINI_VLMS["mini"])))
    records = large_records(profile.prompts_per_step * (steps + 1), processor.tokenizer)
    found: dict[str, Any] = {}
    with random_model(profile, processor, size) as (loaded, parameters):
        for count in generations:
            part = compare_grpo(loaded.replace(num_generations=count), records, steps=steps)
            found[f"{count} generations"] = part | _budget(part, profile, GRPO_BUDGET_GIB)
    found["sample"] = _sample(records, processor) | {
        "parameters": parameters,
        "completion_tokens": profile.max_completion_length,
    }
    return found


def _sample(records: Any, processor: Any) -> dict[str, int]:
    grid = processor.image_processor(images=[records[0]["image"]], return_tensors="pt")["image_grid_thw"]
    return {"visual_tokens": int(grid.prod()) // processor.image_processor.merge_size**2}


def _budget(found: dict[str, Any], profile: Profile, gib: float) -> dict[str, bool]:
    on_gpu = profile.device == "cuda"
    return {"within_budget": found["arms"]["ours"]["reserved_gib"] <= gib} if on_gpu else {}


# ---- the command ----


def grpo(options: argparse.Namespace) -> dict[str, Any]:
    """A step of GRPO: `train_grpo` against `GRPOTrainer`."""
    length = {"steps": options.steps} if options.steps else {}
    if not options.gpu:
        return mini_grpo(**length, exact_draws=options.exact_draws)
    return true_size_grpo(get_profile("t4").replace(prompts_per_step=2), **length)


def sft(options: argparse.Namespace) -> dict[str, Any]:
    """A step of SFT: `train_sft` against `SFTTrainer`."""
    length = {"steps": options.steps} if options.steps else {}
    if not options.gpu:
        return mini_sft(**length)
    return true_size_sft(get_profile("t4").replace(sft_batch_size=4), **length)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True, metavar="what")
    for run in (sft, grpo):
        command = commands.add_parser(run.__name__, help=run.__doc__)
        command.add_argument("--gpu", action="store_true", help="the true-size model on a CUDA GPU")
        command.add_argument("--steps", type=int, help="timed steps of each arm")
        command.add_argument("--out", type=Path, help="a file for the JSON, beside standard output")
        command.set_defaults(run=run)
        if run is grpo:
            command.add_argument("--exact-draws", action="store_true", help="ours samples what TRL samples")
    options = parser.parse_args()
    start = time.perf_counter()
    with redirect_stdout(sys.stderr):  # TRL's trainer prints every log
        found = options.run(options)
    text = json.dumps({**machine(), **found, "took_s": round(time.perf_counter() - start)}, indent=2)
    print(text)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
