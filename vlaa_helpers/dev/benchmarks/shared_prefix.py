"""Measures a GRPO step that reads each prompt once for its group against TRL's own step, over a grid; JSON as it goes.

python -m vlaa_helpers.dev.benchmarks.shared_prefix --quick
python -m vlaa_helpers.dev.benchmarks.shared_prefix --gpu --out runs/shared_prefix_gpu.json

A cell of the grid is an image's size, a group's size and a completion's length, all of them fixed. Both trainers take
the same settings and draw the same completions; they train in turns in one process (`harness`), and one after
the other in a second one, to see their memory. A process has a limit of time. The same command goes on where an earlier
one stopped. `plot_prefix_benchmark` draws what it found.
"""

import argparse
import gc
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, redirect_stdout
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any
from unittest import mock

import torch
from accelerate import Accelerator
from trl import GRPOConfig, GRPOTrainer

from ...core.assets import MINI_VLMS
from ...policy.loading import image_token_ids, load_policy, load_processor
from ...policy.profiles import Profile, get_profile
from ...training.batch_plan import BatchPlan, plan_batch
from ...training.runner import WholeStep, device_settings, exact_adapters
from ...training.shared_prefix_trainer import SharedPrefixGRPOTrainer
from .harness import ArmThread, compare_arms, machine
from .random_qwen import TRUE_SIZE, random_model

CELLS_A_SIDE, GENERATIONS, COMPLETIONS = (4, 9, 16, 32), (4, 8, 16), (32, 128, 512)
"""Of the grid: visual tokens along an image's side (prompts of 38, 103, 278 and 1,046 tokens in all)."""
QUICK = ((4, 9, 16), (8,), (32,))
TOKEN_PIXELS = 28
STATUS, GIVES_BACK = Path("/proc/self/status"), {"MALLOC_MMAP_THRESHOLD_": "65536"}
PARTS = {"generate": "_generate", "log_probs": "_get_per_token_logps_and_entropies"}
"""Of a step, and which method of the trainers each is; the third is "backward"."""


@dataclass(frozen=True)
class Cell:
    """Where a step is measured: an image of side² visual tokens, completions a prompt, tokens of each."""

    side: int
    generations: int
    completion: int


# ---- one cell ----


def measure(cell: Cell, profile: Profile, *, steps: int) -> dict[str, Any]:
    """Both trainers on one policy, the same settings and the same draws.

    Returns:
        As `compare_arms`, with arms `ours` and `trl`. Each also has the median seconds of a step that went into
        `generate`, `log_probs` (forward passes) and `backward`, and the `grad_norms`, which the arms share.
    """
    profile, plan, arms, view, processor = _prepared(cell, profile, steps + 2)
    with timed_parts() as parts:
        threads: dict[str, threading.Thread] = {}

        def named(name: str, train: Callable) -> Callable:
            def run(*arguments: Any) -> Any:
                threads[name] = threading.current_thread()
                return train(*arguments)

            return run

        found = compare_arms({name: named(name, train) for name, train in arms.items()}, profile, steps)
    for name, arm in found["arms"].items():
        arm |= {part: round(median(s[1:]), 4) for part, s in parts[threads[name]].items()}
        history = threads[name].trainer.state.log_history
        arm["grad_norms"] = [round(row["grad_norm"], 6) for row in history if "grad_norm" in row]
    prompt = processor(**_prompt_of(view[0], processor), return_tensors="pt")["input_ids"].shape[1]
    sizes = {"prompt_tokens": prompt, "prompts": plan.prompts, "passes": f"{plan.accumulation} x {plan.per_device}"}
    return sizes | {"gradient_checkpointing": profile.gradient_checkpointing} | found


def measure_memory(cell: Cell, profile: Profile) -> dict[str, float]:
    """MiB of host memory that a step of each trainer takes at its most, beside what is there with the model loaded.

    What is freed has to go back to the system for that: start the process with `GIVES_BACK` in its environment. Empty
    where the system does not tell; Linux does.
    """
    profile, _, arms, _, _ = _prepared(cell, profile, 2)
    if not STATUS.exists():
        return {}
    _peak(arms["ours"], profile)  # what a process needs once
    return {name: _peak(train, profile) for name, train in arms.items()}


