"""Running a study: what is not in its table yet, arm by arm; two processes side by side share the work."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...reference import ASKED_ABOUT
from .arms import Arm, Lab, Sft, rate_of, steps_of
from .catalogue import STUDIES
from .measures import measured_digest
from .tables import put_rows, read_table, table_path, write_whole
from .training import arm_folder, notes_of, trained_adapter

if TYPE_CHECKING:
    import pandas as pd

KEY = ("profile", "arm", "seed")
ARMS = "arms"
"""The table of all arms of all studies: how each was trained, on what, and how long that took."""
PATIENCE = 5.0
"""Seconds between two looks at what another process has in hand."""
SECONDS_A_STEP = {"Sft": 0.85, "Grpo": 1.0}
SECONDS_A_RESPONSE = 0.0115
"""What is reckoned with until an arm has been measured: the strong mini VLM on one thread of a common CPU."""


def run_study(name: str, arms: Sequence[Arm], lab: Lab) -> "pd.DataFrame":
    """Train and measure the arms that are not in the table yet; give the table.

    Call it in two processes and each takes what the other has not begun. An arm whose process died is begun again.
    """
    todo = [arm for arm in arms if not is_done(name, arm, lab)]
    while todo:
        taken = [arm for arm in todo if _take(name, arm, lab)]
        todo = [arm for arm in todo if not is_done(name, arm, lab)]
        if todo and not taken:
            time.sleep(PATIENCE)
    return read_table(name, lab)


def is_done(name: str, arm: Arm, lab: Lab) -> bool:
    """Whether the table of a study has an arm's rows, made as they would be made now."""
    table = read_table(name, lab)
    if not len(table):
        return False
    there = (table["profile"] == arm.profile) & (table["arm"] == arm.name) & (table["seed"] == arm.seed)
    return measured_digest(arm, STUDIES[name].measures, lab) in set(table.loc[there, "digest"])


def _take(name: str, arm: Arm, lab: Lab) -> bool:
    """Do an arm unless another process does, or has done it; True where it was done here."""
    from filelock import FileLock, Timeout

    folder = arm_folder(arm, lab)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / f"{name}.lock", timeout=0):
            if is_done(name, arm, lab):
                return False
            print(f"{name}: {arm.profile}, {arm.name}, seed {arm.seed} …", flush=True)
            _do(name, arm, lab)
            return True
    except Timeout:
        return False


def _do(name: str, arm: Arm, lab: Lab) -> None:
    import pandas as pd

    study = STUDIES[name]
    trained_adapter(arm, lab)
    begin = time.process_time()
    rows = study.rows(arm, study.measures, lab)
    asking = round(time.process_time() - begin, 1)
    known = dict(zip(KEY, (arm.profile, arm.name, arm.seed), strict=True)) | _settings(arm, lab)
    known["seconds"] = round(notes_of(arm, lab).get("seconds", 0.0), 1)
    told = {f"traces_{key}": round(value, 4) for key, value in notes_of(arm, lab).items() if key != "seconds"}
    put_rows(ARMS, [{"study": name} | known | told | {"asking_seconds": asking}], ("study", *KEY), lab)
    if arm.log:
        write_whole(pd.read_csv(arm_folder(arm, lab) / "log.csv").round(6), table_path(arm.log, lab))
    digest = measured_digest(arm, study.measures, lab)
    put_rows(name, [known | row | {"digest": digest} for row in rows], KEY, lab)


def _settings(arm: Arm, lab: Lab) -> dict:
    """How an arm was trained: what differs from its neighbours, and what is held equal."""
    profile, stage = lab.profiles[arm.profile], arm.stage
    row = {"start": arm.start.name if arm.start else "", "stage": type(stage).__name__ if stage else ""}
    row |= {"steps": steps_of(arm, profile)}
    if isinstance(stage, Sft):
        row |= {"traces": stage.traces.kind, "number": stage.traces.number, "passes": stage.passes}
        row |= {"same_questions": stage.traces.shared, "rate": rate_of(stage, profile)}
    elif stage:
        row |= {"verifiers": " ".join(stage.verifiers), "number": lab.grpo_records, "rate": profile.grpo_learning_rate}
    return row


def plan(name: str, arms: Sequence[Arm], lab: Lab) -> "pd.DataFrame":
    """What a study would run: a row an arm, whether it is done, and the processor minutes that are still to come.

    Minutes follow from what arms took that are in the table of arms, or else from what was measured when this was
    written. An adapter that is there costs none; one that an arm starts from and that is missing counts where it is
    needed first.
    """
    import pandas as pd

    known, counted, rows = read_table(ARMS, lab), set(), []
    for arm in arms:
        done = is_done(name, arm, lab)
        seconds = 0.0 if done else _asking(name, known) + _training(arm, known, counted, lab)
        row = {"profile": arm.profile, "arm": arm.name, "seed": arm.seed, "start": arm.start.name if arm.start else ""}
        rows.append(row | {"steps": steps_of(arm, lab.profiles[arm.profile]), "done": done, "minutes": seconds / 60})
    return pd.DataFrame(rows)


def _asking(name: str, known: "pd.DataFrame") -> float:
    if not len(known) or not (known["study"] == name).any():
        responses = sum(len(ASKED_ABOUT) * each.per_source * each.samples for each in STUDIES[name].measures)
        return SECONDS_A_RESPONSE * responses
    return float(known.loc[known["study"] == name, "asking_seconds"].mean())


def _training(arm: Arm | None, known: "pd.DataFrame", counted: set, lab: Lab) -> float:
    """Seconds of training that an arm still needs, with the arms before it."""
    if arm is None or arm.stage is None or arm in counted or (arm_folder(arm, lab) / "adapter").exists():
        return 0.0
    counted.add(arm)
    what = type(arm.stage).__name__
    a_step = SECONDS_A_STEP[what]
    if len(known):
        timed_arms = known[(known["stage"] == what) & (known["profile"] == arm.profile)].dropna(subset=["seconds"])
        if len(timed_arms):
            a_step = timed_arms["seconds"].sum() / timed_arms["steps"].sum()
    return a_step * steps_of(arm, lab.profiles[arm.profile]) + _training(arm.start, known, counted, lab)
