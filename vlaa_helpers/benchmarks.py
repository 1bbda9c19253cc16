"""Measures what README states about speed and memory, each in a fresh process; JSON out.

python -m vlaa_helpers.benchmarks pipeline
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

from .profiles import ASSETS

REFERENCE_YIELDS = ASSETS / "reference" / "yields_20000.csv"
"""Yields by source and step of a 20,000-record mini build with the default teacher, written by this benchmark."""


def measure_pipeline(n: int) -> dict[str, Any]:
    """Build `n` mini-world records with the scripted teacher.

    Returns:
        `records_per_s` of the build alone; `private_mib`, the highest memory of the process that it could not give
        back (mapped files are the system's to drop); `resident_mib`, the highest with what was mapped.
    """
    from .pipeline import build_dataset
    from .scenes import make_scenes
    from .teachers import ScriptedTeacher

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True, metavar="what")
    build = commands.add_parser("pipeline", help=pipeline.__doc__)
    build.add_argument("--records", type=int, default=200_000, help="default: %(default)s")
    build.set_defaults(run=pipeline)
    options = parser.parse_args()
    machine = {
        "cpu": platform.machine(),
        "cores": os.cpu_count(),
        "python": sys.version.split()[0],
    }
    print(json.dumps({**machine, **options.run(options)}, indent=2))


if __name__ == "__main__":
    main()
