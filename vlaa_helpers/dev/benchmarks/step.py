"""Measures one training step, ours against TRL's own trainer with the same settings, in pairs; JSON out.

python -m vlaa_helpers.dev.benchmarks.step sft
python -m vlaa_helpers.dev.benchmarks.step grpo --gpu

Without --gpu the mini VLM trains on a CPU; with it a Qwen2.5-VL-3B of the true size with random weights in 4 bits on a
CUDA GPU, and its memory is looked at too. All arms of a comparison train at once in one process, but take turns, a step
at a time: A B B A … Whatever slows the machine for a while slows them alike. Each thread has a heap of its own: on one
heap, arms that compute the same differed by up to a quarter, in how often the system had to hand out pages anew.

Set OMP_NUM_THREADS=1 on a CPU. With more, each arm has a team of OpenMP threads, and while there are more of these than
cores they fall asleep between two operations: an arm of many short operations looks slower than it is alone.
"""

import argparse
import gc
import json
import os
import platform
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
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
from trl import GRPOConfig, GRPOTrainer, SFTTrainer

from ...core.assets import MINI_VLMS
from ...core.record_schema import arrow_dataset, record_features
from ...core.statistics import bootstrap_interval
from ...data.trl_views import to_grpo, to_sft
from ...mini_world.scenes import draw_scene, encode_png, scene_records
from ...pipeline.scripted_teacher import ScriptedTeacher
from ...policy.loading import load_policy, load_processor
from ...policy.profiles import Profile, get_profile
from ...rewards.mixed import MixedReward
from ...training.grpo import train_grpo
from ...training.runner import exact_adapters
from ...training.sft import train_sft
from .random_qwen import TRUE_SIZE, save_random_model

PACKAGES = ("torch", "transformers", "trl", "peft", "bitsandbytes", "accelerate")
SFT_BUDGET_GIB, GRPO_BUDGET_GIB = 12, 15
"""GPU memory that a step of the 3B model may take."""
IMAGE_SIDE = 512
"""Of a square image of 262,144 pixels, the limit of the GPU profiles."""
COMPLETION_TOKENS = 300
Arm = Callable[[Any, Any, str, int], Any]
"""Trains `(model, processor, output folder, steps)` and gives the trainer back."""


# ---- one arm ----


