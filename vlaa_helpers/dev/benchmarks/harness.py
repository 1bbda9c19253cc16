"""Trains several arms at once in one process, a step at a time in turns, and compares what their steps take.

All arms of a comparison take turns: A B B A … Whatever slows the machine for a while slows them alike. Each thread has
a heap of its own: on one heap, arms that compute the same differed by up to a quarter, in how often the system had to
hand out pages anew.

Set OMP_NUM_THREADS=1 on a CPU. With more, each arm has a team of OpenMP threads, and while there are more of these than
cores they fall asleep between two operations: an arm of many short operations looks slower than it is alone.
"""

import gc
import os
import platform
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any
from unittest import mock

import numpy as np
import torch
from transformers import TrainerCallback
from transformers import trainer as transformers_trainer
from trl import GRPOTrainer

from ...core.statistics import bootstrap_interval
from ...policy.loading import load_policy
from ...policy.profiles import Profile

PACKAGES = ("torch", "transformers", "trl", "peft", "bitsandbytes", "accelerate")
CPU_INFO = Path("/proc/cpuinfo")
Arm = Callable[[Any, Any, str, int], Any]
"""Trains `(model, processor, output folder, steps)` and gives the trainer back."""


# ---- one arm ----


class ArmThread(threading.Thread):
    """Trains one arm, and stands still after each step until it is told to take the next.

    Attributes:
        seconds, cpu_seconds: of each step so far, by the clock on the wall and of processor time; the first one
            includes what comes before it. Other programs on the machine hardly touch processor time.
        generating: seconds spent in sampling completions, each time.
        trainer: what the arm gave back, once it has ended.
    """

    def __init__(self, train: Callable[[], Any]):
        super().__init__(daemon=True)
        self.seconds: list[float] = []
        self.cpu_seconds: list[float] = []
        self.generating: list[float] = []
        self.trainer: Any = None
        self._train, self._error, self._random = train, None, None
        self._go, self._stands = threading.Semaphore(0), threading.Semaphore(0)
        self.start()

    def take_step(self) -> None:
        """Let it train one step, or end after its last, and wait until it stands; what it raised is raised here."""
        self._go.release()
        self._stands.acquire()
        if self._error is not None:
            raise self._error

    def run(self) -> None:
        self._wait()
        try:
            self.trainer = self._train()
        except BaseException as error:
            self._error = error
        self._stands.release()

    def step_ended(self) -> None:
        if torch.cuda.is_initialized():
            torch.cuda.synchronize()
        self.seconds.append(time.perf_counter() - self._since)
        self.cpu_seconds.append(time.process_time() - self._cpu_since)
        self._random = torch.get_rng_state(), torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
        self._stands.release()
        self._wait()

    def _wait(self) -> None:
        self._go.acquire()
        if self._random is not None:  # each arm draws as if it were alone
            torch.set_rng_state(self._random[0])
            torch.cuda.set_rng_state_all(self._random[1])
        self._since, self._cpu_since = time.perf_counter(), time.process_time()


class StepEnd(TrainerCallback):
    """Tells the arm in whose thread a trainer runs that a step has ended."""

    def on_step_end(self, args, state, control, **kwargs):
        threading.current_thread().step_ended()


def peak_memory(train: Arm, profile: Profile) -> dict[str, float]:
    """GPU memory in GiB of an arm that has the GPU to itself, for two steps: the first one makes the optimiser's state.

    Returns:
        `loaded_gib`, the model before training; `allocated_gib` and `reserved_gib`, the peaks in training.
    """
    policy = load_policy(profile)
    loaded = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    with tempfile.TemporaryDirectory() as folder:
        train(*policy, folder, 2)
    peaks = {
        "loaded": loaded,
        "allocated": torch.cuda.max_memory_allocated(),
        "reserved": torch.cuda.max_memory_reserved(),
    }
    return {f"{name}_gib": round(size / 2**30, 2) for name, size in peaks.items()}


def free_gpu() -> None:
    """Give back what the last run held on the GPU: trainers and models refer to each other in circles."""
    if torch.cuda.is_initialized():
        gc.collect()
        torch.cuda.empty_cache()


# ---- a comparison ----


