"""Measures what docs/measured.md states about speed and memory; JSON out.

python -m vlaa_helpers.dev.benchmarks.throughput pipeline
python -m vlaa_helpers.dev.benchmarks.throughput rewards
python -m vlaa_helpers.dev.benchmarks.throughput traces
python -m vlaa_helpers.dev.benchmarks.throughput records
"""

import argparse
import json
import multiprocessing
import os
import platform
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...core.assets import REFERENCE
from ...core.record_schema import meta_of

REFERENCE_YIELDS = REFERENCE / "yields_20000.csv"
"""Yields by source and step of a 20,000-record mini build with the default teacher, written by this benchmark."""


def measure_pipeline(n: int) -> dict[str, Any]:
    """Build `n` mini-world records with the scripted teacher.

    Returns:
        `records_per_s` of the build alone; `private_mib`, the highest memory of the process that it could not give
        back (mapped files are the system's to drop); `resident_mib`, the highest with what was mapped.
    """
    from ...mini_world.scenes import make_scenes
    from ...pipeline.build import build_dataset
    from ...pipeline.scripted_teacher import ScriptedTeacher

    with tempfile.TemporaryDirectory() as folder, _PrivateMemory() as memory:
        records = make_scenes(n, seed=2026)
        start = time.perf_counter()
        result = build_dataset(records, ScriptedTeacher(), folder)
        seconds = time.perf_counter() - start
        yields = result.yields.to_csv()
    return {
        "records": n,
        "records_per_s": round(n / seconds),
        "private_mib": round(memory.highest),
        "resident_mib": round(_status("VmHWM")),
        "yields": yields,
    }


class _PrivateMemory:
    """Looks at this process's private memory (RssAnon, MiB) ten times a second and keeps the highest."""

    def __enter__(self) -> "_PrivateMemory":
        self.highest, self._done = 0.0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._done.wait(0.1):
            self.highest = max(self.highest, _status("RssAnon"))

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()


def _status(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))


