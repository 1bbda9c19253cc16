"""The figure of README.md, from the shipped tables: what training does to the mixture of styles, and to accuracy.

python -m vlaa_helpers.dev.readme_figure
"""

from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
from matplotlib.patches import Patch

from ..core.assets import ASSETS
from ..display.plots.style import ARM_COLOURS, STYLE_FILLS, open_frame
from ..evaluation.seed_means import across_seeds
from ..reference import reference_table

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROWS = {
    "base": ("sft_sizes", "base"),
    "SFT": ("sft_sizes", "2048 x 1"),
    "GRPO": ("grpo_arms", "mixed"),
    "SFT→GRPO": ("sft_then_grpo", "2048 x 1, GRPO"),
}
"""The policies of the chapters: table and arm."""
FIGURE = ASSETS.parents[1] / "docs" / "accuracy.png"


def policies() -> "pd.DataFrame":
    """Rows of the policies over all sources of the test set, each under the policy's name."""
    import pandas as pd

    parts = []
    for name, (table, arm) in ROWS.items():
        rows = reference_table(table)
        parts.append(rows[(rows["arm"] == arm) & (rows["source"] == "all") & (rows["set"] == "test")].assign(arm=name))
    return pd.concat(parts)


def draw(rows: "pd.DataFrame") -> "Figure":
    """Shares of the styles in sampled responses beside greedy and sampled accuracy, a row a policy."""
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(10, 2.9), sharey=True, layout="constrained", width_ratios=(1.15, 1)
    )
    _draw_styles(left, rows[rows["decoding"] == "sampled"])
    for decoding, marker in (("greedy", "o"), ("sampled", "D")):
        found = across_seeds(rows[rows["decoding"] == decoding])
        for place, name in enumerate(ROWS):
            mean, low, high = 100 * found.loc[name, ["accuracy", "low", "high"]]
            colour = ARM_COLOURS[name]
            right.plot([low, high], [place] * 2, color=colour, linewidth=2)
            right.plot(mean, place, marker, color=colour, markerfacecolor=colour if marker == "o" else "white")
    right.set(
        xlim=(0, 100), xlabel="accuracy on held-out pictures (%): ● greedy, ◇ sampled", title="How often it is right"
    )
    left.set_yticks(range(len(ROWS)), list(ROWS))
    left.invert_yaxis()
    open_frame(right)
    return figure


def _draw_styles(axes: "Axes", rows: "pd.DataFrame") -> None:
    shares = rows.groupby("arm")[list(STYLE_FILLS)].mean()
    for place, name in enumerate(ROWS):
        start = 0.0
        for style, (colour, hatch) in STYLE_FILLS.items():
            share = 100 * shares.loc[name, style]
            axes.barh(place, share, 0.7, left=start, facecolor=colour, hatch=hatch, edgecolor="white")
            start += share
    seen = [style for style in STYLE_FILLS if shares[style].max() >= 0.005]
    handles = [Patch(facecolor=STYLE_FILLS[style][0], hatch=STYLE_FILLS[style][1], edgecolor="white") for style in seen]
    axes.legend(
        handles, seen, ncols=len(seen), loc="upper center", bbox_to_anchor=(0.5, -0.22), frameon=False, fontsize=8
    )
    axes.set(xlim=(0, 100), title="How it answers (sampled responses, %)")
    open_frame(axes)


def main() -> None:
    draw(policies()).savefig(FIGURE, dpi=110)
    print(f"{Path(FIGURE).name} is written")


if __name__ == "__main__":
    main()
