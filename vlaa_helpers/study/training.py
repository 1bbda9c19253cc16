"""From an arm to its policy: trained when its adapter is not there, and trained by one process at a time."""

import json
import shutil
from pathlib import Path
from typing import Any

from .arms import DRAFT, Arm, Lab, arm_digest

NOTES = "run.json"


def arm_folder(arm: Arm, lab: Lab) -> Path:
    """Where an arm's adapter, log and responses are."""
    return lab.runs / "arms" / arm_digest(arm, lab)


def policy_of(arm: Arm, lab: Lab) -> tuple[Any, Any]:
    """The trained policy of an arm, for answering: `(model, processor)`; it is trained first if it is not there."""
    from ..policy.loading import load_policy

    adapter = trained_adapter(arm, lab)
    return load_policy(lab.profiles[arm.profile], adapter=adapter, trainable=False)


def is_trained(arm: Arm, lab: Lab) -> bool:
    """Whether an arm's adapter is there; a base has none to wait for."""
    return arm.stage is None or (arm_folder(arm, lab) / "adapter").exists()


def trained_adapter(arm: Arm, lab: Lab) -> Path | None:
    """Folder of an arm's adapter, trained now, with the arms before it, where it is missing; None for a base.

    Another process that trains the same arm is waited for. A lock goes with the process that holds it.
    """
    from filelock import FileLock

    if arm.stage is None:
        return None
    folder = arm_folder(arm, lab)
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "train.lock"):
        if not is_trained(arm, lab):
            _train(arm, lab, folder)
    return folder / "adapter"


def notes_of(arm: Arm, lab: Lab) -> dict[str, float]:
    """What is known of an arm's training: its cost, as `Stage.train` gives it, and of SFT what its traces hold."""
    path = arm_folder(arm, lab) / NOTES
    return json.loads(path.read_text()) if path.exists() else {}


def _train(arm: Arm, lab: Lab, folder: Path) -> None:
    assert arm.stage is not None
    start = trained_adapter(arm.start, lab) if arm.start else None
    shutil.rmtree(folder / DRAFT, ignore_errors=True)
    (folder / NOTES).write_text(json.dumps(arm.stage.train(arm, lab, folder, start)))
    (folder / DRAFT).rename(folder / "adapter")
