"""What is done of a study: a file an arm, and the table that is put together from them."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from .arms import Arm, Lab, arm_digest, has_base
from .measures import FINAL, Measure, comparison_rows, measured_digest
from .training import notes_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

COSTS = {"samples_seen": "samples", "tokens_generated": "tokens", "processor_seconds": "seconds"}
"""Columns that say what a policy cost since the base: name in the notes of a stage."""


@dataclass(frozen=True)
class Study:
    """Arms that are compared.

    Attributes:
        name: of its table.
        arms: each once, in the order in which they are run.
        measures: how each arm is asked.
        rows: what makes an arm's rows.
        question: what it asks, for the reader of the plan.
    """

    name: str
    arms: tuple[Arm, ...]
    measures: tuple[Measure, ...] = FINAL
    rows: "Callable[[Arm, Sequence[Measure], Lab], list[dict[str, Any]]]" = comparison_rows
    question: str = ""


class Ledger(Protocol):
    """Keeps what is done of a study."""

    def has(self, study: Study, arm: Arm, lab: Lab) -> bool:
        """Whether an arm's rows are there, made as they would be made now."""
        ...

    def keep(self, study: Study, arm: Arm, rows: list[dict[str, Any]], seconds: float, lab: Lab) -> None:
        """Keep an arm's rows, whole or not at all; `seconds` of the processor went into asking."""
        ...

    def table(self, study: Study, lab: Lab) -> "pd.DataFrame":
        """The table so far."""
        ...

    def times(self, study: Study, lab: Lab) -> list[dict[str, Any]]:
        """What arms took that are done: `profile`, `stage` (its class), `steps`, `seconds`, `asking_seconds`, and
        whether they were asked as those of this study are (`same_measures`)."""
        ...


class RowFiles:
    """A file an arm, `rows/HASH.json` in the run folder; the study's table, CSV and parquet, is put together from them.

    Each process writes files of its own arms alone, so any number of them may work on a study.
    """

    def has(self, study: Study, arm: Arm, lab: Lab) -> bool:
        return has_base(arm, lab) and self._path(study, arm, lab).exists()

    def keep(self, study: Study, arm: Arm, rows: list[dict[str, Any]], seconds: float, lab: Lab) -> None:
        ways = [notes_of(each, lab) for each in arm.way()]
        costs = {column: sum(notes.get(name, float("nan")) for notes in ways) for column, name in COSTS.items()}
        path = self._path(study, arm, lab)
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = {"rows": rows, "costs": costs, "own_seconds": _own_seconds(arm, lab), "asking_seconds": seconds}
        draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")  # another study may have the same arm in hand
        draft.write_text(json.dumps(whole, default=float))
        draft.replace(path)

    def table(self, study: Study, lab: Lab) -> "pd.DataFrame":
        import pandas as pd
        from filelock import FileLock

        lab.tables.mkdir(parents=True, exist_ok=True)
        target = lab.tables / study.name
        with FileLock(f"{target}.lock"):  # rows are read inside: who writes last has seen most
            table = pd.DataFrame([row for arm in study.arms for row in self._rows(study, arm, lab)]).convert_dtypes()
            for ending, write in ((".csv", table.to_csv), (".parquet", table.to_parquet)):
                draft = target.with_name(f".{target.name}{ending}.tmp")
                write(draft, index=False)
                draft.replace(target.with_name(f"{target.name}{ending}"))
        return table

    def times(self, study: Study, lab: Lab) -> list[dict[str, Any]]:
        times = []
        for arm in study.arms:
            if self.has(study, arm, lab):
                kept = self._read(study, arm, lab)
                row = {"profile": arm.profile, "stage": type(arm.stage).__name__ if arm.stage else ""}
                row |= {"steps": arm.stage.step_count(lab.profiles[arm.profile]) if arm.stage else 0}
                row |= {"seconds": kept["own_seconds"], "asking_seconds": kept["asking_seconds"]}
                times.append(row | {"same_measures": True})
        return times

    def _rows(self, study: Study, arm: Arm, lab: Lab) -> list[dict[str, Any]]:
        if not self.has(study, arm, lab):
            return []
        kept = self._read(study, arm, lab)
        known = settings_of(arm, lab) | {"policy": arm_digest(arm, lab), **kept["costs"]}
        known["processor_seconds"] = round(known["processor_seconds"], 1)
        return [known | {"images_shown": "true"} | row for row in kept["rows"]]

    def _read(self, study: Study, arm: Arm, lab: Lab) -> dict[str, Any]:
        return json.loads(self._path(study, arm, lab).read_text())

    def _path(self, study: Study, arm: Arm, lab: Lab) -> Path:
        return lab.runs / "rows" / f"{measured_digest(arm, study.measures, lab)}.json"


def _own_seconds(arm: Arm, lab: Lab) -> float:
    return notes_of(arm, lab).get("seconds", 0.0)


def settings_of(arm: Arm, lab: Lab) -> dict[str, Any]:
    """How an arm was trained: what differs from its neighbours, and what is held equal."""
    profile, stage = lab.profiles[arm.profile], arm.stage
    row = {"profile": arm.profile, "arm": arm.name, "seed": arm.seed, "start": arm.start.name if arm.start else ""}
    row |= {"stage": type(stage).__name__ if stage else "", "steps": stage.step_count(profile) if stage else 0}
    return row | (stage.columns(profile, lab) if stage else {})
