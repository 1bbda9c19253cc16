"""How responses are written: the share of each style, stage by stage."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
from matplotlib.patches import Patch

from ...evaluation.style_report import style_shares
from .garbled_runs import run_label, share_in_responses
from .style import STYLE_FILLS, open_frame

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ...evaluation.eval_report import EvalReport

NAMED_FROM, LABELLED_FROM = 0.12, 0.04
"""Least share of a bar that has room for its style's name, and for its number alone."""


def plot_styles(stages: "Mapping[str, EvalReport | pd.DataFrame]", *, title: str) -> "Figure":
    """The share of each style in the responses, a bar a stage of training, from the first at the top.

    A style is named in the bars where it has room, and in a legend when it has room in none.

    Args:
        stages: by name, as `style_shares` takes them: reports, or rows such as `reference_responses("GRPO")`. A stage
            of which more than 1% of the responses are garbled says so.
        title: the message, as a sentence.

    Raises:
        ValueError: as `style_shares` does.
    """
    figure, axes = plt.subplots(figsize=(9, 0.55 * len(stages) + 1.3), layout="constrained")
    tables = {stage: style_shares(report) for stage, report in stages.items()}
    for place, table in enumerate(tables.values()):
        _draw_bar(axes, place, table["share"])
    most = {style: max(table["share"][style] for table in tables.values()) for style in STYLE_FILLS}
    if unnamed := [style for style, share in most.items() if 0 < share < NAMED_FROM]:
        handles = [Patch(label=style, **_look(style)) for style in unnamed]
        options = {"ncols": len(unnamed), "frameon": False, "fontsize": 8, "handlelength": 3, "handleheight": 1.2}
        figure.legend(handles=handles, loc="outside lower right", **options)
    names = [run_label(stage, share_in_responses(responses)) for stage, responses in stages.items()]
    counts = [f"n = {table['n'].sum():,}" for table in tables.values()]
    axes.set_yticks(range(len(tables)), ["\n".join(words) for words in zip(names, counts, strict=True)])
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f}")
    axes.set(xlabel="share of responses (%)", xlim=(0, 1), title=title)
    open_frame(axes)
    return figure


def _look(style: str) -> dict[str, str]:
    colour, hatch = STYLE_FILLS[style]
    return {"facecolor": colour, "hatch": hatch, "edgecolor": "white"}


def _draw_bar(axes: "Axes", place: int, shares: "pd.Series") -> None:
    left = 0.0
    box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1.2}
    for style in STYLE_FILLS:
        share = shares[style]
        axes.barh(place, share, 0.72, left=left, linewidth=1, **_look(style))
        if share >= LABELLED_FROM:
            words = f"{style} {share:.0%}" if share >= NAMED_FROM else f"{share:.0%}"
            axes.text(left + share / 2, place, words, ha="center", va="center", fontsize=8, bbox=box)
        left += share
