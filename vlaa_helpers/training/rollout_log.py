"""What a policy wrote while it was trained, kept so that any of these steps can be looked at again."""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from inspect import iscoroutinefunction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from accelerate.utils import gather_object
from transformers import TrainerCallback

from ..core.answers import completion_text
from ..core.jsonl import whole_rows
from ..core.whole_files import open_own
from ..mini_world.garbled import is_garbled
from ..mini_world.scenes import source_of_scene
from .runner import ROLLOUTS

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("id", "source", "question", "verifier_type", "gt")
"""What is kept of the record that a completion answers."""
HINT = "hint"
"""A column that trainers with hints add: the share of an expert's trace that the completion goes on from, 0-1."""


class RolloutLog(TrainerCallback):
    """Keeps the completions of the first and of every `every`-th GRPO step in `rollouts.jsonl`, one a line.

    A resumed run goes on after the steps that its checkpoint knows; a fresh one starts the file anew. Among several
    processes the first one writes what all of them sampled. `load_rollouts` reads the file. The share of completions
    that are no text (`is_garbled`) joins the trainer's metrics of each step, kept or not, as `garbled`.

    TRL tells callbacks nothing of completions, so `attach` listens where the trainer tells all it knows of them: to its
    reward functions. Only the advantages come from the trainer's own log. TRL's `log_completions` would write that log
    as Parquet, but at steps that are logged, of the last generation batch alone, and without the record.

    Args:
        folder: for the file; by default the run's `output_dir`.
        every: steps.
    """

    def __init__(self, folder: str | Path | None = None, every: int = 10):
        if every < 1:
            raise ValueError(f"every={every}: expected 1 (each step) or more")
        self.folder, self.every = folder, every
        self._trainer: Any = None
        # the rollouts of the last step, what was its number, and how many groups they are
        self._step, self._rows, self._groups = -1, [], 0
        # a generation batch that waits for its advantages: its rows, and by then its rewards (function to values) and
        # what its reward functions noted (column to values)
        self._waiting: list[dict] = []
        self._rewards: dict[int, list[float | None]] = {}
        self._extras: dict[str, list] = {}

    def attach(self, trainer: Any) -> None:
        """Listen to the reward functions of a `GRPOTrainer`; `train_grpo` does this with its callbacks.

        Raises:
            ValueError: a reward that is a model. TRL shows it texts and not records, so there is nothing to hear.
        """
        for name, reward in zip(trainer.reward_func_names, trainer.reward_funcs, strict=True):
            if isinstance(reward, torch.nn.Module):
                raise ValueError(
                    f"RolloutLog hears of rollouts through reward functions, and the reward {name} is a model; put it "
                    "into a function, such as MixedReward(scorer=RewardModelScorer(…))"
                )
        trainer.reward_funcs = [self._heard(trainer, k, reward) for k, reward in enumerate(trainer.reward_funcs)]
        self._trainer = trainer

    def _heard(self, trainer: Any, place: int, reward: Callable) -> Callable:
        """A reward function that does what `reward` does, while this log hears what it is given and what it returns."""

        def before(given: dict) -> dict:
            if not trainer.model.training:  # TRL's own sign of an evaluation
                return given
            if not self._waiting:
                self._note(trainer, given)

            def log_extra(column: str, values: list) -> None:
                self._extras.setdefault(column, []).extend(values)
                given["log_extra"](column, values)

            return given | {"log_extra": log_extra}

        def after(values: list) -> list:
            if trainer.model.training:
                self._rewards[place] = list(values)
            return values

        async def listening_async(**given: Any) -> list:
            return after(await reward(**before(given)))

        def listening(**given: Any) -> list:
            return after(reward(**before(given)))

        is_async = iscoroutinefunction(reward) or iscoroutinefunction(getattr(reward, "__call__", None))  # noqa: B004
        return listening_async if is_async else listening

    def _note(self, trainer: Any, given: Mapping[str, Any]) -> None:
        """Note the rollouts of this process, of which its reward functions are told."""
        if self._step != trainer.state.global_step:
            self._step, self._rows, self._groups = trainer.state.global_step, [], 0
        completions, ids = given["completions"], given["completion_ids"]
        tokenizer = getattr(trainer.processing_class, "tokenizer", trainer.processing_class)
        ends = {*trainer.eos_token_ids, tokenizer.pad_token_id}
        first = trainer.accelerator.process_index * len(ids)
        for k, (completion, tokens) in enumerate(zip(completions, ids, strict=True)):
            text, truncated = completion_text(completion), tokens[-1] not in ends
            source = source_of_scene(str(given["id"][k])) if "id" in given else None
            row = {
                "group": self._groups + (first + k) // trainer.num_generations,
                **{name: given[name][k] if name in given else None for name in COLUMNS},
                **({HINT: given[HINT][k]} if HINT in given else {}),
                "completion": text,
                "reward": None,
                "reason": "",
                "advantage": None,
                "tokens": len(tokens),
                "truncated": truncated,
                "garbled": is_garbled(text, source, truncated=truncated),
            }
            self._waiting.append(row)
        given["log_metric"]("garbled", sum(row["garbled"] for row in self._waiting) / len(self._waiting))
        self._groups += trainer.accelerator.num_processes * len(ids) // trainer.num_generations

    def _take_scores(self) -> None:
        """Give the rollouts that wait their rewards and advantages, and what else the reward functions noted of them.

        TRL's log holds the advantages of one generation batch, of all processes in order.
        """
        if not self._waiting:
            return
        trainer, count = self._trainer, len(self._waiting)
        names = trainer.reward_func_names
        rewards = torch.tensor(
            [_floats(self._rewards[k]) for k in range(len(names))], dtype=torch.float32
        ).T  # (completions, functions)
        totals = (rewards * trainer.reward_weights.cpu()).nansum(dim=1)  # (completions,)
        totals[rewards.isnan().all(dim=1)] = math.nan
        extras = {name: values for name, values in self._extras.items() if len(values) == count}
        first = trainer.accelerator.process_index * count
        advantages = list(trainer._logs["advantages"])[first : first + count]
        for k, (row, advantage) in enumerate(zip(self._waiting, advantages, strict=True)):
            extra = {name: values[k] for name, values in extras.items()}
            row |= {"reward": _number(totals[k]), "reason": extra.pop("reason", ""), "advantage": advantage}
            if len(names) > 1:
                row |= {f"reward/{name}": _number(value) for name, value in zip(names, rewards[k], strict=True)}
            self._rows.append({**extra, **row})
        self._waiting, self._rewards, self._extras = [], {}, {}

    def on_train_begin(self, args, state, control, **kwargs):
        if self._trainer is None:
            raise RuntimeError("this RolloutLog listens to no trainer; call attach(trainer) before trainer.train()")
        self._path = Path(self.folder or args.output_dir) / ROLLOUTS
        self._step, self._rows, self._groups = -1, [], 0
        self._waiting, self._rewards, self._extras = [], {}, {}
        if state.is_world_process_zero and self._path.exists():
            self._write((row for row in whole_rows(self._path) if row["step"] <= state.global_step), "w")

    def on_substep_end(self, args, state, control, **kwargs):
        self._take_scores()

    def on_step_end(self, args, state, control, **kwargs):
        self._take_scores()
        if state.global_step == 1 or state.global_step % self.every == 0:
            rows = sorted(gather_object(self._rows), key=lambda row: row["group"])
            if state.is_world_process_zero:
                self._write(({"step": state.global_step, **row} for row in rows), "a")

    def _write(self, rows: Iterable[dict], mode: str) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with open_own(self._path, mode, encoding="utf-8") as file:
            file.write("".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows))


