"""The colours and hatches of the series, and the look of its axes."""

from typing import Any

ARM_COLOURS = {"base": "#7f7f7f", "SFT": "#e08214", "GRPO": "#2166ac", "SFT→GRPO": "#1b7837"}
"""Of each arm of a study: fixed across the series, and told apart by colour-blind readers."""
RUN_COLOURS = (ARM_COLOURS["GRPO"], "#d6604d", "#e8a417", "#7b3294")
"""Of runs that stand in one panel; the first is the healthy one, in the colour of its arm."""
STYLE_FILLS = {
    "careful": ("#117733", ""),
    "shortcut": ("#ddcc77", "//"),
    "ramble": ("#cc6677", ".."),
    "teacher": ("#332288", "||"),
    "bare": ("#88ccee", "\\\\"),
    "other": ("#dddddd", "xx"),
}
"""Colour and hatch of each style of response: no two are alike without colour."""

GUESS_LINE = {"color": "0.1", "linewidth": 1.2, "linestyle": (0, (4, 2)), "label": "guessing, no image"}
"""Of what guessing earns, wherever it is drawn."""


def open_frame(axes: Any) -> None:
    """Leave out the upper and the right line of the frame."""
    axes.spines[["top", "right"]].set_visible(False)
