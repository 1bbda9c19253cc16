"""Accuracy with and without the image, before and after each stage of training."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.lines import Line2D

from ...evaluation.blind import blind_table
from .garbled_runs import run_label
from .style import ARM_COLOURS, GUESS_LINE, open_frame

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from ...evaluation.eval_report import EvalReport

SHOWN = {
    "true": ("o", "-", "true image"),
    "blank": ("s", "--", "grey image"),
    "swapped": ("^", ":", "another record's image"),
}
"""By what the model was shown: marker, line and words."""
SPREAD = 0.12
"""How far the markers of one stage stand apart, so that their intervals do not hide each other."""


def plot_blind(
    reports: "Mapping[str, Mapping[str, EvalReport]]", *, title: str, guess: "pd.DataFrame | None" = None
) -> "Figure":
    """Accuracy with the true images and without them at each stage, with 95% intervals: a panel for all, one a source.

    Markers tell what was shown, colours the stage. What stays above the line of guessing without the image comes from
    the question's words: habits of the source that guessing does not know.

    Args:
        reports: as `blind_table` takes them, stages in order; the arms of `ARM_COLOURS` keep their colour. One of which
            more than 1% of the responses to the true images are garbled says so.
        guess: `guess_accuracy` of the same records, a dashed line in each panel.
        title: the message, as a sentence.
    """
    table = blind_table(reports)
    sources = ["all", *(source for source in dict.fromkeys(table["source"]) if source != "all")]
    arms, kinds = list(reports), [images for images in SHOWN if (table["images"] == images).any()]
    colours = [ARM_COLOURS.get(arm, f"C{place}") for place, arm in enumerate(arms)]
    names = [run_label(arm, reports[arm]["true"].garbled) for arm in arms]
    figure, panels = plt.subplots(
        1, len(sources), figsize=(max(5, 1.65 * len(sources)), 3.4), sharey=True, layout="constrained", squeeze=False
    )
    for axes, source in zip(panels[0], sources, strict=True):
        here = table[table["source"] == source].set_index(["images", "arm"])
        for k, images in enumerate(kinds):
            marker, line, _ = SHOWN[images]
            rows = here.loc[images].reindex(arms)
            places = np.arange(len(arms)) + SPREAD * (k - (len(kinds) - 1) / 2)
            axes.plot(places, 100 * rows["accuracy"], line, color="0.7", linewidth=1, zorder=1)
            errors = 100 * np.clip([rows["accuracy"] - rows["low"], rows["high"] - rows["accuracy"]], 0, None)
            for place, value, error, colour in zip(places, 100 * rows["accuracy"], errors.T, colours, strict=True):
                filled = colour if images == "true" else "white"
                axes.errorbar(
                    place, value, error.reshape(2, 1), fmt=marker, color=colour, markerfacecolor=filled, markersize=5,
                    capsize=2, linewidth=1,
                )  # fmt: skip
        if guess is not None:
            axes.axhline(100 * guess.loc[source, "accuracy"], **GUESS_LINE)
        axes.set_title(f"{source}\nn = {here['n'].iloc[0]}", fontsize=9)
        axes.set_xticks(range(len(arms)), names, rotation=30, ha="right", fontsize=8)
        axes.set(xlim=(-0.5, len(arms) - 0.5), ylim=(-3, 103))  # room for markers at the ends
        open_frame(axes)
    panels[0, 0].set_ylabel("held-out accuracy (%)")
    keys = [_key(images) for images in kinds] + ([Line2D([], [], **GUESS_LINE)] if guess is not None else [])
    figure.legend(handles=keys, loc="outside lower center", ncols=len(keys), frameon=False, fontsize=8)
    figure.suptitle(title)
    return figure


def _key(images: str) -> Line2D:
    marker, line, words = SHOWN[images]
    filled = "0.4" if images == "true" else "white"
    return Line2D([], [], marker=marker, linestyle=line, color="0.4", markerfacecolor=filled, markersize=5, label=words)