def _floats(values: Sequence[float | None]) -> list[float]:
    return [math.nan if value is None else float(value) for value in values]


def _number(value: Any) -> float | None:
    """A reward as JSON has it: None where no function gave one."""
    return None if math.isnan(value) else float(value)


def load_rollouts(path: str | Path) -> "pd.DataFrame":
    """The completions that a `RolloutLog` kept, a row each.

    Args:
        path: a run's folder, or the file itself.

    Returns:
        Columns `step`, `group` (which prompt of the step, from 0), `id`, `source`, `question`, `verifier_type`, `gt`,
        `hint` (of runs with hints: the share of an expert's trace that the completion goes on from), `completion`,
        `reward` (NaN: it could not be scored), `reason`, `advantage` (as TRL used it), `tokens` (the end token counts,
        as in TRL's `completions/mean_length`), `truncated`, `garbled`; `reward/…` for each of several reward functions,
        and what else they noted with `log_extra`.

    Raises:
        FileNotFoundError: no rollouts there.
    """
    import pandas as pd

    path = Path(path) / ROLLOUTS if Path(path).is_dir() else Path(path)
    if not path.exists():
        raise FileNotFoundError(f"no rollouts in {path}; train with callbacks=[RolloutLog(every=10)] to keep some")
    rows = pd.DataFrame(whole_rows(path))
    return rows.astype({"reward": float, "advantage": float}) if len(rows) else rows
