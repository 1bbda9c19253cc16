"""Runs as a report shows them: folders of evaluations and trainings, named and measured, and what was asked."""

import csv
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.images import nearby_words
from ..core.kept_rows import SETTINGS
from ..evaluation.eval_report import EvalReport, load_report
from ..mini_world.scenes import remake_scene
from ..pseudo_reasoning.detector import trained_detector
from ..pseudo_reasoning.measures import analyze_traces
from ..pseudo_reasoning.parsed_trace import facts_of
from .plots import ARM_COLOURS
from .plots.garbled_runs import share_in_log

if TYPE_CHECKING:
    import pandas as pd
    from datasets import Dataset

COLOURS = (*ARM_COLOURS.values(), "#762a83", "#c51b7d", "#35978f", "#8c510a")
"""Of runs that are no arm of `ARM_COLOURS`, in turn."""


@dataclass(frozen=True)
class Run:
    """A folder read: its report where it is an evaluation, the log of the training in it or right above it."""

    name: str
    colour: str
    folder: Path
    report: EvalReport | None
    log: list[dict]
    log_path: Path | None

    @property
    def garbled(self) -> float:
        """Share of garbled responses, 0-1: of the evaluation, else what the training's log ends with."""
        return share_in_log(self.log) if self.report is None else self.report.garbled


def read_runs(runs: "Sequence[str | os.PathLike] | Mapping[str, str | os.PathLike]") -> list[Run]:
    """The runs in order, each with a name and a colour; the errors are those of `write_report`."""
    if isinstance(runs, str | os.PathLike):
        runs = [runs]
    named = runs if isinstance(runs, Mapping) else dict(zip(_names([Path(run) for run in runs]), runs, strict=True))
    if not named:
        raise ValueError("no runs; give at least one folder that evaluate(…, out=…) wrote")
    free = iter([colour for colour in COLOURS if colour not in {ARM_COLOURS.get(name) for name in named}] * len(named))
    found = []
    for name, folder in named.items():
        folder = Path(folder)
        report = load_report(folder) if (folder / SETTINGS).exists() else None
        log_path = next((f / "log.csv" for f in (folder, folder.resolve().parent) if (f / "log.csv").exists()), None)
        if report is None and log_path != folder / "log.csv":
            raise FileNotFoundError(
                f"{folder}: no run; expected settings.json and responses.jsonl, as `vlaa evaluate --out` writes, or "
                f"the log.csv of a training. {nearby_words(folder)}"
            )
        log = _log_in(log_path) if log_path else []
        found.append(Run(name, ARM_COLOURS.get(name) or next(free), folder, report, log, log_path))
    return found


def _log_in(path: Path) -> list[dict]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            if rows.fieldnames and "step" not in rows.fieldnames:
                raise ValueError(f"{path} has no column step; it begins {','.join(rows.fieldnames)!r:.60}. {_LOG_FIX}")
            return list(rows)
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no CSV: {error}. {_LOG_FIX}") from None


_LOG_FIX = "Expected the log.csv of a training, with commas; mend it, or move it away to leave the curves out."
_LARGEST = 1e40
"""A finite number beyond it is none of a training, which computes in 32 bits, and no axis shows it."""


def check_log(run: Run, names: Sequence[str]) -> None:
    """Make sure that these columns of a training's log hold numbers that can be drawn; a column that is not there does.

    Raises:
        ValueError: one does not; says file, line and what it holds.
    """
    for number, row in enumerate(run.log, start=2):
        for name in names:
            if not _can_be_drawn(row.get(name) or "0", needs_place=name == "step"):
                seen = f"{run.log_path} line {number}: {name} is {row[name]!r:.60}"
                raise ValueError(f"{seen}, not a number that can be drawn. {_LOG_FIX}")


def _can_be_drawn(text: str, *, needs_place: bool) -> bool:
    """Whether it is a number: NaN and infinity too, which leave a gap in a curve, unless it says the place on it."""
    try:
        value = float(text)
    except ValueError:
        return False
    return abs(value) <= _LARGEST if math.isfinite(value) else not needs_place


def _names(folders: list[Path]) -> list[str]:
    """The shortest ends of the paths that tell them apart; what they all end in is left out."""
    parts = [list(folder.resolve().parts) for folder in folders]
    while len(parts) > 1 and all(len(p) > 2 for p in parts) and len({p[-1] for p in parts}) == 1:
        parts = [p[:-1] for p in parts]
    for length in range(1, max(map(len, parts), default=0) + 1):
        names = ["/".join(p[-length:]) for p in parts]
        if len(set(names)) == len(names):
            return names
    if folders:
        raise ValueError(f"{folders[0]} is given twice; give each run once")
    return []


class Known:
    """What is known of the records that were asked: facts and images, by the rows of a report."""

    def __init__(self, records: "Dataset | None"):
        self._records = records
        self._places = {} if records is None else {name: place for place, name in enumerate(records["id"])}

    def facts(self, rows: Sequence[Mapping]) -> list[dict] | None:
        """A record with `source` and `meta` for each row; None unless all have facts."""
        if self._records is not None:
            if lost := [row["id"] for row in rows if row["id"] not in self._places]:
                raise ValueError(f"no record has the id {lost[0]!r} of a response; give the records that were asked")
            slim = self._records.select_columns(["id", "source", "meta"])
            record_of = {record["id"]: record for record in slim}
        else:
            record_of = {row["id"]: _scene(row) for row in rows}
        found = [record_of[row["id"]] for row in rows]
        return found if all(record and facts_of(record) for record in found) else None

    def record(self, row: Mapping) -> dict | None:
        """The whole record of a row, with its image; None when it is not known."""
        return _scene(row) if self._records is None else self._records[self._places[row["id"]]]


def _scene(row: Mapping) -> dict | None:
    record = remake_scene(row["id"])
    return record if record and (record["question"], record["gt"]) == (row["question"], row["gt"]) else None


def measure_run(report: EvalReport, known: Known) -> "pd.DataFrame":
    """Every measure of every response, with `pseudo`, `correct`, `garbled` and `place` (of its row)."""
    records = known.facts(report.rows)
    measures = analyze_traces(list(report.rows), records)
    inputs = "text" if records is None else "text and facts"
    scores = trained_detector(inputs).score(measures)
    noted = {name: [row[name] for row in report.rows] for name in ("correct", "garbled")}
    return measures.assign(pseudo=scores, place=range(len(measures)), **noted)
