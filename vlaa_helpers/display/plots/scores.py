"""What the pseudo score is worth: on kinds of imitation that it never saw, and against the accuracy of policies."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np

from .garbled_runs import run_label, share_in_table
from .style import ARM_COLOURS, open_frame

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

MARKERS = "osD^vPX"
"""Of arms in one panel, in turn: told apart without colour."""
INPUT_COLOURS = {"text": "#e08214", "text and facts": "#2166ac"}


def plot_score_accuracy(table: "pd.DataFrame", *, title: str, colours: Mapping[str, str] = ARM_COLOURS) -> "Figure":
    """Accuracy where a policy's score is low and where it is high: a line an arm, with 95% intervals and n at each dot.

    Args:
        table: of `score_bins`. Responses without a score are in no dot; the heading says how many of all have one, and
            of which arm more than 1% are garbled, where the table says.
        title: the message, as a sentence.
        colours: by arm; an arm that is not in it takes the next of matplotlib's.
    """
    arms = list(table["arm"].unique())
    figure, panels = plt.subplots(
        1, len(arms), figsize=(2.6 * len(arms) + 0.6, 3), sharey=True, squeeze=False, layout="constrained"
    )
    for k, (axes, arm) in enumerate(zip(panels[0], arms, strict=True)):
        part = table[(table["arm"] == arm) & table["start"].notna()]
        errors = np.clip([part["accuracy"] - part["low"], part["high"] - part["accuracy"]], 0, None) * 100
        axes.errorbar(
            part["score"], 100 * part["accuracy"], yerr=errors, color=colours.get(arm, f"C{k}"), capsize=2,
            marker=MARKERS[k % len(MARKERS)], linewidth=1.2, markersize=5,
        )  # fmt: skip
        for row in part.itertuples():
            axes.text(row.score, -5, f"{row.n:,}", rotation=90, ha="center", va="top", fontsize=7, color="0.35")
        counted = f"n = {part['n'].sum():,} of {table.loc[table['arm'] == arm, 'of'].iloc[0]:,}"
        axes.set(
            title=f"{run_label(arm, share_in_table(part))}\n{counted}",
            xlabel="score (mean of the bin)",
            xlim=(-0.05, 1.05),
            ylim=(-32, 102),
        )
        axes.set_yticks(range(0, 101, 20))
        axes.title.set_fontsize(9)
        open_frame(axes)
    panels[0][0].set_ylabel("right (%), unanswered ones wrong")
    figure.suptitle(title)
    return figure


def plot_validation(table: "pd.DataFrame", *, title: str) -> "Figure":
    """The detector on each kind of imitation that it never saw: a dot an area with its 95% interval.

    Filled dots are the headline; open ones, drawn beside them, are circular: the inputs read the facts that make these
    traces pseudo.

    Args:
        table: of `validation_table`.
        title: the message, as a sentence.
    """
    unseen = table[table["evaluated"] == "kind unseen"]
    kinds = list(unseen["kind"].unique())
    figure, axes = plt.subplots(figsize=(7.5, 0.42 * len(kinds) + 1.2), layout="constrained")
    for inputs, part in unseen.groupby("what", sort=False):
        shift = -0.15 if inputs == "text" else 0.15
        colour, marker = INPUT_COLOURS[inputs], "o" if inputs == "text" else "s"
        for row in part.itertuples():
            y, circular = kinds.index(row.kind) + shift, row.status == "circular"
            axes.plot([row.low, row.high], [y, y], color=colour, linewidth=1.5, linestyle=":" if circular else "-")
            face = "white" if circular else colour
            label = f"{inputs}{', circular' if circular else ''}"
            axes.plot(row.auc, y, marker, color=colour, markerfacecolor=face, label=label)
    axes.axvline(0.5, color="0.6", linestyle=":")
    names = [f"{kind}  (n = {unseen.loc[unseen['kind'] == kind, 'n'].iloc[0]})" for kind in kinds]
    axes.set_yticks(range(len(kinds)), names, fontsize=8)
    axes.invert_yaxis()
    axes.set(xlabel="AUC on a kind of imitation that it never saw", xlim=(0.35, 1.02), title=title)
    handles = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    figure.legend(handles.values(), handles, frameon=False, fontsize=8, loc="outside lower center", ncols=len(handles))
    open_frame(axes)
    return figure
