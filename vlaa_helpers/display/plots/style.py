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
OUTCOME_FILLS = {"right": ("#117733", ""), "wrong": ("#cc6677", "//"), "no answer": ("#ddcc77", "..")}
"""Colour and hatch of what became of a response."""
REASON_FILLS = (("#cc6677", "//"), ("#332288", "||"), ("#ddcc77", ".."), ("#88ccee", "\\\\"), ("#999999", "xx"))
"""Colour and hatch of the reasons why records were rejected, the most frequent first."""

GUESS_LINE = {"color": "0.1", "linewidth": 1.2, "linestyle": (0, (4, 2)), "label": "guessing, no image"}
"""Of what guessing earns, wherever it is drawn."""


def arm_kind(arm: str) -> str:
    """The key of `ARM_COLOURS` that an arm's name belongs to; a name without "base" and "SFT" is a run of GRPO.

    >>> [arm_kind(arm) for arm in ("base", "SFT cues", "SFT 2048, GRPO", "GRPO, no box", "leaky")]
    ['base', 'SFT', 'SFT→GRPO', 'GRPO', 'GRPO']
    """
    if arm == "base":
        return "base"
    if "SFT" not in arm:
        return "GRPO"
    return "SFT→GRPO" if "GRPO" in arm else "SFT"


LONGEST_NAME = 40
"""Characters of a name in a figure; the middle of a longer one is left out."""


def plain(text: str) -> str:
    """A name that may hold anything, as matplotlib shows it: on one line, and a dollar is a dollar.

    >>> plain("run_$5\\n" + "x" * 100)
    'run_\\\\$5 xxxxxxxxxxxx…xxxxxxxxxxxxxxxxxxxx'
    """
    text = "".join(character if character.isprintable() else " " for character in text)
    if len(text) > LONGEST_NAME:
        half = LONGEST_NAME // 2
        text = f"{text[: half - 1]}…{text[-half:]}"
    return text.replace("$", r"\$")


def open_frame(axes: Any) -> None:
    """Leave out the upper and the right line of the frame."""
    axes.spines[["top", "right"]].set_visible(False)
