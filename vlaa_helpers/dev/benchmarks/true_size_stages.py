"""The stages that a Qwen2.5-VL with random weights is taken through on a CPU: all that a GPU sees but CUDA's kernels.

Each is a function of a folder, where the model lies and what a later stage needs, and gives what it measured as a dict.
`python -m vlaa_helpers.dev.benchmarks.true_size` runs each in a process of its own, so that its memory is its own.

The policy is loaded in NF4 with float32 beside it, in which a CPU computes the same numbers whoever asks for them: what
ours and TRL's trainers do can be held against each other to rounding. Two optimiser steps are taken, because the first
one makes the optimiser's state. In GRPO both are on the same rollouts (`num_iterations=2`), so that the second loss is
not zero by construction, as that of a policy which has just sampled is.
"""

import gc
import math
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from trl import GRPOTrainer, SFTTrainer

from ...core.assets import MINI_VLMS
from ...data.trl_views import to_grpo, to_sft
from ...policy.adapters import merge_adapter, save_policy
from ...policy.free_memory import free_memory
from ...policy.loading import load_policy, load_processor
from ...policy.memory_estimate import WITHIN, Method, estimate_memory
from ...policy.profiles import Profile, get_profile
from ...training.grpo import train_grpo
from ...training.runner import exact_adapters
from ...training.sft import train_sft
from .random_qwen import TRUE_SIZE, TRUE_WIDTH, save_random_model
from .step import IMAGE_SIDE, large_records, prompt_tokens

PROFILE = {
    "name": "random weights on a CPU", "max_pixels": IMAGE_SIDE**2, "gradient_checkpointing": True, "lora_rank": 64,
    "lora_alpha": 128, "sft_batch_size": 1, "prompts_per_step": 1, "num_generations": 2, "micro_batch_size": 2,
    "max_completion_length": 8,
}  # fmt: skip
STEPS = 2
SETTINGS = {"max_steps": STEPS, "lr_scheduler_type": "constant", "warmup_steps": 0, "save_strategy": "no"}
SFT_RATE, GRPO_RATE = 1e-3, 1e-6
"""Learning rates. With the first one GRPO's second step would find all tokens clipped, and no gradient to compare."""
RESPONSE_TOKENS = 64
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
LOSSES, NORMS = 1e-3, 1e-2
"""How far ours and TRL's may be apart, in a loss and as a share of a gradient's norm."""


def build(folder: Path, *, quick: bool) -> dict[str, Any]:
    """Write the model, file by file."""
    processor = load_processor(get_profile("mini").replace(model=str(MINI_VLMS["mini"])))
    parameters = save_random_model(folder / "base", processor, TRUE_WIDTH if quick else TRUE_SIZE)
    size = sum(file.stat().st_size for file in (folder / "base").glob("*.safetensors"))
    return {"parameters": parameters, "files_gib": _gib(size)}


def load(folder: Path) -> dict[str, Any]:
    """Load it in NF4 through `load_policy`."""
    from bitsandbytes.nn import Linear4bit

    model, _ = load_policy(_profile(folder))
    layers = sum(isinstance(module, Linear4bit) for module in model.modules())
    return {"layers_in_4_bits": layers, "held_gib": _gib(held_bytes(model))}


def sft(folder: Path) -> dict[str, Any]:
    """Two steps of `train_sft`; the adapter stays for the merge, the settings for TRL's turn."""
    profile, records = _profile(folder), _records(folder)

    def train(model: Any, processor: Any) -> SFTTrainer:
        settings = {"output_dir": str(folder / "sft"), "learning_rate": SFT_RATE, **SETTINGS}
        return train_sft(model, processor, records, profile, **settings)

    trainer, found = _trained(train, profile)
    save_policy(trainer.model, trainer.processing_class, folder / "adapter")
    torch.save(trainer.args, folder / "sft_args.bin")
    return found | _predicted(profile, "sft", records, found)


