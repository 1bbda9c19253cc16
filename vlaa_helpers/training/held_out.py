"""Held-out accuracy while a run goes on: the reward says what is trained for, this says what is gained."""

import shutil
import time
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transformers import TrainerCallback

from ..evaluation.eval_report import EvalReport, load_report
from ..evaluation.runner import evaluate
from ..policy.profiles import Profile
from ..rewards.mixed import MixedReward
from .runner import HELD_OUT

if TYPE_CHECKING:
    from datasets import Dataset


class EvaluateEvery(TrainerCallback):
    """Evaluates the policy on the same held-out records at chosen steps, and changes nothing else about the run.

    `held_out/accuracy`, `held_out/low`, `held_out/high` (its 95% interval), `held_out/no_answer` and `held_out/garbled`
    (share of responses that are no text) join the row of that step in `state.log_history` and `log.csv`; step 0 gets a
    row of its own. The responses are kept in `output_dir/held_out/step-N`.

    A step is evaluated when it is over and logged, before the next one begins: an interruption loses nothing, and a
    resumed run first makes up for an evaluation that its checkpoint does not know. Among several processes the first
    one evaluates while the others wait, at most `ddp_timeout` seconds (1,800 unless the trainer is told otherwise).

    Args:
        records: held-out rows.
        processor: of the policy.
        steps: those after which to evaluate, 0 for before the first; or a number: every so many, 0 and the last too.
        reward, samples, profile, max_new_tokens, batch_size: as in `evaluate`. A greedy answer (`samples=1`) needs
            no luck.

    Attributes:
        reports: step to `EvalReport`; after a resume those from before it too. In the first process only.
        seconds: of the processor, that evaluating took: they are no part of the training.
    """

    def __init__(
        self,
        records: "Dataset",
        processor: Any,
        steps: int | Collection[int],
        *,
        reward: MixedReward | None = None,
        samples: int = 1,
        profile: Profile | None = None,
        max_new_tokens: int | None = None,
        batch_size: int | None = None,
    ):
        if isinstance(steps, int) and steps < 1:
            raise ValueError(f"steps={steps}: expected a number from 1, or the steps themselves such as [0, 50, 100]")
        self.records, self.processor, self.steps = records, processor, steps
        self.options = {
            "reward": reward, "samples": samples, "profile": profile, "max_new_tokens": max_new_tokens,
            "batch_size": batch_size,
        }  # fmt: skip
        self.reports: dict[int, EvalReport] = {}
        self.seconds = 0.0
        self._done: set[int] = set()

    def on_train_begin(self, args, state, control, **kwargs):
        self._done = {row["step"] for row in state.log_history if f"{HELD_OUT}/accuracy" in row}
        self.reports = {}
        if state.is_world_process_zero:
            for folder in (Path(args.output_dir) / HELD_OUT).glob("step-*"):
                step = int(folder.name.removeprefix("step-"))
                if step in self._done:
                    self.reports[step] = load_report(folder)
                else:  # of steps that the run resumes before
                    shutil.rmtree(folder)
            self.reports = dict(sorted(self.reports.items()))

    def on_step_begin(self, args, state, control, model=None, **kwargs):
        self._evaluate(args, state, model)

    def on_train_end(self, args, state, control, model=None, **kwargs):
        self._evaluate(args, state, model)

    def _evaluate(self, args: Any, state: Any, model: Any) -> None:
        step = state.global_step
        if step in self._done or not self._is_due(step, state.max_steps):
            return
        if state.is_world_process_zero:
            folder, begin = Path(args.output_dir) / HELD_OUT / f"step-{step}", time.process_time()
            report = evaluate(model, self.processor, self.records, out=folder, **self.options)
            self.seconds += time.process_time() - begin
            self.reports[step] = report
            low, high = report.interval
            numbers = {"accuracy": report.accuracy, "low": low, "high": high}
            numbers |= {"no_answer": report.format_failures, "garbled": report.garbled}
            _row_of(step, state.log_history).update({f"{HELD_OUT}/{name}": value for name, value in numbers.items()})
        self._done.add(step)
        if args.distributed_state is not None:
            args.distributed_state.wait_for_everyone()

    def _is_due(self, step: int, last: int) -> bool:
        if isinstance(self.steps, int):
            return step % self.steps == 0 or step == last
        return step in self.steps


def _row_of(step: int, history: list[dict]) -> dict:
    """The row of a step in a trainer's history; a new one, before the summary of the run, where it was not logged."""
    rows = [row for row in history if "train_runtime" not in row]
    if not rows or rows[-1]["step"] != step:
        rows.append({"step": step})
        history.insert(len(rows) - 1, rows[-1])
    return rows[-1]
