"""How far a GRPO step is from its floor: the products that it computes, at the rate at which this machine multiplies.

The floor counts the floating-point operations of matrix products, convolutions and attention alone, as torch's own
counter does, and takes the best rate of a plain product at the shapes of the mini policy, measured in the same run: a
machine with other work on it multiplies more slowly, and its floor is higher. What is above it is everything else:
norms, softmax, copies, thousands of small operations, Python.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from statistics import median
from typing import Any
from unittest import mock

import torch
from accelerate import Accelerator
from torch.utils.flop_counter import FlopCounterMode
from transformers import TrainerCallback
from trl import GRPOTrainer

from ...training import shared_prefix_trainer
from ...training.shared_prefix_trainer import SharedPrefixGRPOTrainer

SHAPES = ((2048, 128, 384), (2048, 384, 128), (64, 128, 384))
"""Rows, inputs and outputs of products of the mini policy: in the loss, and while it samples."""
PARTS = ("prompts", "sampling", "rewards", "loss", "backward", "rest")
"""Where the time of a step goes. Prompts are read for sampling and again, with gradients, for the loss."""


def matrix_rate(seconds: float = 0.3) -> dict[str, float]:
    """Floating-point operations a second of a plain float32 product, by its shape, best of many; all threads that torch
    has."""
    rates = {}
    for rows, inputs, outputs in SHAPES:
        a, b = torch.randn(rows, inputs), torch.randn(outputs, inputs)
        best, end = float("inf"), time.perf_counter() + seconds
        while time.perf_counter() < end:
            start = time.perf_counter()
            for _ in range(10):
                torch.nn.functional.linear(a, b)
            best = min(best, (time.perf_counter() - start) / 10)
        rates[f"{rows}x{inputs}x{outputs}"] = 2 * rows * inputs * outputs / best
    return rates


class _Watch(TrainerCallback):
    """Notes seconds and operations of each step, and how both are shared among the parts."""

    def __init__(self, counted: bool):
        self.counted, self.steps, self.parts, self.inside = counted, [], Counter(), []
        self.seconds: list[Counter] = []
        self.flops: list[Counter] = []

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """What happens inside is of this part, and of no other one round it."""
        self._charge()
        self.inside.append(name)
        try:
            yield
        finally:
            self._charge()
            self.inside.pop()

    def _charge(self) -> None:
        now, done = time.perf_counter(), self._flops()
        if self.inside and self.seconds:
            self.seconds[-1][self.inside[-1]] += now - self._since
            self.flops[-1][self.inside[-1]] += done - self._before
        self._since, self._before = now, done

    def _flops(self) -> int:
        return self._counter.get_total_flops() if self.counted and self.seconds else 0

    def on_step_begin(self, args, state, control, **kwargs):
        self._counter = FlopCounterMode(display=False)
        if self.counted:
            self._counter.__enter__()
        self.seconds.append(Counter())
        self.flops.append(Counter())
        self.inside, self._since, self._before = ["rest"], time.perf_counter(), 0

    def on_step_end(self, args, state, control, **kwargs):
        self._charge()
        self.inside = []
        if self.counted:
            self._counter.__exit__(None, None, None)


def watch_step(run: Callable[[list], Any], *, counted: bool) -> _Watch:
    """Run a training by `SharedPrefixGRPOTrainer` and note where each of its steps goes.

    Args:
        run: trains with the callbacks that it is given.
        counted: count operations too; that takes time of its own.
    """
    watch = _Watch(counted)
    places = [
        (shared_prefix_trainer, "prefill", "prompts"),
        (shared_prefix_trainer, "generate_from", "sampling"),
        (GRPOTrainer, "_calculate_rewards", "rewards"),
        (SharedPrefixGRPOTrainer, "_compute_loss", "loss"),
        (Accelerator, "backward", "backward"),
    ]
    with ExitStack() as stack:
        for owner, name, part in places:
            stack.enter_context(mock.patch.object(owner, name, _within(watch, part, getattr(owner, name))))
        run([watch])
    return watch


def _within(watch: _Watch, part: str, function: Callable) -> Callable:
    def measured(*args: Any, **kwargs: Any) -> Any:
        with watch.part(part):
            return function(*args, **kwargs)

    return measured


def floor_of(run: Callable[[list], Any]) -> dict[str, Any]:
    """The floor of a step, and how long its parts take: medians over the steps of two runs, the first step left out.

    Args:
        run: trains with the callbacks that it is given, the same steps each time.
    """
    timed, counted = watch_step(run, counted=False), watch_step(run, counted=True)
    flops = {part: median(step[part] for step in counted.flops[1:]) for part in PARTS}
    seconds = {part: round(median(step[part] for step in timed.seconds[1:]), 4) for part in PARTS}
    rates = matrix_rate()
    total, rate = sum(flops.values()), max(rates.values())
    return {
        "flops": {part: round(count) for part, count in flops.items()},
        "flops_of_a_step": round(total),
        "matrix_rate": {shape: round(found / 1e9, 1) for shape, found in rates.items()},
        "matrix_rate_unit": "GFLOP/s",
        "floor_s": round(total / rate, 4),
        "parts_s": seconds,
        "step_s": round(median(sum(step.values()) for step in timed.seconds[1:]), 4),
    }