def sft_trl(folder: Path) -> dict[str, Any]:
    """The same by TRL's `SFTTrainer`."""
    view, args = to_sft(_records(folder)), torch.load(folder / "sft_args.bin", weights_only=False)

    def train(model: Any, processor: Any) -> SFTTrainer:
        with exact_adapters(model):
            trainer = SFTTrainer(model=model, args=args, train_dataset=view, processing_class=processor)
        trainer.train()
        return trainer

    return _trained(train, _profile(folder))[1]


def grpo(folder: Path) -> dict[str, Any]:
    """Two steps of `train_grpo` on the same rollouts."""
    profile, records, completions = _profile(folder), _records(folder), []

    def train(model: Any, processor: Any) -> GRPOTrainer:
        return train_grpo(
            model, processor, records, profile, reward_funcs=_uneven(completions), exact_draws=True, num_iterations=2,
            output_dir=str(folder / "grpo"), generation_kwargs={"min_new_tokens": profile.max_completion_length},
            learning_rate=GRPO_RATE, **SETTINGS,
        )  # fmt: skip

    trainer, found = _trained(train, profile)
    torch.save(trainer.args, folder / "grpo_args.bin")
    return found | {"completions": completions} | _predicted(profile, "grpo", records, found)


def grpo_trl(folder: Path) -> dict[str, Any]:
    """The same by TRL's `GRPOTrainer`."""
    view, args = to_grpo(_records(folder)), torch.load(folder / "grpo_args.bin", weights_only=False)
    args = replace(args, generation_batch_size=None)  # GRPOConfig works it out, and refuses to be told
    completions: list[list[int]] = []

    def train(model: Any, processor: Any) -> GRPOTrainer:
        with exact_adapters(model):
            trainer = GRPOTrainer(
                model=model, reward_funcs=_uneven(completions), args=args, train_dataset=view,
                processing_class=processor,
            )  # fmt: skip
        trainer.train()
        return trainer

    return _trained(train, _profile(folder))[1] | {"completions": completions}


def merge(folder: Path) -> dict[str, Any]:
    """Merge the adapter of SFT into the 16-bit base, save that, load it again and compare logits."""
    merged = folder / "merged"
    shutil.rmtree(merged, ignore_errors=True)  # of a run that was stopped
    one = _records(folder).select([0])
    report = asdict(merge_adapter(folder / "adapter", _profile(folder), merged, dtype="bfloat16", records=one))
    shutil.rmtree(merged)
    gaps = ("adapter_vs_base", "adapter_vs_merged", "merged_vs_reloaded", "merged_vs_4bit")
    return {name: report[name] for name in ("tokens", "logit_size", *gaps)}


STAGES: dict[str, Callable[..., dict[str, Any]]] = {
    stage.__name__: stage for stage in (build, load, sft, sft_trl, grpo, grpo_trl, merge)
}


def run_stage(name: str, folder: Path, *, quick: bool) -> dict[str, Any]:
    """What a stage found, with its `seconds` and `peak_gib`, the resident memory of this process at its highest.

    That counts pages of mapped files too, which the system may drop: those of the 16-bit model while it is read.
    """
    start = time.perf_counter()
    found = STAGES[name](folder, quick=quick) if name == "build" else STAGES[name](folder)
    return {"seconds": round(time.perf_counter() - start, 1), "peak_gib": _gib(_status("VmHWM"))} | found


# ---- a policy in training ----


def _profile(folder: Path) -> Profile:
    return get_profile("mini").replace(model=str(folder / "base"), **PROFILE)


def _records(folder: Path) -> Any:
    return large_records(STEPS, load_processor(_profile(folder)).tokenizer, completion_tokens=RESPONSE_TOKENS)


def _uneven(completions: list[list[int]]) -> Callable[..., list[float]]:
    """A reward that differs within a group and can be told from its tokens; `completions` gets what it was asked of."""

    def reward(completion_ids: list[list[int]], **_: Any) -> list[float]:
        completions.extend(completion_ids)
        return [sum(ids) % 101 / 101 for ids in completion_ids]

    return reward