def _prepared(cell: Cell, profile: Profile, batches: int) -> tuple[Profile, BatchPlan, dict[str, Callable], Any, Any]:
    """The profile of a cell, its plan, what trains each arm, the prompts, and the processor."""
    profile = profile.replace(
        max_pixels=(TOKEN_PIXELS * cell.side) ** 2, num_generations=cell.generations,
        max_completion_length=cell.completion,
    )  # fmt: skip
    processor, plan = load_processor(profile), plan_batch(profile)
    settings = {
        **plan.config, **device_settings(profile, "grpo"), "save_strategy": "no", "temperature": 1.0,
        "max_completion_length": cell.completion, "learning_rate": 1e-5,
        "generation_kwargs": {"suppress_tokens": image_token_ids(processor), "min_new_tokens": cell.completion},
    }  # fmt: skip
    view = noise(plan.prompts * batches, cell.side)
    kinds = {"ours": partial(SharedPrefixGRPOTrainer, exact_draws=True), "trl": GRPOTrainer}
    return profile, plan, {name: _arm(kind, view, settings) for name, kind in kinds.items()}, view, processor


def _arm(trainer_class: Callable[..., GRPOTrainer], view: Any, settings: dict[str, Any]) -> Callable:
    def train(model: Any, processor: Any, folder: str, max_steps: int) -> GRPOTrainer:
        with exact_adapters(model):
            trainer = trainer_class(
                model=model, reward_funcs=variety, args=GRPOConfig(output_dir=folder, max_steps=max_steps, **settings),
                train_dataset=view, processing_class=processor, callbacks=[WholeStep()],
            )  # fmt: skip
        trainer.train()
        return trainer

    return train


def variety(completion_ids: list[list[int]], **_: Any) -> list[float]:
    """A reward that differs within a group: the share of different tokens."""
    return [len(set(ids)) / len(ids) for ids in completion_ids]


def noise(n: int, side: int) -> Any:
    """Prompts with an image of noise each, of side² visual tokens."""
    import numpy as np
    from datasets import Dataset, Features, Image, List, Value
    from PIL import Image as Pictures

    pixels, draws = TOKEN_PIXELS * side, np.random.default_rng(0)
    images = [Pictures.fromarray(draws.integers(0, 255, (pixels, pixels, 3), dtype="uint8")) for _ in range(n)]
    content = [{"type": "image", "text": None}, {"type": "text", "text": "how many objects are there?"}]
    message = {"role": Value("string"), "content": List({"type": Value("string"), "text": Value("string")})}
    features = Features({"prompt": List(message), "images": List(Image())})
    rows = [{"prompt": [{"role": "user", "content": content}], "images": [image]} for image in images]
    return Dataset.from_list(rows, features=features)


def _prompt_of(row: dict[str, Any], processor: Any) -> dict[str, Any]:
    return {"text": processor.apply_chat_template(row["prompt"], add_generation_prompt=True), "images": row["images"]}


@contextmanager
def timed_parts() -> Iterator[dict[threading.Thread, dict[str, list[float]]]]:
    """Seconds of each part of each step, by the thread of the arm; the first step comes first."""
    parts: dict[Any, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))

    def timed(part: str, function: Callable) -> Callable:
        def run(*arguments: Any, **settings: Any) -> Any:
            thread = threading.current_thread()
            if not isinstance(thread, ArmThread):
                return function(*arguments, **settings)
            start = _now()
            result = function(*arguments, **settings)
            of_steps, step = parts[thread][part], len(thread.seconds)
            of_steps += [0.0] * (step + 1 - len(of_steps))
            of_steps[step] += _now() - start
            return result

        return run

    with ExitStack() as stack:
        for kind in (SharedPrefixGRPOTrainer, GRPOTrainer):
            for part, method in PARTS.items():
                if method in vars(kind):
                    stack.enter_context(mock.patch.object(kind, method, timed(part, vars(kind)[method])))
        stack.enter_context(mock.patch.object(Accelerator, "backward", timed("backward", Accelerator.backward)))
        yield parts


def _now() -> float:
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
    return time.perf_counter()


def _peak(train: Callable, profile: Profile) -> float:
    def mebibytes(name: str) -> float:
        (line,) = (line for line in STATUS.read_text().splitlines() if line.startswith(name))
        return int(line.split()[1]) / 1024

    policy = load_policy(profile)
    gc.collect()
    (STATUS.parent / "clear_refs").write_text("5")  # the peak is what there is now
    before = mebibytes("VmRSS")
    with tempfile.TemporaryDirectory() as folder:
        train(*policy, folder, 1)
    return round(mebibytes("VmHWM") - before, 1)


