"""Measures the memory of training on a CPU against what `estimate_memory` predicts; JSON out.

python -m vlaa_helpers.dev.benchmarks.memory --out vlaa_helpers/assets/reference/memory_cpu.json

Every tensor that torch allocates in two steps is counted: of the mini VLM, and of a model of true width with two layers
of each kind. In float32, and on a CPU alone: what autocast keeps in 16 bits, and what CUDA takes for itself, is not in
it. All takes two minutes on one core, and 4.1 GB.
"""

import argparse
import gc
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from ...policy.loading import load_policy, load_processor
from ...policy.memory_estimate import Method, estimate_memory
from ...policy.profiles import Profile, get_profile
from ...training.grpo import train_grpo
from ...training.sft import train_sft
from .harness import machine
from .random_qwen import TRUE_SIZE, random_model
from .step import prompt_tokens, sft_records
from .true_size_stages import held_bytes

MINI = {"prompts_per_step": 4, "sft_batch_size": 16, "micro_batch_size": 16, "max_completion_length": 32}
"""16 sequences at once, in SFT and in GRPO."""
WIDE = {
    "lora_rank": 64, "prompts_per_step": 1, "num_generations": 2, "sft_batch_size": 1, "micro_batch_size": 2,
    "max_completion_length": 8,
}  # fmt: skip
TWO_LAYERS: dict[str, dict[str, Any]] = {
    "text": {**TRUE_SIZE["text"], "num_hidden_layers": 2},
    "vision": {**TRUE_SIZE["vision"], "depth": 2, "fullatt_block_indexes": [1]},
}
"""The layers of Qwen2.5-VL-3B, two of each kind, and all of its words."""


@dataclass(frozen=True)
class Case:
    """A training to measure.

    Attributes:
        model: "mini", or "true width" with two layers of each kind.
        method, recipe: "sft"; or "grpo" by "trl", without a KL term, or by "vlaa", with one, for which TRL keeps the
            adapter that training began with.
        checkpointing: whether activations are computed again.
    """

    model: str
    method: Method
    recipe: str
    checkpointing: bool


_METHODS: tuple[tuple[Method, str], ...] = (("sft", "trl"), ("grpo", "trl"), ("grpo", "vlaa"))
CASES = (
    *(Case("mini", *method, checkpointing) for checkpointing in (False, True) for method in _METHODS),
    *(Case("true width", *method, True) for method in _METHODS),
)


@contextmanager
def wide_profile() -> Iterator[Profile]:
    """The profile of a model of true width, `TWO_LAYERS`, that lies in a temporary folder."""
    profile = get_profile("mini").replace(**WIDE)
    with random_model(profile, load_processor(profile), TWO_LAYERS) as (loaded, _):
        yield loaded


def measure_case(case: Case, wide: Profile | None = None) -> dict[str, Any]:
    """Predict the memory of a training, then train.

    Args:
        case: what to train.
        wide: of `wide_profile`, for cases of true width: several share the model.

    Returns:
        The case, and `predicted_mib`, `measured_mib`, `predicted_over_measured`.

    Raises:
        ValueError: a case of true width without `wide`.
    """
    mini = get_profile("mini")
    processor = load_processor(mini)
    if case.model == "mini":
        profile = mini.replace(**MINI, gradient_checkpointing=case.checkpointing)
        return _against(case, profile, processor, sft_records(40))
    if wide is None:
        raise ValueError("a case of true width needs its model; give measure_case(case, wide), of wide_profile()")
    records = sft_records(8)
    short = sorted(range(8), key=lambda k: len(records[k]["response"]))[:2]  # the head of 151,936 words takes its time
    return _against(case, wide.replace(gradient_checkpointing=case.checkpointing), processor, records.select(short))


def _against(case: Case, profile: Profile, processor: Any, records: Any) -> dict[str, Any]:
    longest = max(len(processor.tokenizer(said).input_ids) for said in records["response"][:])
    predicted = estimate_memory(
        profile,
        case.method,
        text_tokens=prompt_tokens(records, processor),
        completion_tokens=longest if case.method == "sft" else None,
        reference=case.recipe == "vlaa",
    ).total
    with tempfile.TemporaryDirectory() as folder:
        measured = most_held(case, profile, records, folder)
    sizes = {"predicted_mib": round(predicted / 2**20, 1), "measured_mib": round(measured / 2**20, 1)}
    return asdict(case) | sizes | {"predicted_over_measured": round(predicted / measured, 3)}


def most_held(case: Case, profile: Profile, records: Any, folder: str) -> int:
    """The most bytes that are held in two steps; the first one makes the optimiser's state."""
    gc.collect()  # what was there before must not be given back while this counts
    model, processor = load_policy(profile)
    before = held_bytes(model)
    settings = {"max_steps": 2, "output_dir": folder, "save_strategy": "no"}
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True) as seen:
        if case.method == "sft":
            train_sft(model, processor, records, profile, **settings)
        else:
            reward = lambda completions, **_: [len(set(row[0]["content"])) / 9 for row in completions]  # noqa: E731
            whole = {"min_new_tokens": profile.max_completion_length}
            train_grpo(
                model, processor, records, profile, reward_funcs=reward, generation_kwargs=whole, recipe=case.recipe,
                **settings,
            )  # fmt: skip
    events = [event for event in seen.profiler.kineto_results.events() if event.name() == "[memory]"]
    now = most = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        now += event.nbytes()
        most = max(most, now)
    del model
    gc.collect()
    return before + most


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, help="a file for the JSON, beside standard output")
    options = parser.parse_args()
    with redirect_stdout(sys.stderr), wide_profile() as wide:  # TRL's trainer prints every log
        found = [measure_case(case, wide) for case in CASES]
    text = json.dumps({**machine(), "cases": found}, indent=1)
    print(text)
    if options.out:
        options.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