def _trained(train: Callable[[Any, Any], Any], profile: Profile) -> tuple[Any, dict[str, Any]]:
    """What `train` gives, and of its run: each step's numbers, and the memory of the policy and of what came on top."""
    room = free_memory(torch.device("cpu"))
    model, processor = load_policy(profile)
    held, loading = held_bytes(model), _status("VmHWM")
    with growth() as grown:
        trainer = train(model, processor)
    peak = max(loading, _status("VmHWM"))
    steps = [row for row in trainer.state.log_history if "loss" in row]
    kept = ("loss", "grad_norm", "entropy", "step_time")
    numbers = {name: [row[name] for row in steps] for name in kept if name in steps[0]}
    lost = [name for name, values in numbers.items() if not all(map(math.isfinite, values))]
    if lost:
        raise ValueError(f"not finite: {', '.join(lost)} in {numbers}; expected finite numbers in every step")
    sizes = {"peak": peak, "held": held, "measured": held + grown[0], "room": room}
    return trainer, numbers | {f"{name}_gib": _gib(size) for name, size in sizes.items()}


def _predicted(profile: Profile, method: Method, records: Any, found: dict[str, Any]) -> dict[str, float]:
    """Memory as `estimate_memory` says, from lengths in tokens."""
    text = prompt_tokens(records, load_processor(profile))
    completion = RESPONSE_TOKENS if method == "sft" else profile.max_completion_length
    room = found["room_gib"] * 2**30
    estimate = estimate_memory(
        profile, method, text_tokens=text, completion_tokens=completion, room=room, reference=False
    )
    return {"predicted_gib": _gib(estimate.total)}


# ---- memory ----


def held_bytes(model: Any) -> int:
    """Bytes of a model's weights, and of what bitsandbytes keeps to read those in 4 bits."""
    storages = {p.untyped_storage().data_ptr(): p.untyped_storage().nbytes() for p in model.parameters()}
    states = [state for m in model.modules() if (state := getattr(getattr(m, "weight", None), "quant_state", None))]
    scales = [part for s in states for part in (s.absmax, s.code, s.state2.absmax, s.state2.code)]
    return sum(storages.values()) + sum(scale.nbytes for scale in scales)


@contextmanager
def growth() -> Iterator[list[int]]:
    """Puts into the list, at the end, the bytes that this process took at most beyond what it had at first.

    Mapped files are left out. What is freed has to go back to the system for that: start the process with `GIVES_BACK`
    of `shared_prefix` in its environment.
    """
    grown: list[int] = []
    gc.collect()
    CLEAR.write_text("5")  # the peak is what there is now
    before = _status("RssAnon")
    yield grown
    grown.append(max(0, _status("VmHWM") - _status("RssFile") - before))


def _status(name: str) -> int:
    lines = STATUS.read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def _gib(size: float) -> float:
    return round(size / 2**30, 2)


# ---- the comparison ----


def compare(stages: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """What has to hold between the stages: `what`, the `value` that was found, its `limit`, and whether it `holds`."""
    rows = []

    def row(what: str, value: float, limit: float) -> None:
        rows.append({"what": what, "value": value, "limit": limit, "holds": value <= limit})

    for method in ("sft", "grpo"):
        ours, trl = stages[method], stages[f"{method}_trl"]
        losses = zip(ours["loss"], trl["loss"], strict=True)
        norms = zip(ours["grad_norm"], trl["grad_norm"], strict=True)
        row(f"{method}: largest difference of a loss from TRL's", max(abs(a - b) for a, b in losses), LOSSES)
        apart = max(abs(a - b) / b if b else math.inf for a, b in norms)  # where there is none, nothing is compared
        row(f"{method}: of a gradient's norm, as a share", apart, NORMS)
        off = abs(ours["predicted_gib"] / ours["measured_gib"] - 1)
        row(f"{method}: predicted memory is off, as a share", off, WITHIN)
    drawn = [stages[name]["completions"] for name in ("grpo", "grpo_trl")]
    row("grpo: completions that are not TRL's", sum(a != b for a, b in zip(*drawn, strict=True)), 0)
    return rows
