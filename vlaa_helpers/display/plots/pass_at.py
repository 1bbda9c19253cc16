"""pass@k of several arms, beside what guessing would reach."""

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt

from .garbled_runs import run_label, share_in_table
from .style import ARM_COLOURS, GUESS_LINE, open_frame

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def plot_pass_at(table: "pd.DataFrame", *, title: str, guess: "pd.DataFrame | None" = None) -> "Figure":
    """pass@k against k: a panel a source, a line an arm and seed with its 95% band, and guessing as a dashed line.

    Args:
        table: rows with `arm`, `source`, `k`, `pass_at`, `low` and `high` (0-1), such as those of
            `EvalReport.pass_curve`; with a `seed` each gets a line. The arms of `ARM_COLOURS` keep their colour; one
            that is more than 1% garbled in any row (`garbled`, 0-1) says so.
        guess: `guess_pass_curve` of the same records: how far luck goes. Sources that `table` lacks are left out.
        title: the message, as a sentence.
    """
    sources, ks = list(dict.fromkeys(table["source"])), sorted(table["k"].unique())
    labels = {arm: run_label(arm, share_in_table(rows)) for arm, rows in table.groupby("arm")}
    figure, panels = plt.subplots(
        1, len(sources), figsize=(max(4, 1.65 * len(sources)), 2.9), sharey=True, layout="constrained", squeeze=False
    )
    for axes, source in zip(panels[0], sources, strict=True):
        here = table[table["source"] == source]
        for place, (arm, runs) in enumerate(here.groupby("arm", sort=False)):
            colour = ARM_COLOURS.get(arm, f"C{place}")
            lines = [run for _, run in runs.groupby("seed")] if "seed" in runs else [runs]
            for k, run in enumerate(lines):
                label = labels[arm] if k == 0 else None
                axes.plot(run["k"], run["pass_at"], "o-", markersize=3, linewidth=1, color=colour, label=label)
                axes.fill_between(run["k"], run["low"], run["high"], color=colour, alpha=0.12, linewidth=0)
        if guess is not None:
            line = guess[guess["source"] == source]
            axes.plot(line["k"], line["pass_at"], **GUESS_LINE)
        axes.set_title(source, fontsize=9)
        axes.set(xscale="log", xlabel="k", ylim=(0, 1.02))
        axes.minorticks_off()
        axes.set_xticks(ks, [str(k) for k in ks])
        open_frame(axes)
    panels[0, 0].set_ylabel("pass@k")
    handles, words = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, words, loc="outside lower center", ncols=len(words), frameon=False, fontsize=8)
    figure.suptitle(title)
    return figure
