"""Running a study: what is not done yet, arm by arm; processes side by side share the work."""

import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..core.assets import MINI_VLMS
from ..reference import ASKED_ABOUT
from .apart import check_apart
from .arms import Arm, Lab
from .ledger import Ledger, Study
from .training import arm_folder, is_trained, trained_adapter

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)

PATIENCE = 5.0
"""Seconds between two looks at what another process has in hand."""
SECONDS_A_STEP = {"Sft": 0.85, "Grpo": 1.0, "Phases": 1.0}
SECONDS_A_RESPONSE = 0.0115
"""What is reckoned with until an arm has been measured: the strong mini VLM on one thread of a common CPU."""


def run_arms(study: Study, lab: Lab, ledger: Ledger, arms: Sequence[Arm] | None = None) -> None:
    """Train and measure the arms of a study that are not done yet; all, or these.

    Call it in two processes and each takes what the other has not begun. An arm whose process died is begun again.
    """
    arms = study.arms if arms is None else arms
    todo = [arm for arm in arms if not ledger.has(study, arm, lab)]
    while todo:
        taken = [arm for arm in todo if _take(study, arm, lab, ledger, arms)]
        todo = [arm for arm in todo if not ledger.has(study, arm, lab)]
        if todo and not taken:
            time.sleep(PATIENCE)


def _take(study: Study, arm: Arm, lab: Lab, ledger: Ledger, arms: Sequence[Arm]) -> bool:
    """Do an arm unless another process does, or has done it; True where it was done here."""
    from filelock import FileLock, Timeout

    folder = arm_folder(arm, lab)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / f"{study.name}.lock", timeout=0):
            if ledger.has(study, arm, lab):
                return False
            logger.info(f"{study.name}: {progress(study, arms, lab, ledger)}. Now {words(arm)} …")
            _do(study, arm, lab, ledger)
            return True
    except Timeout:
        return False


def _do(study: Study, arm: Arm, lab: Lab, ledger: Ledger) -> None:
    for (
        each
    ) in arm.needed():  # a trained one too: the measures of this study may be others than those it was trained for
        check_apart(each, study.measures, lab)
    trained_adapter(arm, lab)
    begin = time.process_time()
    rows = study.rows(arm, study.measures, lab)
    ledger.keep(study, arm, rows, round(time.process_time() - begin, 1), lab)


def words(arm: Arm) -> str:
    """An arm in a few words."""
    return f"{arm.name} ({arm.profile}, seed {arm.seed})"


def progress(study: Study, arms: Sequence[Arm], lab: Lab, ledger: Ledger) -> str:
    """How many of some arms are done, and about how long the others take one after the other."""
    table = plan(study, lab, ledger, arms)
    minutes = table["minutes"].sum(skipna=False)
    left = "time left is known after the first" if minutes != minutes else f"about {minutes:.0f} min left"
    return f"{table['done'].sum()} of {len(table)} arms done, {left if not table['done'].all() else 'nothing left'}"


def plan(study: Study, lab: Lab, ledger: Ledger, arms: Sequence[Arm] | None = None) -> "pd.DataFrame":
    """What a study would run: a row an arm, whether it is done, and the processor minutes that are still to come.

    Minutes follow from what arms took that are done, or else, for the mini lab, from what was measured when this was
    written; they are NaN where neither is known. An adapter that is there costs none; one that an arm starts from and
    that is missing counts where it is needed first.
    """
    import pandas as pd

    known: list[dict[str, Any]] = ledger.times(study, lab)
    counted: set[Arm] = set()
    rows = []
    for arm in study.arms if arms is None else arms:
        done = ledger.has(study, arm, lab)
        seconds = 0.0 if done else _asking(study, arm, lab, known) + _training(arm, known, counted, lab)
        row = {"profile": arm.profile, "arm": arm.name, "seed": arm.seed, "start": arm.start.name if arm.start else ""}
        steps = arm.stage.step_count(lab.profiles[arm.profile]) if arm.stage else 0
        rows.append(row | {"steps": steps, "done": done, "minutes": seconds / 60})
    return pd.DataFrame(rows)


def _asking(study: Study, arm: Arm, lab: Lab, known: list[dict[str, Any]]) -> float:
    asked = [row["asking_seconds"] for row in known if row["same_measures"] and row["asking_seconds"] >= 0]  # else NaN
    if asked:
        return sum(asked) / len(asked)
    if not _is_mini(arm, lab) or any(each.data for each in study.measures):
        return float("nan")
    return SECONDS_A_RESPONSE * sum(len(ASKED_ABOUT) * each.per_source * each.samples for each in study.measures)


def _training(arm: Arm | None, known: list[dict[str, Any]], counted: set[Arm], lab: Lab) -> float:
    """Seconds of training that an arm still needs, with the arms before it."""
    if arm is None or arm.stage is None or arm in counted or is_trained(arm, lab):
        return 0.0
    counted.add(arm)
    what = type(arm.stage).__name__
    timed = [row for row in known if row["stage"] == what and row["profile"] == arm.profile and row["seconds"] >= 0]
    a_step = SECONDS_A_STEP.get(what, float("nan")) if _is_mini(arm, lab) else float("nan")
    if steps := sum(row["steps"] for row in timed):
        a_step = sum(row["seconds"] for row in timed) / steps
    before = [_training(each, known, counted, lab) for each in (arm.start, *arm.stage.others())]
    return a_step * arm.stage.step_count(lab.profiles[arm.profile]) + sum(before)


def _is_mini(arm: Arm, lab: Lab) -> bool:
    return lab.profiles[arm.profile].name in MINI_VLMS
