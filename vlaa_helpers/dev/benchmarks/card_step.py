"""Measures training steps with the settings of a GPU profile, in no more memory than that card has; see `gpu_proof`.

Another card than the named one gives its own times, and the memory of the named one: what is over the limit fails.
"""

import tempfile
import time
from statistics import median
from typing import Any
from unittest import mock

import torch
from transformers import TrainerCallback
from transformers import trainer as transformers_trainer

from ...policy.loading import load_policy, load_processor
from ...policy.memory_estimate import Method, estimate_memory, is_out_of_memory
from ...policy.profiles import Profile, settings_of
from .harness import Arm, free_gpu, machine
from .step import COMPLETION_TOKENS, grpo_arms, large_records, prompt_tokens, sft_arms

CARD_GB = {"t4": 15, "l4": 22, "a100": 40}
"""Billions of bytes that a policy may take on each card."""
METHODS: dict[str, tuple[Method, str]] = {"sft": ("sft", ""), "grpo": ("grpo", "trl"), "grpo vlaa": ("grpo", "vlaa")}
"""What is trained, and by which recipe: "vlaa" has a KL term, so a pass of the reference and a copy of the adapters."""


def measure_card(card: str, method: str, model: str, *, steps: int = 2) -> dict[str, Any]:
    """Train `steps` and one more with the settings of a card's profile, by us and by TRL with the same settings.

    Args:
        card: a name of `CARD_GB`.
        method: one of `METHODS`.
        model: folder of a model with random weights, which never end a completion early.

    Returns:
        `machine`, `settings`, `predicted_gib`, and of `ours` and `trl` what `measure_alone` gives.
    """
    limit = CARD_GB[card] * 10**9
    torch.cuda.set_per_process_memory_fraction(min(1.0, limit / torch.cuda.get_device_properties(0).total_memory))
    return {
        "machine": machine(),
        "limit_gib": _gib(limit),
        **compare(settings_of(card).replace(model=model), method, limit, steps=steps),
    }


def compare(profile: Profile, method: str, limit: float, *, steps: int) -> dict[str, Any]:
    """Ours and TRL's, one after the other, and what `estimate_memory` predicts where `limit` bytes are free."""
    trainer, recipe = METHODS[method]
    processor = load_processor(profile)
    batch = profile.sft_batch_size if trainer == "sft" else profile.prompts_per_step
    records = large_records(batch * (steps + 1), processor.tokenizer)
    arms, settings = sft_arms(profile, records) if trainer == "sft" else grpo_arms(profile, records, recipe=recipe)
    exact = "trl_float32" if profile.load_in_4bit else "trl"
    precision = f"NF4 and {profile.dtype}" if profile.load_in_4bit else profile.dtype
    completion = COMPLETION_TOKENS if trainer == "sft" else profile.max_completion_length
    estimate = estimate_memory(
        profile,
        trainer,
        text_tokens=prompt_tokens(records, processor),
        completion_tokens=completion,
        room=limit,
        reference=recipe == "vlaa",  # TRL's recipe has no KL term
    )
    return {
        "settings": f"{settings.gradient_accumulation_steps} x {settings.per_device_train_batch_size}, {precision}",
        "predicted_gib": _gib(estimate.total),
        "ours": measure_alone(arms["ours"], profile, steps),
        "trl": measure_alone(arms[exact], profile, steps),
    }


def measure_alone(train: Arm, profile: Profile, steps: int) -> dict[str, Any]:
    """An arm by itself: each step's time, and on a GPU the peaks of its memory.

    Returns:
        `step_s`; `median_step_s`, without the first; on a GPU `allocated_gib` and `reserved_gib`. Where memory does not
        suffice, `out_of_memory` with the first line of the error, and nothing else.
    """
    on_gpu, times = profile.device == "cuda", _Times()
    callbacks = [*transformers_trainer.DEFAULT_CALLBACKS, times]
    try:
        policy = load_policy(profile)
        if on_gpu:
            torch.cuda.reset_peak_memory_stats()
        with (
            tempfile.TemporaryDirectory() as folder,
            mock.patch.object(transformers_trainer, "DEFAULT_CALLBACKS", callbacks),
        ):
            train(*policy, folder, steps + 1)
    except (RuntimeError, MemoryError) as error:
        if not (isinstance(error, MemoryError) or is_out_of_memory(error)):
            raise
        return {"out_of_memory": str(error).splitlines()[0]}
    finally:
        policy = None
        free_gpu()
    found = {"median_step_s": round(median(times.seconds[1:]), 3), "step_s": [round(s, 3) for s in times.seconds]}
    return found | (_peaks() if on_gpu else {})


def _peaks() -> dict[str, float]:
    return {
        "allocated_gib": _gib(torch.cuda.max_memory_allocated()),
        "reserved_gib": _gib(torch.cuda.max_memory_reserved()),
    }


class _Times(TrainerCallback):
    """Seconds of each step, from the end of the one before."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def on_train_begin(self, args, state, control, **kwargs):
        self._since = time.perf_counter()

    def on_step_end(self, args, state, control, **kwargs):
        if torch.cuda.is_initialized():
            torch.cuda.synchronize()
        self.seconds.append(time.perf_counter() - self._since)
        self._since = time.perf_counter()


def _gib(size: float) -> float:
    return round(size / 2**30, 2)
