"""What the benchmarks measured."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np

from .style import ARM_COLOURS, open_frame

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_prefix_benchmark(found: Mapping[str, Any], *, title: str) -> "Figure":
    """How much faster and smaller a GRPO step is that reads each prompt once: a panel a length of completions.

    Above, TRL's step time over ours with its 95% interval; below, the memory that a step takes beside the model, as a
    share of TRL's. Lines are sizes of a group. Cells that could not be measured are left out.

    Args:
        found: what `python -m vlaa_helpers.dev.benchmarks.shared_prefix` wrote.
        title: the message, as a sentence.
    """
    measured = [part for part in found["cells"] if "error" not in part]
    if not measured:
        raise ValueError(f"none of {len(found['cells'])} cells was measured; see their errors")
    lengths, groups = (sorted({part["cell"][name] for part in measured}) for name in ("completion", "generations"))
    figure, panels = plt.subplots(
        2, len(lengths), figsize=(3 * len(lengths), 4.6), layout="constrained", squeeze=False, sharex=True, sharey="row"
    )
    for (above, below), length in zip(panels.T, lengths, strict=True):
        for k, group in enumerate(groups):
            line = [p for p in measured if (p["cell"]["completion"], p["cell"]["generations"]) == (length, group)]
            line.sort(key=lambda part: part["prompt_tokens"])
            tokens = [part["prompt_tokens"] for part in line]
            ours = [part["ours_over"]["trl"] for part in line]
            faster = np.array([1 / part["ratio"] for part in ours])
            edges = np.array([[1 / high, 1 / low] for low, high in (part["ratio_interval_95"] for part in ours)])
            errors = np.clip(np.abs(edges.reshape(-1, 2).T - faster), 0, None)
            colour = plt.get_cmap("Blues")(0.4 + 0.6 * (k + 1) / len(groups))
            above.errorbar(tokens, faster, errors, color=colour, marker="o", markersize=4, capsize=2, label=str(group))
            shares = [_step_memory(part["arms"]["ours"]) / _step_memory(part["arms"]["trl"]) for part in line]
            below.plot(tokens, np.multiply(shares, 100), color=colour, marker="o", markersize=4)
        above.axhline(1, color=ARM_COLOURS["base"], linewidth=1, linestyle=":")
        below.axhline(100, color=ARM_COLOURS["base"], linewidth=1, linestyle=":")
        above.set_title(f"completions of {length} tokens", fontsize=9)
        above.set(xscale="log")
        below.set(xlabel="tokens of a prompt, image included")
        sizes = sorted({part["prompt_tokens"] for part in measured})
        for axes in (above, below):
            axes.minorticks_off()
            axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
            open_frame(axes)
    for row in panels:  # once all lines of a row are there
        row[0].set_ylim(bottom=0)
    panels[0, 0].set_ylabel("times as fast as TRL")
    panels[1, 0].set_ylabel("memory (% of TRL's)")
    handles, words = panels[0, 0].get_legend_handles_labels()
    words = [f"{word} completions a prompt" for word in words]
    figure.legend(handles, words, loc="outside lower center", ncols=len(words), frameon=False, fontsize=8)
    figure.suptitle(title)
    return figure


def _step_memory(arm: Mapping[str, float]) -> float:
    """What a step takes beside the model, on a CPU or a GPU."""
    return arm["peak_mib"] if "peak_mib" in arm else arm["allocated_gib"] - arm["loaded_gib"]


PART_NAMES = {
    "sampling": "sampling completions",
    "prompts": "reading prompts",
    "loss": "loss",
    "backward": "backward pass",
    "rewards": "rewards",
    "rest": "everything else",
}


def plot_step_parts(found: Mapping[str, Any], *, title: str) -> "Figure":
    """Where the time of a GRPO step goes: a stacked bar beside TRL's step and the floor, the products alone.

    Each part is a median of its own, so the bar's length is near the median step and not equal to it.

    Args:
        found: what `python -m vlaa_helpers.dev.benchmarks.step grpo` wrote.
        title: the message, as a sentence.
    """
    floor = found["floor"]
    figure, axes = plt.subplots(figsize=(8, 2.6), layout="constrained")
    left = 0.0
    for k, (part, name) in enumerate(PART_NAMES.items()):
        seconds = floor["parts_s"][part]
        shade = plt.get_cmap("Blues")(0.95 - 0.14 * k)
        axes.barh("train_grpo", seconds, left=left, color=shade, label=f"{name} {seconds:.2f} s")
        left += seconds
    trl = found["arms"]["trl"]["median_step_s"]
    axes.barh("TRL's trainer", trl, color=ARM_COLOURS["base"])
    axes.text(trl, 1, f"{trl:.2f} s ", va="center", ha="right", fontsize=8, color="white")
    axes.axvline(floor["floor_s"], color="0.2", linestyle="--", linewidth=1)
    axes.text(floor["floor_s"], 0.5, f" floor: the products alone, {floor['floor_s']:.2f} s", fontsize=8, va="center")
    axes.set(xlabel="seconds a step", title=title)
    axes.legend(fontsize=7, frameon=False, loc="upper right", ncols=2)
    axes.invert_yaxis()
    open_frame(axes)
    return figure