def compare_arms(arms: dict[str, Arm], profile: Profile, steps: int) -> dict[str, Any]:
    """Train every arm for a warm-up step and `steps` more, in turns, and hold the first arm against each other one.

    Returns:
        `arms`: what each showed, with every step. `ours_over` (by the first arm's name): for each other arm the `ratio`
        of step times, the median over the steps, with its 95% bootstrap interval; `cpu_ratio`, the same of processor
        time; and the `largest_loss_difference` of a step.
    """
    memory = {}
    if profile.device == "cuda":
        for name, train in arms.items():
            memory[name] = peak_memory(train, profile)
            free_gpu()
    # no trainer is asked to take the callback: each gets it from the list that every Trainer starts from
    callbacks = [*transformers_trainer.DEFAULT_CALLBACKS, StepEnd]
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.object(transformers_trainer, "DEFAULT_CALLBACKS", callbacks),
        mock.patch.object(GRPOTrainer, "_generate", _timed(GRPOTrainer._generate)),
    ):
        threads = {
            name: ArmThread(partial(train, *load_policy(profile), f"{folder}/{name}", steps + 1))
            for name, train in arms.items()
        }
        queue = deque(threads.values())
        for _ in range(steps + 2):  # the last turn lets them end
            for thread in queue:
                thread.take_step()
            queue.rotate(-1)  # two arms: A B B A A B …
    ours, *others = threads
    return {
        "arms": {name: _summary(thread) | memory.get(name, {}) for name, thread in threads.items()},
        f"{ours}_over": {name: _against(threads[ours], threads[name]) for name in others},
    }


def _timed(generate: Callable) -> Callable:
    def timed(trainer: Any, *arguments: Any) -> Any:
        start = time.perf_counter()
        drawn = generate(trainer, *arguments)  # its tokens are lists: nothing is left to wait for
        threading.current_thread().generating.append(time.perf_counter() - start)
        return drawn

    return timed


def _logged(thread: ArmThread, name: str) -> np.ndarray:
    return np.array([row[name] for row in thread.trainer.state.log_history if "loss" in row])


def _summary(thread: ArmThread) -> dict[str, Any]:
    seconds, tokens = np.array(thread.seconds[1:]), np.diff(_logged(thread, "num_tokens"))
    sampling = {"median_generation_s": round(median(thread.generating[1:]), 4)} if thread.generating else {}
    return sampling | {
        "median_step_s": round(float(np.median(seconds)), 4),
        "median_cpu_s": round(float(np.median(thread.cpu_seconds[1:])), 4),
        "tokens_per_s": round(float(np.median(tokens / seconds))),
        "tokens_per_step": round(float(np.median(tokens))),
        "step_s": seconds.round(4).tolist(),
        "losses": _logged(thread, "loss").round(6).tolist(),
    }


def _against(ours: ArmThread, other: ArmThread) -> dict[str, Any]:
    difference = np.abs(_logged(ours, "loss") - _logged(other, "loss")).max()
    found: dict[str, Any] = {"largest_loss_difference": float(difference)}
    for name, kind in (("ratio", "seconds"), ("cpu_ratio", "cpu_seconds")):
        ratios = np.array(getattr(ours, kind)[1:]) / np.array(getattr(other, kind)[1:])
        found[name] = round(float(np.median(ratios)), 4)
        found[f"{name}_interval_95"] = [round(edge, 4) for edge in bootstrap_interval(ratios, of=np.median)]
    return found


# ---- the machine ----


def cpu_model() -> str:
    """The processor's name as Linux gives it; elsewhere, and where Linux has none, what Python knows of it."""
    try:
        lines = CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.partition(":")[0].strip() == "model name")
    return next(filter(None, names), "") or platform.processor() or platform.machine()


def machine() -> dict[str, Any]:
    """What was measured on: processor, threads, GPU if any, versions."""
    facts = {
        "cpu": platform.machine(),
        "cpu_model": cpu_model(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in PACKAGES},
    }
    if torch.cuda.is_available():
        gpu = torch.cuda.get_device_properties(0)
        facts |= {"gpu": gpu.name, "gpu_gib": round(gpu.total_memory / 2**30, 1)}
    return facts
