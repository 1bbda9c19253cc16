"""The notebook series as a set: run every notebook, write the committed outputs, keep the badges right.

    python -m vlaa_helpers.dev.notebooks.run run [--smoke] [--out runs] [NAMES...]
    python -m vlaa_helpers.dev.notebooks.run refresh NAMES...
    python -m vlaa_helpers.dev.notebooks.run badges [--check]

A notebook runs in the Python that called this module, and in an empty folder of its own (`<out>/scratch/<name>`):
what it writes never lands in the repository, and one that relied on where it was started would fail here as it would
on Colab. Jupyter is imported when a notebook is run, torch never.
"""

import argparse
import base64
import csv
import json
import os
import re
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .files import (
    ROOT,
    clean_outputs,
    has_code,
    list_notebooks,
    machine_paths,
    notebook_text,
    read_notebook,
    set_parameters,
    smoke_parameters,
    stamp,
    update_badges,
    write_notebook,
)

if TYPE_CHECKING:
    from nbformat import NotebookNode


LONGEST = 300
"""Seconds that a chapter may take on two CPU cores, as its reader runs it; the table of a run names longer ones."""


@dataclass(frozen=True)
class NotebookRun:
    """What happened when one notebook was executed."""

    name: str  # file name without .ipynb
    status: str  # "ok" or "failed"
    seconds: float
    cells: int  # code cells executed, the failing one included
    peak_memory_mb: float  # highest resident memory of the kernel process, MiB
    figures: tuple[Path, ...]
    error: str | None  # "cell 7: NameError: ..." (position in the file, from 0), None when ok


# ---- executing ----


