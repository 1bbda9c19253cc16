"""What an interrupted run left: whether there is something to go on from, and a run that came to its end already."""

import math
from pathlib import Path
from typing import Any

from peft import PeftModel, load_peft_weights, set_peft_model_state_dict
from transformers import TrainerState
from transformers.trainer_utils import get_last_checkpoint

STATE = "trainer_state.json"


def has_checkpoint(folder: str | Path) -> bool:
    """Whether a training left a checkpoint in its `output_dir`, so that `resume_from_checkpoint=True` can go on.

    A cell that may be run again says `resume_from_checkpoint=RESUME and has_checkpoint(folder)`: the first time, or
    where the run had not begun, it starts from the beginning.
    """
    return Path(folder).is_dir() and get_last_checkpoint(str(folder)) is not None


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