class ArmThread(threading.Thread):
    """Trains one arm, and stands still after each step until it is told to take the next.

    Attributes:
        seconds, cpu_seconds: of each step so far, by the clock on the wall and of processor time; the first one
            includes what comes before it. Other programs on the machine hardly touch processor time.
        generating: seconds spent in drawing completions, each time.
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
    drawing = {"median_generation_s": round(median(thread.generating[1:]), 4)} if thread.generating else {}
    return drawing | {
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


# ---- SFT ----


def compare_sft(profile: Profile, records: Any, *, steps: int) -> dict[str, Any]:
    """`train_sft` against TRL's `SFTTrainer` on the same policy, view and `SFTConfig`: see `compare_arms`.

    The arms: `ours`; `trl`, the trainer called directly; and, for a 4-bit policy, `trl_float32`. TRL rounds the
    adapters of such a policy to bfloat16 and `train_sft` does not, so only the third arm, where they are put back, does
    the same arithmetic: its losses must be the same, while those of `trl` are only close. In float16 there is no arm
    `trl`: the scaler of the loss cannot take bfloat16 gradients.
    """
    view = to_sft(records)

    def ours(model: Any, processor: Any, folder: str, max_steps: int) -> SFTTrainer:
        config = {"max_steps": max_steps, "logging_steps": 1, "save_strategy": "no", "output_dir": folder}
        return train_sft(model, processor, records, profile, **config)

    def build(model: Any, processor: Any, args: Any) -> SFTTrainer:
        return SFTTrainer(model=model, args=args, train_dataset=view, processing_class=processor)

    return _compare(ours, build, profile, steps)


def _compare(ours: Arm, build: Callable[[Any, Any, Any], Any], profile: Profile, steps: int) -> dict[str, Any]:
    """`ours` against trainers that `build` makes of a policy, a processor and our own settings."""

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

    with tempfile.TemporaryDirectory() as folder:  # says which settings ours are
        settings = ours(*load_policy(profile), folder, 1).args
    free_gpu()
    arms = {"ours": ours, "trl": trl, "trl_float32": trl_float32}
    if not profile.load_in_4bit:
        del arms["trl_float32"]
    elif profile.dtype == "float16":
        del arms["trl"]
    return {"settings": _settings(profile, settings, steps), **compare_arms(arms, profile, steps)}


# ---- GRPO ----


def compare_grpo(profile: Profile, records: Any, *, steps: int) -> dict[str, Any]:
    """`train_grpo` against TRL's `GRPOTrainer` on the same policy, view and `GRPOConfig`, with the same draws.

    Arms and results as in `compare_sft`, but losses are the same up to the order in which floats are added: ours reads
    each prompt once for its group. Each arm also has `median_generation_s`, the part of a step that draws.
    """
    view, reward = to_grpo(records), MixedReward()

    def ours(model: Any, processor: Any, folder: str, max_steps: int) -> GRPOTrainer:
        config = {"max_steps": max_steps, "save_strategy": "no", "output_dir": folder}
        return train_grpo(model, processor, records, profile, reward_funcs=reward, **config)

    def build(model: Any, processor: Any, args: Any) -> GRPOTrainer:
        return GRPOTrainer(model=model, reward_funcs=reward, args=args, train_dataset=view, processing_class=processor)

    return _compare(ours, build, profile, steps)


def mini_grpo(*, steps: int = 12) -> dict[str, Any]:
    """The mini VLM on a CPU, with the settings of its profile."""
    profile = get_profile("mini")
    records = arrow_dataset(scene_records(profile.prompts_per_step * (steps + 1), seed=2026), record_features())
    return compare_grpo(profile, records, steps=steps)


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


def large_records(n: int, tokenizer: Any) -> Any:
    """The same as large as real ones: images of `PICTURE_SIDE`, completions of `COMPLETION_TOKENS`."""

    def rows() -> Iterator[dict]:
        for row in _traced(n):
            drawn = draw_scene(row["source"], json.loads(row["meta"])["facts"]).resize((IMAGE_SIDE, IMAGE_SIDE))
            image = {"bytes": encode_png(drawn), "path": None}
            yield row | {"image": image, "response": _lengthened(row["response"], tokenizer)}

    return arrow_dataset(rows(), record_features())


def _traced(n: int) -> Iterator[dict]:
    teacher = ScriptedTeacher(omissions=0, hallucinations=0, slips=0)
    for row in scene_records(n, seed=2026):
        caption = teacher.ask("caption", row, {}).text
        yield row | {"response": teacher.ask("reason", row, {"caption": caption}).text}


def _lengthened(response: str, tokenizer: Any) -> str:
    """The response with its thinking said again until `COMPLETION_TOKENS` are reached."""
    think, end, answer = response.partition("</think>")
    room = COMPLETION_TOKENS - len(tokenizer(end + answer).input_ids)
    words = think.removeprefix("<think>")
    again = f"{think}{f' {words}' * (room // len(tokenizer(words).input_ids))}"
    return tokenizer.decode(tokenizer(again).input_ids[:room]) + end + answer


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


@contextmanager
def random_model(profile: Profile, processor: Any, size: dict[str, dict[str, Any]]) -> Iterator[tuple[Profile, int]]:
    """A model of that size in a temporary folder: the profile that loads it, and its number of parameters."""
    with tempfile.TemporaryDirectory() as folder:
        parameters = save_random_model(folder, processor, size, device=profile.device)
        free_gpu()
        yield profile.replace(model=folder), parameters


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
        return mini_grpo(**length)
    return true_size_grpo(get_profile("t4").replace(prompts_per_step=2), **length)


def sft(options: argparse.Namespace) -> dict[str, Any]:
    """A step of SFT: `train_sft` against `SFTTrainer`."""
    length = {"steps": options.steps} if options.steps else {}
    if not options.gpu:
        return mini_sft(**length)
    return true_size_sft(get_profile("t4").replace(sft_batch_size=4), **length)


def machine() -> dict[str, Any]:
    """What was measured on: processor, threads, GPU if any, versions."""
    facts = {
        "cpu": platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in PACKAGES},
    }
    if torch.cuda.is_available():
        gpu = torch.cuda.get_device_properties(0)
        facts |= {"gpu": gpu.name, "gpu_gib": round(gpu.total_memory / 2**30, 1)}
    return facts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True, metavar="what")
    for run in (sft, grpo):
        command = commands.add_parser(run.__name__, help=run.__doc__)
        command.add_argument("--gpu", action="store_true", help="the true-size model on a CUDA GPU")
        command.add_argument("--steps", type=int, help="timed steps of each arm")
        command.add_argument("--out", type=Path, help="a file for the JSON, beside standard output")
        command.set_defaults(run=run)
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
