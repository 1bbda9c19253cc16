"""What SFT and GRPO share: settings that follow from the profile, a log, checkpoints that nothing gets past."""

import csv
import logging
import os
import random
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from transformers import PrinterCallback, TrainerCallback

from ..core.not_finite import NotFiniteError
from ..core.run_note import NOTE
from ..core.whole_files import open_own
from ..policy.dense_weights import dense_weights
from ..policy.loading import spare_frozen_tower
from ..policy.memory_estimate import Method
from ..policy.profiles import Profile
from ..policy.vision_tower import image_cache, naming_images
from .resuming import came_to_its_end, checkpoint_needs, goes_on_from, set_cut_short_aside, take_end, trouble_of

logger = logging.getLogger(__name__)

LOG, ROLLOUTS, HELD_OUT, REFERENCE = "log.csv", "rollouts.jsonl", "held_out", "reference"
"""What a run leaves in its `output_dir` beside its checkpoints."""
ADAPTER, CARD = "adapter", "card.md"
"""Where notebooks and `vlaa sft` save what was trained, and `plan_push` its card: in the `output_dir` too."""
EVALUATIONS = "evaluations"
"""Where notebooks and `vlaa evaluate` keep what a run's policy was asked: below the run, so that no other reads it."""


def device_settings(profile: Profile, method: Method) -> dict[str, Any]:
    """Trainer arguments that follow from where and in what precision a profile runs.

    On a hosted GPU, which may be gone within the hour, a checkpoint is written every 5 steps of GRPO, about nine
    minutes on a T4 by estimate, and every 10 of SFT.
    """
    on_gpu = 5 if method == "grpo" else 10
    return {
        "use_cpu": profile.device == "cpu",
        "bf16": profile.dtype == "bfloat16",
        "fp16": profile.dtype == "float16",
        "activation_checkpointing": profile.gradient_checkpointing,
        "report_to": "none",
        "disable_tqdm": True,
        "logging_steps": 1,
        "save_steps": on_gpu if profile.device == "cuda" else 50,
        "save_total_limit": 2,  # one may be cut short; it has 1.4 GB with 3 billion parameters
        "ddp_find_unused_parameters": False,
        "dataloader_pin_memory": profile.device == "cuda",
    }


