"""From an arm to its policy: trained when its adapter is not there, and trained by one process at a time."""

import json
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...training.held_out import EvaluateEvery
from .arms import Arm, Grpo, Lab, Sft, arm_digest, rate_of
from .traces import describe, make_traces

if TYPE_CHECKING:
    from datasets import Dataset

NOTES = "run.json"
WATCH_EVERY = 16


def arm_folder(arm: Arm, lab: Lab) -> Path:
    """Where an arm's adapter, log and responses are."""
    return lab.runs / "arms" / arm_digest(arm, lab)


def policy_of(arm: Arm, lab: Lab) -> tuple[Any, Any]:
    """The trained policy of an arm, for answering: `(model, processor)`; it is trained first if it is not there."""
    from ...policy.loading import load_policy

    adapter = trained_adapter(arm, lab)
    return load_policy(lab.profiles[arm.profile], adapter=adapter, trainable=False)


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
        if not (folder / "adapter").exists():
            _train(arm, lab, folder)
    return folder / "adapter"


def notes_of(arm: Arm, lab: Lab) -> dict[str, float]:
    """What is known of an arm's training: processor `seconds`, and of SFT what its traces hold."""
    path = arm_folder(arm, lab) / NOTES
    return json.loads(path.read_text()) if path.exists() else {}


def _train(arm: Arm, lab: Lab, folder: Path) -> None:
    from ...policy.adapters import save_policy
    from ...policy.loading import load_policy

    profile = lab.profiles[arm.profile]
    start = trained_adapter(arm.start, lab) if arm.start else None
    model, processor = load_policy(profile, adapter=start, seed=arm.seed)
    train = _sft if isinstance(arm.stage, Sft) else _grpo
    (folder / NOTES).write_text(json.dumps(train(model, processor, arm, lab, folder)))
    draft = folder / "adapter.tmp"
    shutil.rmtree(draft, ignore_errors=True)
    save_policy(model, processor, draft)
    draft.rename(folder / "adapter")


def _sft(model: Any, processor: Any, arm: Arm, lab: Lab, folder: Path) -> dict[str, float]:
    from ...training.sft import train_sft

    profile, stage = lab.profiles[arm.profile], arm.stage
    assert isinstance(stage, Sft)
    records = make_traces(stage.traces, profile, arm.seed, lab)
    options = {"num_train_epochs": stage.passes, "learning_rate": rate_of(stage, profile), "save_strategy": "no"}
    options |= {"seed": arm.seed, "output_dir": str(folder)}
    begin = time.process_time()
    train_sft(model, processor, records, profile, **options)
    return {"seconds": time.process_time() - begin, **describe(records)}


def _grpo(model: Any, processor: Any, arm: Arm, lab: Lab, folder: Path) -> dict[str, float]:
    from ...mini_world.scenes import make_scenes
    from ...rewards.mixed import MixedReward
    from ...training.grpo import train_grpo

    stage = arm.stage
    assert isinstance(stage, Grpo)
    watch = TimedEvaluation(make_scenes(lab.watched, split="validation"), processor, WATCH_EVERY, batch_size=128)
    options = {"max_steps": stage.steps, "seed": arm.seed, "output_dir": str(folder)}
    options["callbacks"] = [watch] if arm.log else []
    options |= {"reward_funcs": MixedReward(), "recipe": "vlaa", "save_strategy": "no"}
    begin = time.process_time()
    train_grpo(model, processor, grpo_records(stage, arm.seed, lab), lab.profiles[arm.profile], **options)
    return {"seconds": time.process_time() - begin - watch.seconds}


def grpo_records(stage: Grpo, seed: int, lab: Lab) -> "Dataset":
    """As many records for any choice of verifiers: the sources that ask for them take turns."""
    from ...mini_world.kinds import KINDS
    from ...mini_world.scenes import make_scenes
    from ...reference import ASKED_ABOUT

    sources = [source for source in ASKED_ABOUT if KINDS[source].verifier_type in stage.verifiers]
    return make_scenes(lab.grpo_records, sources=sources, seed=200 + seed)


class TimedEvaluation(EvaluateEvery):
    """Knows how many of the processor's seconds it took (`seconds`): they are no part of the training."""

    seconds = 0.0

    def _evaluate(self, args: Any, state: Any, model: Any) -> None:
        begin = time.process_time()
        super()._evaluate(args, state, model)
        self.seconds += time.process_time() - begin
