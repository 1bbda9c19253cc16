"""Running the studies of the catalogue into the tables that the series shows, by the runner that all studies have."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ...study.arms import Arm, Lab
from ...study.ledger import Study, settings_of
from ...study.measures import measured_digest
from ...study.runner import plan as plan_of
from ...study.runner import run_arms
from ...study.training import arm_folder, notes_of
from .catalogue import STUDIES
from .tables import put_rows, read_table, table_path, write_whole

if TYPE_CHECKING:
    import pandas as pd

KEY = ("profile", "arm", "seed")
ARMS = "arms"
"""The table of all arms of all studies: how each was trained, on what, and how long that took."""
SETTINGS = (*KEY, "start", "stage", "steps", "traces", "number", "passes", "same_questions", "verifiers", "rate")
"""Settings that the shipped tables have."""
OF_TRACES = ("false_claim", "cue", "words")
"""What the table of arms says of traces."""


class ShippedTables:
    """Keeps rows in the package's tables, one a study: they hold what is done wherever the run folder went."""

    def has(self, study: Study, arm: Arm, lab: Lab) -> bool:
        table = read_table(study.name, lab)
        if not len(table):
            return False
        there = (table["profile"] == arm.profile) & (table["arm"] == arm.name) & (table["seed"] == arm.seed)
        return measured_digest(arm, study.measures, lab) in set(table.loc[there, "digest"])

    def keep(self, study: Study, arm: Arm, rows: list[dict[str, Any]], seconds: float, lab: Lab) -> None:
        import pandas as pd

        notes = notes_of(arm, lab)
        known = {name: value for name, value in settings_of(arm, lab).items() if name in SETTINGS}
        known["seconds"] = round(notes.get("seconds", 0.0), 1)
        told = {f"traces_{name}": round(notes[name], 4) for name in OF_TRACES if name in notes}
        put_rows(ARMS, [{"study": study.name} | known | told | {"asking_seconds": seconds}], ("study", *KEY), lab)
        if arm.log:
            write_whole(pd.read_csv(arm_folder(arm, lab) / "log.csv").round(6), table_path(arm.log, lab))
        digest = measured_digest(arm, study.measures, lab)
        put_rows(study.name, [known | row | {"digest": digest} for row in rows], KEY, lab)

    def table(self, study: Study, lab: Lab) -> "pd.DataFrame":
        return read_table(study.name, lab)

    def times(self, study: Study, lab: Lab) -> list[dict[str, Any]]:
        known = read_table(ARMS, lab).to_dict("records")
        return [row | {"same_measures": row["study"] == study.name} for row in known]


TABLES = ShippedTables()


def study_of(name: str, arms: Sequence[Arm]) -> Study:
    """A study of the catalogue, of these arms."""
    told = STUDIES[name]
    return Study(name, tuple(arms), told.measures, told.rows, told.question)


def run_study(name: str, arms: Sequence[Arm], lab: Lab) -> "pd.DataFrame":
    """Train and measure the arms that are not in the table yet (`run_arms`); give the table."""
    run_arms(study_of(name, arms), lab, TABLES)
    return read_table(name, lab)


def plan(name: str, arms: Sequence[Arm], lab: Lab) -> "pd.DataFrame":
    """What a study would run, and how long it takes (`study.runner.plan`)."""
    return plan_of(study_of(name, arms), lab, TABLES)
