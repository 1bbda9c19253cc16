"""What a policy wrote while it was trained, kept so that any of these steps can be looked at again."""

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accelerate.utils import gather_object
from transformers import TrainerCallback

from ..core.answers import completion_text
from ..core.jsonl import whole_rows
from .runner import ROLLOUTS

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("id", "source", "question", "verifier_type", "gt")
"""What is kept of the record that a completion answers."""


class RolloutLog(TrainerCallback):
    """Keeps the completions of the first and of every `every`-th GRPO step in `rollouts.jsonl`, one a line.

    A resumed run goes on after the steps that its checkpoint knows; a fresh one starts the file anew. Among several
    processes the first one writes what all of them drew. `load_rollouts` reads the file.

    TRL tells callbacks nothing of completions. `attach` therefore listens where the trainer scores them, and takes the
    advantages from the trainer's own log as soon as they are there.

    Args:
        folder: for the file; by default the run's `output_dir`.
        every: steps.
    """

    def __init__(self, folder: str | Path | None = None, every: int = 10):
        if every < 1:
            raise ValueError(f"every={every}: expected 1 (each step) or more")
        self.folder, self.every = folder, every
        self._trainer: Any = None
        self._step, self._rows, self._groups = -1, [], 0  # what was drawn last, and how many steps were done by then
        self._waiting: list[dict] = []  # for their advantages

    def attach(self, trainer: Any) -> None:
        """Listen to a `GRPOTrainer`; `train_grpo` does this with its callbacks."""
        score = trainer._calculate_rewards

        def listening(inputs, prompts, completions, completion_ids_list):
            rewards = score(inputs, prompts, completions, completion_ids_list)
            if trainer.model.training:  # TRL's own sign that this is no evaluation
                self._note(inputs, completions, completion_ids_list, rewards)
            return rewards

        trainer._calculate_rewards = listening
        self._trainer = trainer

    def _note(self, inputs: Sequence[dict], completions: Sequence, ids: Sequence[list[int]], rewards: Any) -> None:
        """Note what this process drew; `rewards`, of shape (completions, functions), are those of all processes."""
        trainer = self._trainer
        if self._step != trainer.state.global_step:
            self._step, self._rows, self._groups = trainer.state.global_step, [], 0
        rewards = rewards.cpu()
        totals = (rewards * trainer.reward_weights.cpu()).nansum(dim=1)
        totals[rewards.isnan().all(dim=1)] = float("nan")
        extras = {name: values for name, values in trainer._pending_extra_logs.items() if len(values) == len(inputs)}
        ends = {*trainer.eos_token_ids, trainer._tokenizer.pad_token_id}
        first = trainer.accelerator.process_index * len(inputs)
        for k, (record, completion, tokens) in enumerate(zip(inputs, completions, ids, strict=True)):
            extra = {name: values[k] for name, values in extras.items()}
            row = {
                "group": self._groups + (first + k) // trainer.num_generations,
                **{name: record.get(name) for name in COLUMNS},
                "completion": completion_text(completion),
                "reward": _number(totals[first + k]),
                "reason": extra.pop("reason", ""),
                "advantage": None,
                "tokens": len(tokens),
                "truncated": tokens[-1] not in ends,
            }
            if len(trainer.reward_func_names) > 1:
                each = zip(trainer.reward_func_names, rewards[first + k], strict=True)
                row |= {f"reward/{name}": _number(value) for name, value in each}
            self._waiting.append({**extra, **row})
        self._groups += len(rewards) // trainer.num_generations

    def _take_advantages(self) -> None:
        """Those that TRL gave to what was drawn last: its log holds one drawing, of all processes in order."""
        if self._waiting:
            advantages = list(self._trainer._logs["advantages"])
            first = self._trainer.accelerator.process_index * len(self._waiting)
            for row, advantage in zip(self._waiting, advantages[first:], strict=False):
                row["advantage"] = advantage
            self._rows, self._waiting = self._rows + self._waiting, []

    def on_train_begin(self, args, state, control, **kwargs):
        if self._trainer is None:
            raise RuntimeError("this RolloutLog listens to no trainer; call attach(trainer) before trainer.train()")
        self._path = Path(self.folder or args.output_dir) / ROLLOUTS
        self._step, self._rows, self._groups, self._waiting = -1, [], 0, []
        if state.is_world_process_zero and self._path.exists():
            self._write((row for row in whole_rows(self._path) if row["step"] <= state.global_step), "w")

    def on_substep_end(self, args, state, control, **kwargs):
        self._take_advantages()

    def on_step_end(self, args, state, control, **kwargs):
        self._take_advantages()
        if state.global_step == 1 or state.global_step % self.every == 0:
            rows = sorted(gather_object(self._rows), key=lambda row: row["group"])
            if state.is_world_process_zero:
                self._write(({"step": state.global_step, **row} for row in rows), "a")

    def _write(self, rows: Iterable[dict], mode: str) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open(mode, encoding="utf-8") as file:
            file.write("".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows))


def _number(value: Any) -> float | None:
    """A reward as JSON has it: None where no function gave one."""
    return None if math.isnan(value) else float(value)


def load_rollouts(path: str | Path) -> "pd.DataFrame":
    """The completions that a `RolloutLog` kept, a row each.

    Args:
        path: a run's folder, or the file itself.

    Returns:
        Columns `step`, `group` (which prompt of the step, from 0), `id`, `source`, `question`, `verifier_type`, `gt`,
        `completion`, `reward` (NaN: it could not be scored), `reason`, `advantage` (as TRL used it), `tokens` (the end
        token counts, as in TRL's `completions/mean_length`), `truncated`; `reward/…` for each of several reward
        functions, and what else they noted with `log_extra`.

    Raises:
        FileNotFoundError: no rollouts there.
    """
    import pandas as pd

    path = Path(path) / ROLLOUTS if Path(path).is_dir() else Path(path)
    if not path.exists():
        raise FileNotFoundError(f"no rollouts in {path}; train with callbacks=[RolloutLog(every=10)] to keep some")
    rows = pd.DataFrame(whole_rows(path))
    return rows.astype({"reward": float, "advantage": float}) if len(rows) else rows
