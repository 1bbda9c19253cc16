"""What came out: accuracy of arms, studies over arms and sizes, what each step of a build left."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np

from ...core.paper_numbers import TABLE_1
from ...mini_world.kinds import KINDS
from .garbled_runs import run_label, share_in_table
from .style import ARM_COLOURS, arm_kind, open_frame, plain

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ...evaluation.eval_report import EvalReport


def plot_accuracy(
    reports: "Mapping[str, EvalReport]", *, title: str, colours: Mapping[str, str] = ARM_COLOURS
) -> "Figure":
    """Held-out accuracy by source and over all, a bar an arm, with 95% intervals.

    An arm that was not asked about a source has no bar there.

    Args:
        reports: by arm; the arms of `ARM_COLOURS` keep their colour. An arm of which more than 1% of the responses are
            garbled says so in the legend.
        title: the message, as a sentence.
        colours: by arm; an arm that is not in it takes the next of matplotlib's.
    """
    figure, axes = plt.subplots(figsize=(9, 3.4), layout="constrained")
    width = 0.8 / len(reports)
    place_of = {source: place for place, source in enumerate(sources_of(reports.values()))}
    bars = []
    for k, (arm, report) in enumerate(reports.items()):
        table = report.by_source
        places = table.index.map(place_of).to_numpy() + (k - (len(reports) - 1) / 2) * width
        errors = np.clip([table["accuracy"] - table["low"], table["high"] - table["accuracy"]], 0, None) * 100
        bars.append(axes.bar(places, table["accuracy"] * 100, width, yerr=errors, capsize=2, color=colours.get(arm)))
    _name_sources(axes, {source: _counts(reports.values(), source) for source in place_of})
    axes.set(ylabel="held-out accuracy (%)", ylim=(0, 100), title=title)
    axes.legend(
        bars,
        [run_label(plain(arm), report.garbled) for arm, report in reports.items()],
        frameon=False,
        ncols=min(4, len(bars)),
        loc="upper left",
        fontsize=8,
    )
    open_frame(axes)
    return figure


def sources_of(reports: "Iterable[EvalReport]") -> list[str]:
    """Every source that one of the reports has, in the order in which they come, and "all" at the end."""
    found = dict.fromkeys(source for report in reports for source in report.by_source.index if source != "all")
    return [*found, "all"]


def _counts(reports: "Iterable[EvalReport]", source: str) -> str:
    """How many items of a source the reports have: one number, or from the least to the most."""
    tables = [report.by_source["n"] for report in reports]
    counts = sorted({int(table[source]) for table in tables if source in table.index})
    return f"n = {counts[0]}" if len(counts) == 1 else f"n = {counts[0]} to {counts[-1]}"


def _name_sources(axes: "Axes", counts: Mapping[str, str]) -> None:
    """Sources and their counts below the bars, at a slant where they would run into each other."""
    names = [f"{plain(source)}\n{count}" for source, count in counts.items()]
    fits = max(len(line) for name in names for line in name.split("\n")) * len(names) < 100
    axes.set_xticks(range(len(names)), names, **({} if fits else {"rotation": 30, "ha": "right", "fontsize": 8}))


def plot_arms(table: "pd.DataFrame", paper: Mapping[str, float], *, base: tuple[float, float], title: str) -> "Figure":
    """Arms of a study beside the same arms in the paper: a dot a seed with its 95% interval, their mean as a bar.

    The colour is that of the kind of arm, as its name says it: SFT, GRPO, or one after the other.

    Args:
        table: rows with `arm`, `seed`, `accuracy`, `low` and `high` (0-1); where it has `garbled` (0-1), an arm with a
            seed above 1% says so.
        paper: the paper's figure for each arm, in per cent; other models and other tests, so in a panel of its own.
        base: accuracy before training, ours (0-1) and the paper's (per cent), dashed.
        title: the message, as a sentence.
    """
    arms = list(paper)
    labels = [run_label(arm, share_in_table(table[table["arm"] == arm])) for arm in arms]
    figure, (ours, theirs) = plt.subplots(1, 2, figsize=(9, 0.38 * len(arms) + 1.2), sharey=True, layout="constrained")
    for place, arm in enumerate(arms):
        runs, colour = table[table["arm"] == arm], ARM_COLOURS[arm_kind(arm)]
        ours.barh(place, 100 * runs["accuracy"].mean(), color=colour, alpha=0.25)
        heights = place + np.linspace(-0.22, 0.22, len(runs)) if len(runs) > 1 else [place]
        for height, (_, run) in zip(heights, runs.iterrows(), strict=True):
            ours.plot([100 * run["low"], 100 * run["high"]], [height] * 2, color=colour, linewidth=1)
            ours.plot(100 * run["accuracy"], height, "o", color=colour, markersize=4)
        theirs.barh(place, paper[arm], color="0.75")
        theirs.text(paper[arm], place, f" {paper[arm]:.1f}", va="center", fontsize=8)
    for axes, value, words in ((ours, 100 * base[0], "here, held-out (%)"), (theirs, base[1], "in the paper (%)")):
        axes.axvline(value, color=ARM_COLOURS["base"], linestyle="--", linewidth=1)
        axes.text(value, -0.62, "before ", fontsize=7, color="0.35", ha="right", va="bottom")
        axes.set(xlabel=words)
        open_frame(axes)
    ours.set_yticks(range(len(arms)), labels)
    ours.invert_yaxis()
    figure.suptitle(title)
    return figure


def plot_sizes(table: "pd.DataFrame", columns: Mapping[str, str], *, title: str) -> "Figure":
    """What training on more data changes: a panel a column, a thin line a seed, their mean bold, size 0 is the base.

    Args:
        table: rows with `size`, `seed` and the columns, such as those of a study; where it has `garbled` (0-1), a size
            with a seed above 1% says so.
        columns: name to axis label; shares are drawn as they are.
        title: the message, as a sentence.
    """
    figure, panels = plt.subplots(1, len(columns), figsize=(3 * len(columns), 2.8), layout="constrained", squeeze=False)
    sizes = sorted(table["size"].unique())
    places = {size: k for k, size in enumerate(sizes)}
    labels = [_size_label(size, share_in_table(table[table["size"] == size])) for size in sizes]
    for axes, (name, label) in zip(panels[0], columns.items(), strict=True):
        base = table[table["size"] == 0][name].iloc[0]
        tuned = table[table["size"] > 0]
        for _, run in tuned.groupby("seed"):
            axes.plot(
                [0, *run["size"].map(places)], [base, *run[name]], color=ARM_COLOURS["SFT"], alpha=0.4, linewidth=0.8
            )
        means = tuned.groupby("size")[name].mean()
        axes.plot([0, *means.index.map(places)], [base, *means], color=ARM_COLOURS["SFT"], linewidth=2, marker="o")
        axes.axhline(base, color=ARM_COLOURS["base"], linewidth=1, linestyle=":")
        axes.set_xticks(range(len(sizes)), labels, fontsize=8)
        axes.set(xlabel="SFT records, one pass", ylabel=label)
        open_frame(axes)
    figure.suptitle(title)
    return figure


def _size_label(size: int, garbled: float) -> str:
    """The words under a size, marked as `run_label` marks a run, in lines that fit between two ticks."""
    name = f"{size:,}" if size else "base"
    return run_label(name, garbled).replace(" ", "\n")


YIELD_NAMES = {
    "original": "original",
    "collected": "image\nnot seen",
    "captioned": "caption",
    "distilled": "trace",
    "rewritten": "rewritten",
    "verified": "verified",
}


def plot_yields(yields: "pd.DataFrame", *, title: str) -> "Figure":
    """What is left of each source after each step; dashed, where the paper's source that it mirrors ended.

    Args:
        yields: `BuildResult.yields`; sources that skip steps are left out.
        title: the message, as a sentence.
    """
    table = yields.drop(index="all").dropna(subset=["verified"])
    figure, axes = plt.subplots(figsize=(9, 3.6), layout="constrained")
    for k, (source, row) in enumerate(table.iterrows()):
        colour = f"C{k}"
        shares = [100 * row[name] / row["original"] for name in YIELD_NAMES]
        axes.plot(list(YIELD_NAMES.values()), shares, marker="o", markersize=4, color=colour, label=source)
        name = KINDS[source].mirrors if source in KINDS else source
        paper = TABLE_1.get(name, {})
        if paper.get("original"):
            share = 100 * paper["verified"] / paper["original"]
            axes.plot([5.15, 5.45], [share, share], color=colour, linestyle="--")
            axes.text(5.5, share, f"{name} {share:.0f}%", va="center", fontsize=7, color=colour)
    axes.text(5.15, 103, "in the paper (Table 1)", fontsize=7, color="0.3")
    axes.set(ylabel="records left (%)", ylim=(0, 108), xlim=(-0.2, 6.6), title=title)
    axes.legend(frameon=False, fontsize=8, loc="lower left", ncols=3)
    open_frame(axes)
    return figure
