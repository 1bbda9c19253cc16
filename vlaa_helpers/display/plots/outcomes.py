"""What became of responses and records: right, wrong or unanswered; one group with its advantages; boxes and overlaps;
and what a build rejected."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
from matplotlib.patches import Rectangle

from ...core.boxes import box_iou
from .style import ARM_COLOURS, OUTCOME_FILLS, REASON_FILLS, open_frame, plain

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

LABELLED_FROM = 0.05
"""Least share of a bar that has room for its number."""


def plot_outcomes(shares: "pd.DataFrame", *, title: str) -> "Figure":
    """Right, wrong and missing answers stacked, a bar a row; how many are garbled stands beside the bar.

    Args:
        shares: a row a run, the index its name; `accuracy` and `no_answer` (0-1), and `garbled` where it was counted.
            What is neither right nor without an answer is wrong. A garbled response may be any of the three.
        title: the message, as a sentence.

    Raises:
        ValueError: no row, or shares that are no shares of one whole.
    """
    whole = shares["accuracy"] + shares["no_answer"]
    if not len(shares) or not whole.between(0, 1 + 1e-9).all():
        raise ValueError(f"accuracy + no_answer is {list(whole)}; expected rows with shares of one whole, 0 to 1")
    figure, axes = plt.subplots(figsize=(9, 0.34 * len(shares) + 1.3), layout="constrained")
    parts = {"right": shares["accuracy"], "wrong": 1 - whole, "no answer": shares["no_answer"]}
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1}
    left = 0 * whole
    for name, part in parts.items():
        colour, hatch = OUTCOME_FILLS[name]
        look = {"facecolor": colour, "hatch": hatch, "edgecolor": "white"}
        axes.barh(range(len(shares)), part, 0.75, left=left, label=name, **look)
        for place, (start, share) in enumerate(zip(left, part, strict=True)):
            if share >= LABELLED_FROM:
                words = {"ha": "center", "va": "center", "fontsize": 8, "bbox": box}
                axes.text(start + share / 2, place, f"{share:.0%}", **words)
        left = left + part
    if "garbled" in shares:
        axes.text(1.01, -0.75, "garbled", fontsize=8, color="0.3", va="center")
        for place, share in enumerate(shares["garbled"]):
            axes.text(1.01, place, f"{share:.1%}", fontsize=8, color="0.3", va="center")
    axes.set_yticks(range(len(shares)), [plain(str(name)) for name in shares.index])
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f}")
    axes.set(xlabel="share of responses (%)", xlim=(0, 1.08), title=title)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    open_frame(axes)
    return figure


def plot_group(
    responses: Sequence[str], rewards: Sequence[float], advantages: Sequence[float], *, title: str
) -> "Figure":
    """One group of responses to the same prompt, each with its reward, and its advantage as a bar.

    Args:
        responses: what stands beside the bars: the responses, or a word for each; long ones are shortened.
        rewards: of each.
        advantages: of each (`group_advantages`).
        title: the message, as a sentence.

    Raises:
        ValueError: not as many rewards and advantages as responses.
    """
    if not len(responses) == len(rewards) == len(advantages):
        raise ValueError(
            f"{len(responses)} responses, {len(rewards)} rewards, {len(advantages)} advantages; expected one of each"
        )
    figure, axes = plt.subplots(figsize=(9, 0.32 * len(responses) + 1.1), layout="constrained")
    far = max(1e-9, *(abs(value) for value in advantages))
    for place, (reward, value) in enumerate(zip(rewards, advantages, strict=True)):
        colour, hatch = (ARM_COLOURS["GRPO"], "") if value > 0 else ("#d6604d", "//")
        axes.barh(place, value, 0.7, facecolor=colour, hatch=hatch, edgecolor="white")
        side = {"ha": "left"} if value >= 0 else {"ha": "right"}
        shift = 0.02 * far if value >= 0 else -0.02 * far
        axes.text(value + shift, place, f"{value:+.2f}", va="center", fontsize=8, **side)
        axes.text(1.42 * far, place, f"{reward:.2f}", va="center", ha="right", fontsize=8, color="0.3")
    axes.text(1.42 * far, -0.85, "reward", va="center", ha="right", fontsize=8, color="0.3")
    axes.axvline(0, color="0.3", linewidth=0.8)
    axes.set_yticks(range(len(responses)), [plain(text) for text in responses], fontsize=8)
    axes.invert_yaxis()
    axes.set(xlabel="advantage: made likelier to the right, less likely to the left", title=title)
    axes.set_xlim(min(0, *advantages) - 0.25 * far, 1.45 * far)
    open_frame(axes)
    return figure


def plot_overlaps(boxes: Sequence[Sequence[float]], truth: Sequence[float], *, title: str) -> "Figure":
    """Boxes against the true one, a panel each: the overlap filled, the union outlined, and what it earns.

    Args:
        boxes: `[x1, y1, x2, y2]` in fractions of the image, with x1 < x2 and y1 < y2.
        truth: the true box.
        title: the message, as a sentence.
    """
    figure, panels = plt.subplots(1, len(boxes), figsize=(2.2 * len(boxes), 2.7), layout="constrained", squeeze=False)
    for axes, box in zip(panels[0], boxes, strict=True):
        low = [max(a, b) for a, b in zip(box[:2], truth[:2], strict=True)]
        high = [min(a, b) for a, b in zip(box[2:], truth[2:], strict=True)]
        if low[0] < high[0] and low[1] < high[1]:
            shared = {"facecolor": "#2166ac", "alpha": 0.35, "hatch": "//", "edgecolor": "white"}
            axes.add_patch(Rectangle(low, high[0] - low[0], high[1] - low[1], label="overlap", **shared))
        for corners, style, name in ((truth, "-", "truth"), (box, "--", "answer")):
            size = (corners[2] - corners[0], corners[3] - corners[1])
            look = {"fill": False, "linestyle": style, "linewidth": 1.6, "edgecolor": "0.1"}
            axes.add_patch(Rectangle(corners[:2], *size, label=name, **look))
        axes.set(xlim=(-0.03, 1.03), ylim=(1.03, -0.03), aspect="equal", xticks=[0, 1], yticks=[0, 1])
        axes.set_title(f"IoU {box_iou(box, truth):.2f}", fontsize=10)
    figure.legend(*panels[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    figure.suptitle(title)
    return figure


def plot_rejects(rejects: "pd.DataFrame", built: "pd.Series", *, title: str) -> "Figure":
    """What a build rejected: a bar a source, in per cent of its records, stacked by step and reason.

    Args:
        rejects: a row a rejected record with `source`, `step` and `reason`, such as `result.rejects.to_pandas()`.
        built: records of each source that went in, such as `result.yields["original"]`; sources without a row in
            `rejects` have an empty bar.
        title: the message, as a sentence.
    """
    sources = [source for source in built.index if source != "all"]
    figure, axes = plt.subplots(figsize=(8, 0.4 * len(sources) + 1.3), layout="constrained")
    left = dict.fromkeys(sources, 0.0)
    groups = rejects.groupby(["step", "reason"]) if len(rejects) else ()
    for k, ((step, reason), rows) in enumerate(sorted(groups, key=lambda group: -len(group[1]))):
        colour, hatch = REASON_FILLS[k % len(REASON_FILLS)]
        counts = rows["source"].value_counts()
        widths = [100 * counts.get(source, 0) / built[source] for source in sources]
        look = {"facecolor": colour, "hatch": hatch, "edgecolor": "white"}
        axes.barh(sources, widths, 0.7, left=list(left.values()), label=f"{step}: {reason} ({len(rows)})", **look)
        left = {source: start + width for (source, start), width in zip(left.items(), widths, strict=True)}
    axes.set_yticks(range(len(sources)), [f"{plain(source)} (n = {built[source]:,})" for source in sources])
    axes.invert_yaxis()
    axes.set(xlabel="rejected (% of the source's records)", title=title)
    if len(rejects):
        figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    open_frame(axes)
    return figure
