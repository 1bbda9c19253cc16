"""What an interrupted run left: which checkpoint there is to go on from, and a run that came to its end already."""

import json
import logging
import math
import re
import zipfile
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any

from peft import PeftModel, load_peft_weights, set_peft_model_state_dict
from transformers import TrainerState

from ..core.help_page import help_at

logger = logging.getLogger(__name__)

CUT_SHORT = '"is passed over", "cannot be gone on from"'
STATE = "trainer_state.json"
"""The Trainer writes it last, so a checkpoint without it was cut short (`Trainer._save_checkpoint`, transformers 5)."""
WEIGHTS = ("adapter_model*", "*/adapter_model*", "model*.safetensors", "pytorch_model*")
OPTIMIZER = ("optimizer.pt", "optimizer*/.metadata", "optimizer.bin", "latest")
"""One file, what torch writes last of a sharded one, and what DeepSpeed writes last of its own."""


def has_checkpoint(folder: str | Path) -> bool:
    """Whether a training left a whole checkpoint in its `output_dir`, so that `resume_from_checkpoint=True` can go on.

    A cell that may be run again says `resume_from_checkpoint=RESUME and has_checkpoint(folder)`: the first time, or
    where the run had not begun, it starts from the beginning. Where every checkpoint was cut short a warning says why.
    """
    found, passed_over = _newest_whole(Path(folder))
    if found is None:
        for path, trouble in passed_over:
            logger.warning(f"{path} cannot be gone on from: {trouble}. More: {help_at(CUT_SHORT)}")
    return found is not None


def goes_on_from(trainer: Any) -> Path | None:
    """The checkpoint that a trainer is to go on from, by its arguments; None where it begins, or finds none.

    With `resume_from_checkpoint=True` that is the newest whole one in its `output_dir`: a run that is killed while it
    writes one, or meets a full disk, leaves a part of it.

    Raises:
        ValueError: the checkpoint that was named is not whole.
    """
    resume = trainer.args.resume_from_checkpoint
    if resume in (True, "True", "true"):
        return _newest_whole(Path(trainer.args.output_dir))[0]
    if resume and Path(resume).is_dir() and (trouble := trouble_of(Path(resume))):
        raise ValueError(
            f"{resume} cannot be gone on from: {trouble}. Name another checkpoint; with resume_from_checkpoint=True "
            f"the newest whole one is taken. More: {help_at(CUT_SHORT)}"
        )
    return Path(resume) if resume else None


def set_cut_short_aside(found: Path) -> None:
    """Rename the checkpoints that are newer than the one that a run goes on from, and say what is wrong with each.

    Left under their names, new files would be written among the old ones.
    """
    for path, trouble in _newest_whole(found.parent)[1]:
        places = (path.with_name(f"cut-short-{path.name}{'' if k == 1 else f'-{k}'}") for k in count(1))
        target = path.rename(next(place for place in places if not place.exists()))
        further = f"Going on from {found.name}; {target.name} may be deleted. More: {help_at(CUT_SHORT)}"
        logger.warning(f"{path} is passed over: {trouble}. {further}")


def trouble_of(checkpoint: Path) -> str:
    """What keeps a checkpoint from being gone on from, in words; "" where every file is there and can be read.

    The gradient scaler of float16 is not asked for: a run may go on with a GPU of another kind.
    """
    try:
        files = sorted(path for path in checkpoint.rglob("*") if path.is_file())
        stamps = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    except OSError as error:  # a file that went while it was looked at
        return str(error)
    return _trouble(checkpoint, tuple(stamps))


def _newest_whole(folder: Path) -> tuple[Path | None, list[tuple[Path, str]]]:
    """The newest checkpoint without trouble, and newer ones with theirs."""
    found = [path for path in folder.glob("checkpoint-*") if path.is_dir() and _step(path) >= 0]
    passed_over: list[tuple[Path, str]] = []
    for path in sorted(found, key=_step, reverse=True):
        if not (trouble := trouble_of(path)):
            return path, passed_over
        passed_over.append((path, trouble))
    return None, passed_over


def _step(checkpoint: Path) -> int:
    number = checkpoint.name.removeprefix("checkpoint-")
    return int(number) if re.fullmatch(r"[0-9]+", number) else -1


@lru_cache(maxsize=32)
def _trouble(checkpoint: Path, stamps: tuple) -> str:
    """`trouble_of`, worked out once for the same files: those of a model of 3 billion parameters have 1.4 GB."""
    sharded = any((checkpoint / name).is_dir() for name in ("pytorch_model_fsdp_0", "optimizer_0"))
    deepspeed = (checkpoint / "latest").exists()
    wanted = {STATE: (STATE,), "weights": WEIGHTS, "optimizer.pt": OPTIMIZER, "rng_state.pth": ("rng_state*.pth",)}
    wanted |= {} if deepspeed else {"scheduler.pt": ("scheduler.pt",)}
    for name, patterns in wanted.items():
        if not any(path for pattern in patterns for path in checkpoint.glob(pattern)):
            last = ", which is written last: it was cut short" if name == STATE else ""
            return f"it has no {name}{last}"
    for path, size, _ in stamps:
        if trouble := _unreadable(Path(path), size, sharded or deepspeed):
            return f"{Path(path).relative_to(checkpoint)} {trouble}"
    return ""


def _unreadable(path: Path, size: int, sharded: bool) -> str:
    """Why a file cannot be read, in words; "" where it can."""
    from safetensors import SafetensorError, safe_open

    try:
        if path.suffix == ".safetensors":
            with safe_open(path, "pt"):  # compares its table with its size
                return ""
        if path.suffix == ".json":
            found = json.loads(path.read_text(encoding="utf-8"))
            whole = path.name != STATE or isinstance(found.get("global_step"), int)
            return "" if whole else "has no global_step"
        if path.suffix in (".pt", ".pth", ".bin"):
            with zipfile.ZipFile(path) as archive:  # what torch.save writes
                damaged = archive.testzip()
            return f"is damaged ({damaged} has another checksum)" if damaged else ""
        return "is empty" if sharded and path.suffix == ".distcp" and not size else ""
    except (OSError, ValueError, AttributeError, SafetensorError, zipfile.BadZipFile, RuntimeError) as error:
        return f"cannot be read ({size:,} bytes; {str(error).splitlines()[0]})"


def came_to_its_end(trainer: Any, checkpoint: str | Path) -> bool:
    """Whether a checkpoint is of the last step that a trainer of adapters, not sharded, would make."""
    path = Path(checkpoint) / STATE
    sharded = trainer.is_deepspeed_enabled or trainer.is_fsdp_enabled
    if sharded or not path.exists() or not isinstance(trainer.model, PeftModel):
        return False
    state, args = TrainerState.load_from_json(str(path)), trainer.args
    if args.max_steps > 0:
        return state.global_step >= args.max_steps
    return state.global_step >= state.max_steps and state.num_train_epochs >= math.ceil(args.num_train_epochs)


def take_end(trainer: Any, checkpoint: str | Path) -> None:
    """Give a trainer the policy and the log with which its run ended.

    `Trainer.train` would train one step more where the end lies within an epoch (transformers 5). Callbacks begin
    and end as in a run, so that `EvaluateEvery` has its reports.
    """
    set_peft_model_state_dict(trainer.model, load_peft_weights(str(checkpoint), device="cpu"))
    trainer.state = TrainerState.load_from_json(str(Path(checkpoint) / STATE))
    for moment in ("on_train_begin", "on_train_end"):
        getattr(trainer.callback_handler, moment)(trainer.args, trainer.state, trainer.control)