# ---- the grid ----


def cells(quick: bool) -> list[Cell]:
    """Those of the grid, small ones first."""
    sides, generations, completions = QUICK if quick else (CELLS_A_SIDE, GENERATIONS, COMPLETIONS)
    grid = [Cell(s, g, c) for s in sides for g in generations for c in completions]
    return sorted(grid, key=lambda cell: cell.generations * (cell.side**2 + cell.completion))


def measure_all(todo: list[Cell], arguments: list[str], out: Path, *, limit: float) -> dict[str, Any]:
    """Measure each cell that `out` does not have yet, in a process of its own, and write `out` after each.

    Args:
        arguments: of the command that measures one cell.
        limit: seconds a process; a cell that takes longer, or fails, is kept as an `error`.
    """
    found = json.loads(out.read_text()) if out.exists() else {"cells": []}
    out.parent.mkdir(parents=True, exist_ok=True)
    done = [part["cell"] for part in found["cells"]]
    for cell in todo:
        if asdict(cell) in done:
            continue
        command = [
            sys.executable,
            "-m",
            "vlaa_helpers.dev.benchmarks.shared_prefix",
            *arguments,
            "--cell",
            json.dumps(asdict(cell)),
        ]
        start = time.perf_counter()
        try:
            part = _answer(command, limit)
            if "--gpu" not in arguments:
                for name, peak in _answer([*command, "--memory"], limit, GIVES_BACK).items():
                    part["arms"][name]["peak_mib"] = peak
        except subprocess.CalledProcessError as error:
            part = {"error": f"exit status {error.returncode}"}
        except subprocess.TimeoutExpired:
            part = {"error": f"more than {limit:.0f} s"}
        found |= {"machine": part.pop("machine", found.get("machine"))}
        found["cells"].append({"cell": asdict(cell), **part, "took_s": round(time.perf_counter() - start)})
        out.write_text(json.dumps(found, indent=1) + "\n")
        print(json.dumps(found["cells"][-1] | {"arms": None}), file=sys.stderr)
    return found


def _answer(command: list[str], limit: float, settings: dict[str, str] | None = None) -> dict[str, Any]:
    environment = os.environ | (settings or {})
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=limit, env=environment, check=True)
    return json.loads(run.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gpu", action="store_true", help="a 3B model of random weights in NF4 on a CUDA GPU")
    parser.add_argument("--quick", action="store_true", help="three small cells")
    parser.add_argument("--steps", type=int, default=5, help="timed steps of each trainer")
    parser.add_argument("--prompts", type=int, default=2, help="prompts a step")
    parser.add_argument("--limit", type=float, default=3600, help="seconds a cell may take")
    parser.add_argument("--out", type=Path, default=Path("runs/shared_prefix.json"))
    parser.add_argument("--model", help=argparse.SUPPRESS)  # the folder of the model of random weights
    parser.add_argument("--cell", type=json.loads, help=argparse.SUPPRESS)
    parser.add_argument("--memory", action="store_true", help=argparse.SUPPRESS)  # of that cell, and not its time
    options = parser.parse_args()
    profile = get_profile("auto" if options.gpu else "mini").replace(prompts_per_step=options.prompts)
    if options.cell:
        with redirect_stdout(sys.stderr):  # TRL's trainer prints every log
            here = profile.replace(model=options.model or profile.model)
            cell = Cell(**options.cell)
            if options.memory:
                part = measure_memory(cell, here)
            else:
                part = {"machine": machine()} | measure(cell, here, steps=options.steps)
        print(json.dumps(part))
        return
    processor = load_processor(get_profile("mini").replace(model=str(MINI_VLMS["mini"])))
    given = profile.replace(model=options.model or profile.model)
    is_drawn = options.gpu and not options.model
    with random_model(profile, processor, TRUE_SIZE) if is_drawn else nullcontext((given, 0)) as (here, _):
        arguments = ["--steps", str(options.steps), "--prompts", str(options.prompts), "--model", here.model]
        arguments += ["--gpu"] if options.gpu else []
        measure_all(cells(options.quick), arguments, options.out, limit=options.limit)


if __name__ == "__main__":
    main()