def _fresh(measure: Callable[..., dict], *arguments: Any) -> dict[str, Any]:
    """Run a measurement in a new process, so that one does not raise the memory of the next."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measure, arguments)


def pipeline(options: argparse.Namespace) -> dict[str, Any]:
    """Records a second, and memory at a tenth and at all of `--records`."""
    small, large = (_fresh(measure_pipeline, n) for n in (options.records // 10, options.records))
    if small["records"] == 20_000:
        REFERENCE_YIELDS.parent.mkdir(exist_ok=True)
        REFERENCE_YIELDS.write_text(small["yields"])
    for part in (small, large):
        del part["yields"]
    return {"small": small, "large": large, "memory_ratio": round(large["private_mib"] / small["private_mib"], 2)}


def rewards(options: argparse.Namespace) -> dict[str, Any]:
    """Answers scored a second by each rule; plain polynomials and what Math-Verify decides apart."""
    from random import Random

    from ...rewards.box import box_reward
    from ...rewards.choice import choice_reward
    from ...rewards.digit import digit_reward
    from ...rewards.mathematics import math_reward

    rng, n = Random(0), options.answers
    question = "How large is angle x? Choose one option: 30 (A), 155 (B), 15 (C), 55 (D)."

    def line(slope: str = "{}x") -> str:
        return f"y = {slope.format(rng.randint(-9, 9) or 1)} + {rng.randint(-30, 30)}"

    lines = [(f"y = {k}x^2 + {k % 31} - {k % 5}", f"y = {k % 31} + {k}x^2") for k in range(n)]
    fractions = [line(r"\frac{{{}}}{{7}}x") for _ in range(n // 50)]
    groups = [[line(r"\frac{{{}}}{{7}}x") for _ in range(5)] for _ in range(n // 80)]
    cases = {
        "digit": (digit_reward, [(str(rng.randint(0, 9)), "3") for _ in range(n)]),
        "choice": (choice_reward, [(rng.choice(("A", "B", "30", "155", "It is C")), "B") for _ in range(n)]),
        "box": (box_reward, [(f"[0.{k % 5}, 0.1, 0.{5 + k % 5}, 0.7]", "[0.1, 0.1, 0.5, 0.5]") for k in range(n)]),
        "polynomials_all_new": (math_reward, lines),
        "math_verify_in_groups": (math_reward, [(rng.choice(group), group[0]) for group in groups for _ in range(8)]),
        "math_verify_all_new": (math_reward, [(line(), fraction) for fraction in fractions]),
    }
    math_reward("<answer>5.0</answer>", "5")  # its process takes a second to start
    found = {}
    for name, (verify, rows) in cases.items():
        texts = [
            (f"<think>Let me look: {k}.</think>\n<answer>{said}</answer>", gt) for k, (said, gt) in enumerate(rows)
        ]
        start = time.perf_counter()
        for text, gt in texts:
            verify(text, gt, question=question if name == "choice" else "")
        found[name] = round(len(texts) / (time.perf_counter() - start))
    return {"answers_per_s": found}


def traces(options: argparse.Namespace) -> dict[str, Any]:
    """Traces of 60 to 100 words measured in a second of one core, from their text alone and against the facts."""
    from random import Random

    from ...mini_world.response_styles import respond
    from ...mini_world.scenes import scene_records
    from ...pseudo_reasoning.measures import analyze_traces

    responses, records = [], []
    for record in scene_records(1200, seed=2026, difficulty=2):
        meta = meta_of(record)
        response = respond(record["source"], meta["facts"], meta["task"], Random(record["id"]), style="ramble")
        if 60 <= len(response.split()) <= 100:
            responses.append(response)
            records.append(record)
    times = -(-options.traces // len(responses))
    responses, records = (responses * times)[: options.traces], (records * times)[: options.traces]
    found = {}
    for name, facts in (("text", None), ("text_and_facts", records)):
        start = time.process_time()
        analyze_traces(responses, facts)
        found[name] = round(len(responses) / (time.process_time() - start))
    words = sum(len(response.split()) for response in responses) / len(responses)
    return {"words_a_trace": round(words, 1), "traces_per_s": found, "detector_fit_s": detector_fit()}


def records(options: argparse.Namespace) -> dict[str, Any]:
    """Mini-world records made in a second of one core, images included, and prompts of such records measured."""
    from ...mini_world.scenes import make_scenes
    from ...policy.loading import load_processor
    from ...policy.profiles import get_profile
    from ...training.prompt_lengths import drop_long_prompts

    start = time.process_time()
    made = make_scenes(options.records, seed=2026)
    found = {"made": round(options.records / (time.process_time() - start))}
    processor = load_processor(get_profile("mini"))
    start = time.process_time()
    drop_long_prompts(made, processor, 500)
    return {"records_per_s": found | {"prompts_measured": round(options.records / (time.process_time() - start))}}


def detector_fit() -> float:
    """Seconds of one core that the shipped detector takes to be fitted."""
    from ...pseudo_reasoning.detector import trained_detector

    trained_detector.cache_clear()
    start = time.process_time()
    trained_detector("text and facts")
    return round(time.process_time() - start, 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True, metavar="what")
    build = commands.add_parser("pipeline", help=pipeline.__doc__)
    build.add_argument("--records", type=int, default=200_000, help="default: %(default)s")
    build.set_defaults(run=pipeline)
    score = commands.add_parser("rewards", help=rewards.__doc__)
    score.add_argument("--answers", type=int, default=20_000, help="default: %(default)s")
    score.set_defaults(run=rewards)
    measure = commands.add_parser("traces", help=traces.__doc__)
    measure.add_argument("--traces", type=int, default=20_000, help="default: %(default)s")
    measure.set_defaults(run=traces)
    world = commands.add_parser("records", help=records.__doc__)
    world.add_argument("--records", type=int, default=3_000, help="default: %(default)s")
    world.set_defaults(run=records)
    options = parser.parse_args()
    machine = {
        "cpu": platform.machine(),
        "cores": os.cpu_count(),
        "python": sys.version.split()[0],
    }
    print(json.dumps({**machine, **options.run(options)}, indent=2))


if __name__ == "__main__":
    main()
