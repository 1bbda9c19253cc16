"""Drawings without data: the six steps of the pipeline, and the way of a response through the gate to its verifier."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
from matplotlib.patches import FancyBboxPatch

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BOX = {"facecolor": "#eef3f8", "edgecolor": "#2166ac"}
KEPT = {"facecolor": "#e7f2e9", "edgecolor": "#117733"}
GONE = {"facecolor": "#f7ebe9", "edgecolor": "#b2182b", "linestyle": "--"}

STEPS = (
    ("image,\nquestion,\nanswer", "original", None),
    ("caption", "captioned", "sees the image"),
    ("trace", "distilled", "reads the caption\nand the question"),
    ("rewrite", "rewritten", "reads the trace"),
    ("verify", "verified", "reads answer and\nground truth"),
    ("split", None, "looks for cue words"),
)
"""Words of each step, its column of `BuildResult.yields`, and what it is given."""


def plot_pipeline(counts: Mapping[str, int] | None = None, *, title: str) -> "Figure":
    """Draw the six steps from an image to the two sets: what each is given to read, and where records are rejected.

    Args:
        counts: records after each step and in `sft` and `rl`, such as `result.yields.loc["all"]`; missing ones are not
            written.
        title: the message, as a sentence.
    """
    found = {name: int(n) for name, n in dict(counts if counts is not None else {}).items() if n == n and n is not None}
    figure, axes = _canvas((10, 3), width=7.2, height=3)
    for k, (words, column, reads) in enumerate(STEPS):
        number = f"\n{found[column]:,}" if column in found else ""
        _box(axes, k + 0.5, 2, words + number, wide=0.72)
        if reads:
            axes.text(k + 0.5, 2.62, reads, ha="center", va="center", fontsize=7.5, color="0.35", style="italic")
            _arrow(axes, (k - 0.14, 2), (k + 0.14, 2))
    for place, reason in ((3.5, "length changed\nby > 15 words"), (4.5, "answer disagrees")):
        _arrow(axes, (place, 1.6), (place, 1.02))
        _box(axes, place, 0.7, f"rejected:\n{reason}", wide=0.86, look=GONE, size=7)
    for name, words, height in (("sft", "SFT set:\nno cue", 2.48), ("rl", "RL set:\na cue, or\nno trace", 1.4)):
        number = f"\n{found[name]:,}" if name in found else ""
        _box(axes, 6.7, height, words + number, wide=0.8, look=KEPT, high=0.95)
        _arrow(axes, (5.86, 2), (6.3, height))
    figure.suptitle(title)
    return figure


def plot_gate(verifiers: Mapping[str, str] | Sequence[str], *, title: str) -> "Figure":
    """Draw how a reward comes about: is there one answer, and if so, which verifier is asked.

    Args:
        verifiers: names, in the order in which they are drawn; with a mapping, what each accepts stands beside it.
        title: the message, as a sentence.

    Raises:
        ValueError: no verifier.
    """
    if not verifiers:
        raise ValueError('no verifier to draw; give names, such as ["digit", "box"]')
    words = verifiers if isinstance(verifiers, Mapping) else dict.fromkeys(verifiers, "")
    middle = len(words) / 2
    figure, axes = _canvas((9, 0.5 * len(words) + 0.9), width=8, height=len(words))
    _box(axes, 0.7, middle, "response", wide=1.1, high=0.7)
    _arrow(axes, (1.27, middle), (1.72, middle))
    _box(axes, 2.4, middle, "gate: can\none answer\nbe told?", wide=1.3, high=1.15)
    _arrow(axes, (2.4, middle - 0.6), (2.4, 0.62), "no")
    _box(axes, 2.4, 0.32, "reward 0", wide=1.3, high=0.55, look=GONE)
    for k, (name, accepts) in enumerate(words.items()):
        height = len(words) - k - 0.5
        _arrow(axes, (3.08, middle), (4.3, height))
        _box(axes, 4.95, height, name, wide=1.25, high=0.6)
        axes.text(5.75, height, accepts, ha="left", va="center", fontsize=8.5)
    axes.text(2.4, middle + 0.86, "yes: by its verifier_type", fontsize=8, color="0.35", ha="center", va="center")
    figure.suptitle(title)
    return figure


def _canvas(size: tuple[float, float], *, width: float, height: float) -> "tuple[Figure, Axes]":
    figure, axes = plt.subplots(figsize=size, layout="constrained")
    axes.set(xlim=(0, width), ylim=(0, height))
    axes.axis("off")
    return figure, axes


def _box(
    axes: "Axes", x: float, y: float, words: str, *, wide: float, high: float = 0.8, look: Mapping = BOX, size: int = 9
) -> None:
    corner = (x - wide / 2, y - high / 2)
    axes.add_patch(FancyBboxPatch(corner, wide, high, boxstyle="round,pad=0,rounding_size=0.08", **look))
    axes.text(x, y, words, ha="center", va="center", fontsize=size)


def _arrow(axes: "Axes", start: tuple[float, float], end: tuple[float, float], words: str = "") -> None:
    axes.annotate("", end, start, arrowprops={"arrowstyle": "->", "color": "0.4", "linewidth": 1})
    if words:
        axes.text((start[0] + end[0]) / 2 + 0.08, (start[1] + end[1]) / 2, words, fontsize=8, color="0.35", va="center")
