"""Measures one training step, ours and TRL's, each in a process of its own, in turns: for more threads than one.

python -m vlaa_helpers.dev.benchmarks.apart grpo --threads 2

`step` trains its arms in threads of one process, each with its own team of OpenMP threads: with two threads an arm
there are more of them than cores, they fall asleep between two operations, and the arm of many short ones looks slower
than it is alone. Here each round trains ours once and TRL's trainer once, each on the main thread of its process (A B,
B A, …); the ratio of a round is that of the two medians.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np

from ...core.record_schema import arrow_dataset, record_features
from ...core.statistics import bootstrap_interval
from ...mini_world.scenes import scene_records
from ...policy.profiles import get_profile
from .card_step import measure_alone
from .harness import machine
from .step import grpo_arms, sft_arms, sft_records

ARMS = ("ours", "trl")


def measure_here(what: str, name: str, steps: int) -> dict[str, Any]:
    """Train one arm of `step` in this process, a warm-up step and `steps` more (`measure_alone`)."""
    profile = get_profile("mini")
    if what == "sft":
        arms, _ = sft_arms(profile, sft_records(profile.sft_batch_size * (steps + 1)))
    else:
        prompts = arrow_dataset(scene_records(profile.prompts_per_step * (steps + 1), seed=2026), record_features())
        arms, _ = grpo_arms(profile, prompts)
    return {"machine": machine(), **measure_alone(arms[name], profile, steps)}


def compare_apart(what: str, *, threads: int, rounds: int, steps: int) -> dict[str, Any]:
    """Each round's medians of both arms, and their ratio: the mean over rounds with its 95% bootstrap interval."""
    found: dict[str, list[float]] = {name: [] for name in ARMS}
    for k in range(rounds):
        for name in ARMS if k % 2 == 0 else reversed(ARMS):
            arm = _in_a_process(what, name, threads, steps)
            found[name].append(arm["median_step_s"])
    ratios = np.array(found["ours"]) / np.array(found["trl"])
    return {
        "machine": arm["machine"],
        "timed_steps": steps,
        "median_step_s": found,
        "ratio": round(float(ratios.mean()), 4),
        "ratio_interval_95": [round(edge, 4) for edge in bootstrap_interval(ratios)],
    }


def _in_a_process(what: str, name: str, threads: int, steps: int) -> dict[str, Any]:
    command = [sys.executable, "-m", __spec__.name, what, "--only", name, "--steps", str(steps)]
    done = subprocess.run(command, env=os.environ | {"OMP_NUM_THREADS": str(threads)}, stdout=subprocess.PIPE)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}; what it said stands above")
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("what", choices=("sft", "grpo"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--steps", type=int, default=8, help="timed steps of each arm in a round")
    parser.add_argument("--out", type=Path, help="a file for the JSON, beside standard output")
    parser.add_argument("--only", choices=ARMS, help="train this arm here, and nothing else")
    options = parser.parse_args()
    start = time.perf_counter()
    with redirect_stdout(sys.stderr):  # TRL's trainer prints every log
        if options.only:
            found = measure_here(options.what, options.only, options.steps)
        else:
            settings = {"threads": options.threads, "rounds": options.rounds, "steps": options.steps}
            found = compare_apart(options.what, **settings)
    text = json.dumps(found | {"took_s": round(time.perf_counter() - start)}, indent=2)
    print(text)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