def _peak_memory_mb(pid: int) -> float:
    """Highest resident memory so far of a process in MiB; where the system keeps no peak, the present one."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status).group(1)) / 1024
    except (OSError, AttributeError):
        import psutil  # comes with accelerate

        try:
            return psutil.Process(pid).memory_info().rss / 2**20
        except psutil.Error:
            return 0.0


def _kernel_manager():
    """A manager whose `python3` is this interpreter, whatever kernels a user has registered under that name."""
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager

    return AsyncKernelManager(kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))


def _save_figures(nb: "NotebookNode", stem: str, folder: Path) -> tuple[Path, ...]:
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(f"{stem}-*.png"):
        old.unlink()
    images = [
        output.data["image/png"]
        for cell in nb.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if "image/png" in output.get("data", {})
    ]
    paths = tuple(folder / f"{stem}-{k}.png" for k in range(1, len(images) + 1))
    for path, image in zip(paths, images, strict=True):
        path.write_bytes(base64.b64decode(image))
    return paths


class _Watch:
    """Which cell of a notebook is at work, and the most memory that its kernel has held (`peak`, MiB)."""

    def __init__(self, nb: "NotebookNode", name: str):
        places = (place for place, cell in enumerate(nb.cells) if has_code(cell))
        self.number_of = {place: number for number, place in enumerate(places, start=1)}
        self.name, self.current, self.peak = name, -1, 0.0
        self.client: Any = None
        self._begun, self._live = time.perf_counter(), sys.stdout.isatty()

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._begun

    def cell_begins(self, cell: Any, cell_index: int) -> None:
        self.current = cell_index
        if self._live:
            place = f"cell {self.number_of[cell_index]}/{len(self.number_of)}"
            print(f"\r{self.name}  {place}  {self.seconds:.0f} s", end="\033[K", flush=True)

    def cell_ended(self, cell: Any, cell_index: int, execute_reply: Any) -> None:
        pid = getattr(self.client.km.provisioner, "pid", None) if self.client.km.has_kernel else None
        if pid:
            self.peak = max(self.peak, _peak_memory_mb(pid))

    def clear_line(self) -> None:
        if self._live:
            print("\r\033[K", end="")


def run_notebook(
    path: str | Path,
    out_dir: str | Path,
    *,
    parameters: Mapping[str, Any] | None = None,
    folder: str | Path | None = None,
    timeout: float = 1800,
) -> NotebookRun:
    """Execute one notebook and keep everything it showed, also when it fails half-way.

    Args:
        path: the notebook; it is not changed.
        out_dir: gets `notebooks/<name>.ipynb` (the executed copy), `figures/<name>-<k>.png` (every PNG output, in
            order) and `scratch/<name>/` (the folder it ran in, emptied first).
        parameters: overrides for its parameters cell, see `set_parameters`.
        folder: to run in instead, as it is: with what other notebooks, or an earlier run of this one, left there.
        timeout: seconds allowed for one cell.

    Returns:
        A `NotebookRun`; a notebook that fails is reported in it, not raised.

    Raises:
        ValueError: an override that does not apply.
    """
    path, out_dir = Path(path), Path(out_dir).resolve()
    nb = read_notebook(path)
    set_parameters(nb, parameters or {})
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    scratch = Path(folder) if folder else out_dir / "scratch" / path.stem
    if not folder:
        shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True, exist_ok=True)
    watch = _Watch(nb, path.stem)
    try:
        error = _execute(nb, scratch, timeout, watch)
    finally:  # Ctrl-C too leaves the outputs so far
        stamp(nb)
        write_notebook(nb, out_dir / "notebooks" / path.name)
    watch.clear_line()
    return NotebookRun(
        name=path.stem,
        status="failed" if error else "ok",
        seconds=watch.seconds,
        cells=watch.number_of.get(watch.current, 0),
        peak_memory_mb=watch.peak,
        figures=_save_figures(nb, path.stem, out_dir / "figures"),
        error=error,
    )


def _execute(nb: "NotebookNode", folder: Path, timeout: float, watch: _Watch) -> str | None:
    """Execute the cells in `folder`; what ended it early, in words, or None."""
    from jupyter_client.utils import run_sync
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    manager = _kernel_manager()
    watch.client = NotebookClient(
        nb,
        km=manager,
        timeout=timeout,
        extra_arguments=["--IPKernelApp.log_level=ERROR"],  # its notice about loopback sockets is no news to a reader
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
        coalesce_streams=True,
        on_cell_execute=watch.cell_begins,
        on_cell_executed=watch.cell_ended,
    )
    # The kernel finds the vlaa_helpers that runs it, installed or not.
    search_path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    environment = {**os.environ, "PYTHONPATH": search_path, "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    try:
        watch.client.execute(env=environment)
    except CellExecutionError as failure:
        return f"cell {watch.current}: {failure.ename}: {failure.evalue}"
    except CellTimeoutError:
        return f"cell {watch.current}: no end after {timeout:g} s; shorten it, or pass a longer timeout"
    except DeadKernelError:
        return f"cell {watch.current}: the kernel died; most often the machine ran out of memory"
    finally:  # the client leaves a kernel whose manager it was given
        if manager.has_kernel:
            run_sync(manager.shutdown_kernel)(now=True)
    return None


def refresh_notebook(path: str | Path, out_dir: str | Path, *, timeout: float = 1800) -> NotebookRun:
    """Execute a notebook with the parameters it has and write it back in place, clean and stamped.

    The file is only replaced when every cell ran and no output names a folder of this machine; such a path is
    reported, not rewritten, because the code that shows it is what needs mending.
    """
    path, out_dir = Path(path), Path(out_dir)
    run = run_notebook(path, out_dir, timeout=timeout)
    if run.error:
        return run
    nb = read_notebook(out_dir / "notebooks" / path.name)
    clean_outputs(nb)
    if paths := machine_paths(notebook_text(nb)):
        error = f"shows paths of this machine: {', '.join(paths[:3])}; print a relative path or only the name"
        return replace(run, status="failed", error=error)
    write_notebook(nb, path)
    return run


# ---- command line ----


def _summary(runs: Sequence[NotebookRun]) -> str:
    """A markdown table that also reads well as plain text."""
    rows = [("notebook", "status", "seconds", "cells", "peak MiB", "figures", "error")]
    for r in runs:
        error = (r.error or "").replace("|", "\\|").splitlines()[:1]
        numbers = (f"{r.seconds:.1f}", str(r.cells), f"{r.peak_memory_mb:.0f}", str(len(r.figures)))
        rows.append((r.name, r.status, *numbers, *(error or [""])))
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    rows.insert(1, tuple("-" * width for width in widths))
    lines = [
        "| " + " | ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    if long := ", ".join(f"{r.name} {r.seconds:.0f} s" for r in runs if r.seconds > LONGEST):
        lines += ["", f"Longer than the {LONGEST} s that a chapter may take: {long}"]
    return "\n".join(lines)


def write_summary(runs: Sequence[NotebookRun], out_dir: str | Path) -> None:
    """Write `summary.md` (for people) and `summary.csv` (for scripts) into `out_dir`."""
    out_dir = Path(out_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    (out_dir / "summary.md").write_text(_summary(runs) + "\n", encoding="utf-8")
    with open(out_dir / "summary.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(NotebookRun.__dataclass_fields__))
        writer.writeheader()
        for r in runs:
            writer.writerow({**vars(r), "figures": json.dumps([path.name for path in r.figures])})


def _pick(names: Sequence[str], folder: Path) -> list[Path]:
    """The notebooks called for by number ("03"), name, file name or path; all of them when none is named."""
    notebooks = list_notebooks(folder)
    picked = []
    for name in names:
        wanted = Path(name).name.removesuffix(".ipynb")
        found = [path for path in notebooks if wanted in (path.stem, path.name[:2])]
        if not found:
            known = ", ".join(path.stem for path in notebooks) or "none"
            raise SystemExit(f"no notebook {name} in {folder}; there are: {known}")
        picked += found
    if not notebooks:
        raise SystemExit(f"no numbered notebooks (NN_verb_noun.ipynb) in {folder}")
    return list(dict.fromkeys(picked)) if names else notebooks


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m vlaa_helpers.dev.notebooks.run", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--root", type=Path, default=ROOT, help=argparse.SUPPRESS)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="execute notebooks; their files are not changed")
    run.add_argument("names", nargs="*", metavar="NAMES", help="number or name; all when none is given")
    run.add_argument("--smoke", action="store_true", help="with the overrides each notebook names for a fast test")
    refresh = commands.add_parser("refresh", help="execute notebooks and write their outputs back in place")
    refresh.add_argument("names", nargs="+", metavar="NAMES", help="number or name")
    for command in (run, refresh):
        command.add_argument("--out", type=Path, default=Path("runs"), help="folder for results (default: runs)")
        command.add_argument("--timeout", type=float, default=1800, help="seconds for one cell (default: 1800)")
    badges = commands.add_parser("badges", help="write the badges and the setup cells from pyproject.toml")
    badges.add_argument("--check", action="store_true", help="change nothing; exit 1 and name the files that differ")
    args = parser.parse_args(argv)

    if args.command == "badges":
        different = update_badges(args.root, check=args.check)
        for path in different:
            print(f"{path.relative_to(args.root)}: {'badges differ' if args.check else 'badges rewritten'}")
        if different and args.check:
            print("mend with: python -m vlaa_helpers.dev.notebooks.run badges")
        return int(bool(different) and args.check)

    runs = []
    paths = _pick(args.names, args.root / "notebooks")
    for k, path in enumerate(paths, start=1):
        if not sys.stdout.isatty():
            print(f"[{k}/{len(paths)}] {path.stem} ...", flush=True)
        try:
            if args.command == "refresh":
                result = refresh_notebook(path, args.out, timeout=args.timeout)
            else:
                parameters = smoke_parameters(read_notebook(path)) if args.smoke else None
                result = run_notebook(path, args.out, parameters=parameters, timeout=args.timeout)
        except ValueError as error:  # an override that does not apply
            result = NotebookRun(path.stem, "failed", 0.0, 0, 0.0, (), str(error))
        runs.append(result)
        tail = f"  {result.error}" if result.error else ""
        print(f"[{k}/{len(paths)}] {path.stem}  {result.status}  {result.seconds:.0f} s{tail}", flush=True)
        write_summary(runs, args.out)  # after each one: an interrupted run keeps what it has
    print(f"\n{_summary(runs)}\n")
    print(f"Executed notebooks: {args.out}/notebooks   figures: {args.out}/figures   table: {args.out}/summary.md")
    return int(any(r.status != "ok" for r in runs))


if __name__ == "__main__":
    sys.exit(main())
