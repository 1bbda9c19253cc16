"""Measures what `image_cache_gib` saves of a step, on a model of true width with two layers of each kind; JSON out.

python -m vlaa_helpers.dev.benchmarks.image_cache

The same training with the cache and without it, a step at a time in turns (`harness`), in several passes over a few
records: in the first one the cache saves what a step asks of the tower more than once, in later ones all of it. On a
CPU, in float32, in a few minutes: two records in three passes, images of 256 x 256 and 32 tokens a completion. Set
OMP_NUM_THREADS=1. What it finds does not carry over to the true depth: here two layers of 36 stand against two blocks
of the tower's 32.
"""

import argparse
import json
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from ...core.assets import MINI_VLMS
from ...policy.loading import load_processor
from ...policy.profiles import Profile, get_profile
from ...rewards.mixed import MixedReward
from ...training.grpo import train_grpo
from ...training.sft import train_sft
from .harness import compare_arms, machine
from .random_qwen import TRUE_WIDTH, random_model
from .step import large_records

RECORDS, PASSES = 2, 3
GIB = 1.0
COMPLETION_TOKENS = 32
SIDE = 256
"""Of an image, in pixels; with 512, as the GPU profiles have it, and longer completions all takes half an hour."""
PROFILE = {
    "max_pixels": SIDE**2, "gradient_checkpointing": True, "lora_rank": 64, "lora_alpha": 128,
    "sft_batch_size": 1, "prompts_per_step": 1, "num_generations": 4, "micro_batch_size": 4,
    "max_completion_length": COMPLETION_TOKENS,
}  # fmt: skip


def measure(profile: Profile, size: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Seconds a step of `train_grpo` and `train_sft`, a record each, with the cache and without.

    Returns:
        For "grpo" and "sft": `first_pass` and `later_passes`, each the median seconds of a step `kept` and `computed`,
        and what is `saved`, as a share; and `largest_loss_difference`.
    """
    processor = load_processor(profile.replace(model=str(MINI_VLMS["mini"])))
    records = large_records(RECORDS, processor.tokenizer, completion_tokens=COMPLETION_TOKENS)
    with random_model(profile, processor, size) as (loaded, _):
        arms: dict[str, Callable] = {"grpo": partial(_grpo, loaded, records), "sft": partial(_sft, loaded, records)}
        return {name: _saving(train, loaded) for name, train in arms.items()}


def _grpo(profile: Profile, records: Any, gib: float, model: Any, processor: Any, folder: str, steps: int) -> Any:
    reward = MixedReward()
    settings = {"max_steps": steps, "save_strategy": "no", "output_dir": folder, "image_cache_gib": gib}
    return train_grpo(model, processor, records, profile, reward_funcs=reward, **settings)


def _sft(profile: Profile, records: Any, gib: float, model: Any, processor: Any, folder: str, steps: int) -> Any:
    settings = {"max_steps": steps, "save_strategy": "no", "output_dir": folder, "image_cache_gib": gib}
    return train_sft(model, processor, records, profile, logging_steps=1, **settings)


def _saving(train: Callable, profile: Profile) -> dict[str, Any]:
    steps = RECORDS * PASSES - 1  # one more comes first, to warm up
    found = compare_arms({"kept": partial(train, GIB), "computed": partial(train, 0)}, profile, steps)
    passes = {"first_pass": slice(0, RECORDS - 1), "later_passes": slice(RECORDS - 1, None)}
    saving: dict[str, Any] = {}
    for name, part in passes.items():
        kept, computed = (round(median(found["arms"][arm]["step_s"][part]), 4) for arm in ("kept", "computed"))
        saving[name] = {"kept": kept, "computed": computed, "saved": round(1 - kept / computed, 3)}
    return saving | {"largest_loss_difference": found["kept_over"]["computed"]["largest_loss_difference"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="a file for the JSON, beside standard output")
    options = parser.parse_args()
    with redirect_stdout(sys.stderr):  # TRL's trainer prints every log
        found = measure(get_profile("mini").replace(**PROFILE), TRUE_WIDTH)
    text = json.dumps({**machine(), **found}, indent=1)
    print(text)
    if options.out:
        options.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
