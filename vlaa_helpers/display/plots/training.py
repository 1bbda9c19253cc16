"""Curves of trainings: one run, several in the same panels, or losses in one."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np

from .garbled_runs import run_label, share_in_log
from .style import ARM_COLOURS, RUN_COLOURS, open_frame

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_training(
    log: Sequence[Mapping[str, float]], metrics: Mapping[str, str], *, title: str, arm: str = "GRPO", smooth: int = 9
) -> "Figure":
    """Training curves of one run, a panel each: the raw line thin, its moving average bold.

    Args:
        log: `trainer.state.log_history`, or rows of a `log.csv`. Where it says that the run ended with more than 1% of
            garbled responses (`share_in_log`), so does the figure.
        metrics: column name to axis label, a panel each, four or five in a row.
        arm: whose colour of `ARM_COLOURS` the lines take.
        smooth: steps in the moving average, which is centred; at most a third of the run. It is drawn only where it
            has all of them, so the bold line begins and ends inside the thin one.
    """
    return _panels({"": (log, ARM_COLOURS[arm])}, metrics, run_label(title, share_in_log(log)), smooth)


def plot_runs(
    logs: Mapping[str, Sequence[Mapping[str, float]]], metrics: Mapping[str, str], *, title: str, smooth: int = 3
) -> "Figure":
    """Training curves of up to four runs in the same panels, each raw and smoothed; a healthy run comes first.

    Args:
        logs: by the words that the legend shows; as in `plot_training`.
        metrics, smooth: as in `plot_training`.
        title: the message, as a sentence.
    """
    runs = {name: (log, colour) for (name, log), colour in zip(logs.items(), RUN_COLOURS, strict=False)}
    if len(runs) < len(logs):
        raise ValueError(f"{len(logs)} runs do not fit one panel; at most {len(RUN_COLOURS)}")
    return _panels(runs, metrics, title, smooth)


def _panels(runs: Mapping[str, tuple], metrics: Mapping[str, str], title: str, smooth: int) -> "Figure":
    columns = len(metrics) if len(metrics) <= 5 else 4
    rows = -(-len(metrics) // columns)
    figure, panels = plt.subplots(
        rows, columns, figsize=(3.2 * columns if columns < 4 else 11, 2.5 * rows + 0.3), layout="constrained",
        squeeze=False,
    )  # fmt: skip
    for axes, (name, label) in zip(panels.flat, metrics.items(), strict=False):
        for words, (log, colour) in runs.items():
            points = [(row["step"], float(row[name])) for row in log if row.get(name) not in (None, "")]
            if not points:
                there = ", ".join(sorted({key for row in log for key in row}))
                raise ValueError(f"no {name!r} in this log{words and f' ({words})'}; it has {there}")
            _curve(axes, *np.array(points, dtype=float).T, colour, smooth, run_label(words, share_in_log(log)))
        axes.set(xlabel="step", ylabel=label)
        open_frame(axes)
    for axes in panels.flat[len(metrics) :]:
        axes.axis("off")
    if len(runs) > 1:
        handles, words = panels.flat[0].get_legend_handles_labels()
        figure.legend(handles, words, loc="outside lower center", ncols=len(runs), frameon=False)
    figure.suptitle(title)
    return figure


def _curve(axes: Any, steps: np.ndarray, values: np.ndarray, colour: str, smooth: int = 9, label: str | None = None):
    axes.plot(steps, values, color=colour, alpha=0.35, linewidth=0.8)
    half, means = full_window_means(values, smooth)
    axes.plot(steps[half : len(steps) - half], means, color=colour, linewidth=2, label=label)


def full_window_means(values: np.ndarray, smooth: int) -> tuple[int, np.ndarray]:
    """The centred moving average of a curve, where its window is full: a mean of fewer values at the ends is noise.

    Args:
        values: shape (points,), any range.
        smooth: points in the window; at most a third of the curve, and then made odd.

    Returns:
        How many points are left out at either end, and the means of those between, shape (points − 2 · left out,).

    >>> full_window_means(np.array([0.0, 0, 0, 3, 0, 0, 0, 0, 9]), smooth=3)
    (1, array([0., 1., 1., 1., 0., 0., 3.]))
    """
    half = min(smooth, len(values) // 3) // 2
    width = 2 * half + 1
    return half, np.convolve(values, np.ones(width), mode="valid") / width


def plot_losses(logs: Mapping[str, Sequence[Mapping[str, float]]], *, title: str) -> "Figure":
    """Loss curves of several runs in one panel, each raw and smoothed, on a logarithmic axis.

    Args:
        logs: by the words that the legend shows; `trainer.state.log_history` each.
        title: the message, as a sentence.
    """
    figure, axes = plt.subplots(figsize=(7, 3), layout="constrained")
    for k, (name, log) in enumerate(logs.items()):
        points = np.array([(row["step"], row["loss"]) for row in log if "loss" in row], dtype=float)
        _curve(axes, *points.T, f"C{k}", smooth=3, label=run_label(name, share_in_log(log)))
    axes.set(xlabel="step", ylabel="loss per completion token", yscale="log", title=title)
    axes.legend(frameon=False, fontsize=8)
    open_frame(axes)
    return figure