def over_defaults(defaults: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Trainer arguments: our defaults, and over them what was given.

    `gradient_checkpointing` is transformers' old name for `activation_checkpointing`, which it reads only where the new
    one is not set: given, it takes the place of our default.
    """
    if given.get("gradient_checkpointing") is not None:
        defaults = {name: value for name, value in defaults.items() if name != "activation_checkpointing"}
    return defaults | given


def on_one_gpu(args: Any) -> Any:
    """Let a trainer use one GPU where a single process sees several: TRL's trainers refuse `nn.DataParallel`."""
    if args.n_gpu > 1:
        logger.warning(f"one of {args.n_gpu} GPUs is used: a process takes one; docs/many_gpus.md says how to use all")
        args._n_gpu = 1
    return args


def processes_started() -> int:
    """How many processes `torchrun` or `accelerate` started to train together; 1 without them."""
    return int(os.environ.get("WORLD_SIZE", 1))


def split_batch(total: int, micro: int, processes: int | None = None) -> tuple[int, int]:
    """`(per device, accumulation)` of a batch of `total` sequences over all processes, at most `micro` at once in each.

    Raises:
        ValueError: `total` does not divide among the processes: those that were started, unless said otherwise.

    >>> split_batch(32, micro=12, processes=1)
    (8, 4)
    """
    processes = processes_started() if processes is None else processes
    if total % processes:
        raise ValueError(
            f"a batch of {total} does not divide among {processes} processes; "
            f"try batch_size={total + processes - total % processes}"
        )
    share = total // processes
    per_device = max(size for size in range(1, min(share, micro) + 1) if share % size == 0)
    return per_device, share // per_device


@contextmanager
def exact_adapters(model: Any) -> Iterator[None]:
    """Keep adapters in their type and to the last bit while a TRL trainer is built.

    TRL rounds the adapters of a 4-bit model to bfloat16. That would lose part of an adapter that goes on training,
    small updates with it, and GPUs before Ampere cannot compute in bfloat16 at all.
    """
    exact = {parameter: parameter.data for parameter in model.parameters() if parameter.requires_grad}
    yield
    for parameter, data in exact.items():
        parameter.data = data


@runtime_checkable
class NeedsTrainer(Protocol):
    """A callback that must know its trainer: Trainers tell callbacks what happens, but not whose callbacks they are."""

    def attach(self, trainer: Any) -> None:
        """Get to know the trainer; `run_trainer` calls this before training begins."""


def run_trainer(
    trainer: Any,
    callbacks: Sequence[TrainerCallback] = (),
    *,
    records: Any = None,
    image_cache_gib: float = 0,
    note: Callable[[], None] | None = None,
) -> Any:
    """Train with a CSV log, a progress bar and checkpoints, and give the trainer back.

    Checkpoints are the Trainer's own, `checkpoint-N` in `output_dir`. One more is written when the run is interrupted
    or fails, of the last whole step. With `resume_from_checkpoint=True` in its arguments the run goes on, exactly, from
    the newest whole one; a path names another. A newer one that was cut short is renamed, with a warning, to
    `cut-short-checkpoint-N`. Of a run that came to its end nothing is trained again. A run that starts afresh first
    moves what an earlier one left in the folder into `previous/`, so that neither is taken for the other; where that
    is there already, into `previous-2/` and so on. Nothing is deleted, and a warning says what was moved.

    Args:
        callbacks: a `NeedsTrainer` among them gets the trainer before training begins. What they add to
            `state.log_history` goes into the log.
        records: that it trains on, to name the one whose image the vision tower cannot read.
        image_cache_gib: host memory for the features of images (`policy.vision_tower.image_cache`).
        note: writes what the run is into its folder; called in the first process, when what an earlier run left there,
            its note too, has been moved.

    Raises:
        FileNotFoundError: to be resumed, and no whole checkpoint there.
        ValueError: to be resumed from a checkpoint that was cut short.
    """
    folder, resume = Path(trainer.args.output_dir), _checkpoint_or_afresh(trainer)
    if note and trainer.is_world_process_zero():
        note()
    trainer.remove_callback(PrinterCallback)
    log, moment = TrainingLog(folder / LOG), WholeStep()
    for callback in (moment, *callbacks, log):  # the log last: it writes what the others add
        if isinstance(callback, NeedsTrainer):
            callback.attach(trainer)
        trainer.add_callback(callback)
    if resume and came_to_its_end(trainer, resume):
        take_end(trainer, resume)
        return trainer
    try:
        with (
            dense_training(trainer),
            image_cache(trainer.model, image_cache_gib),
            nullcontext() if records is None else naming_images(trainer.processing_class, partial(_images_of, records)),
        ):
            trainer.train(resume_from_checkpoint=str(resume) if resume else None)
    except BaseException as error:  # Ctrl-C and a stopped kernel too
        log.close()
        _save_what_is_whole(trainer, moment)
        if "probability tensor contains either" in str(error):  # of a trainer that samples by `generate`
            raise NotFiniteError from error
        raise
    return trainer


def _checkpoint_or_afresh(trainer: Any) -> Path | None:
    """The checkpoint to go on from; None for a run that begins, which finds its folder empty."""
    folder, found = Path(trainer.args.output_dir), goes_on_from(trainer)
    if not trainer.args.resume_from_checkpoint:
        if trainer.is_world_process_zero():
            _set_aside(folder)
        return None
    if found is None:
        left = {path.name: trouble_of(path, checkpoint_needs(trainer)) for path in sorted(folder.glob("checkpoint-*"))}
        words = "".join(f"; {name}: {trouble}" for name, trouble in left.items() if trouble)
        raise FileNotFoundError(
            f"no {'whole ' if words else ''}checkpoint in {folder}{words}; leave resume_from_checkpoint out to start "
            "from the beginning"
        )
    if trainer.is_world_process_zero() and found.parent == folder:
        set_cut_short_aside(trainer, found)
    return found


def _images_of(records: Any) -> Iterator[tuple[str, Any]]:
    for row in records:
        yield row["id"], row["image"]


@contextmanager
def dense_training(trainer: Any) -> Iterator[None]:
    """Let the model of a trainer compute in fewer steps (`dense_weights`), where one process has one device."""
    # replicas of DataParallel would compute with the layers of the first
    with nullcontext() if trainer.args.n_gpu > 1 else dense_weights(trainer.model):
        yield


def _set_aside(folder: Path) -> None:
    """Move what an earlier run left, its adapter, note and card too: they would pass for those of the new. Says so."""
    trained = ("checkpoint-*", ADAPTER, "adapter_config.json", "adapter_model*", REFERENCE)
    names = (*trained, NOTE, CARD, LOG, ROLLOUTS, HELD_OUT, EVALUATIONS)
    left = [path for name in names for path in folder.glob(name)]
    if left:
        places = (folder / ("previous" if k == 1 else f"previous-{k}") for k in count(1))
        target = next(place for place in places if not place.exists())  # nothing that was trained is ever deleted
        target.mkdir()
        for path in left:
            path.rename(target / path.name)
        steps = sorted(int(path.name.partition("-")[2]) for path in left if re.fullmatch(r"checkpoint-\d+", path.name))
        if steps:
            logger.warning(
                f"an earlier run (checkpoint-{steps[-1]}) was moved to {target}; to go on from it, stop, move it back "
                "and set RESUME = True (resume_from_checkpoint=True, at the command line --resume)"
            )
        else:
            logger.warning(f"what an earlier run left ({', '.join(path.name for path in left)}) was moved to {target}")


class WholeStep(TrainerCallback):
    """Knows whether the policy stands between two optimiser steps, and the random state of that moment."""

    def __init__(self) -> None:
        self.state: dict | None = None

    def on_train_begin(self, args, state, control, model=None, **kwargs):
        spare_frozen_tower(model)  # the trainer has just set up checkpointing
        self.state = _random_state()

    def on_pre_optimizer_step(self, args, state, control, **kwargs):
        self.state = None

    def on_step_end(self, args, state, control, **kwargs):
        self.state = _random_state()


def _random_state() -> dict:
    import numpy as np
    import torch

    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {"python": random.getstate(), "numpy": np.random.get_state(), "torch": torch.get_rng_state(), "cuda": cuda}


def _restore_random_state(state: dict) -> None:
    import numpy as np
    import torch

    random.setstate(state["python"])
    np.random.set_state(state["numpy"])
    torch.set_rng_state(state["torch"])
    if state["cuda"]:
        torch.cuda.set_rng_state_all(state["cuda"])


def _save_what_is_whole(trainer: Any, moment: WholeStep) -> None:
    step = trainer.state.global_step
    if step == 0 or moment.state is None:  # nothing learned yet, or half an update: the last checkpoint stands
        return
    target = Path(trainer.args.output_dir) / f"checkpoint-{step}"
    if trouble_of(target):  # not there yet, or what stopped the run cut it short
        _restore_random_state(moment.state)
        try:
            trainer._save_checkpoint(trainer.model, trial=None)
        except (OSError, RuntimeError) as error:  # the disk is still full; what stopped the run is what counts
            logger.warning(f"stopped after step {step}, and {target} could not be written: {error}")
            return
    if trainer.is_world_process_zero():
        logger.warning(f"stopped after step {step}: {target} holds it; resume_from_checkpoint=True goes on from there")


class TrainingLog(TrainerCallback):
    """Writes `state.log_history` to a CSV file, one row a step that was logged, and shows a progress bar.

    A resumed run keeps the rows of the steps before it. Among several processes the first one writes.
    """

    def __init__(self, path: Path):
        self.path = path
        self.rows: list[dict] = []
        self.columns: list[str] = []
        self.bar: Any = None

    def on_train_begin(self, args, state, control, **kwargs):
        from tqdm.auto import tqdm

        self.bar = tqdm(
            total=state.max_steps, initial=state.global_step, unit="step", disable=not state.is_world_process_zero
        )
        self.columns, self.rows = [], []
        self._write(state)

    def on_step_begin(self, args, state, control, **kwargs):
        self._write(state)

    def on_step_end(self, args, state, control, **kwargs):
        self.bar.update(1)

    def on_log(self, args, state, control, logs=None, **kwargs):
        if logs and state.is_world_process_zero:
            self.bar.set_postfix({name: f"{logs[name]:.3f}" for name in ("loss", "reward") if name in logs})
        self._write(state)

    def on_train_end(self, args, state, control, **kwargs):
        self._write(state)
        self.close()

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()

    def _write(self, state: Any) -> None:
        """Append the rows that are new, or write the file anew when a row or a column changed what is there."""
        if not state.is_world_process_zero:
            return
        history = [row for row in state.log_history if "train_runtime" not in row]
        whole = len(self.rows)
        if whole and history[whole - 1] != self.rows[-1]:  # the last row has grown
            whole -= 1
        new = [dict(row) for row in history[whole:]]
        if not new:
            return
        names = [name for name in ("step", *(name for row in new for name in row)) if name not in self.columns]
        anew = bool(names) or whole < len(self.rows)
        self.columns += dict.fromkeys(names)
        self.rows[whole:] = new
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open_own(self.path, "w" if anew else "a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, self.columns)
            if anew:
                writer.writeheader()
            writer.writerows(self.rows if anew else new)
