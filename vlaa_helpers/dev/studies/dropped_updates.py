"""How much of an update can be done without: accuracy of the shipped policies as coordinates of what they learned go.

python -m vlaa_helpers.dev.studies.dropped_updates --out runs/dropped_updates [--ship]

A share of the coordinates of each layer's update is set to 0, the smallest ones or random ones, and the same held-out
questions are asked greedily. To drop random ones makes an update smaller in the direction that it has and adds noise;
the control scales it down by the same share without noise. Of "SFT→GRPO" only what GRPO added to SFT is thinned out. It
takes minutes on one thread (`seconds`); set OMP_NUM_THREADS=1. `--ship` puts the table into the package.

MIFO (arXiv 2510.04454, second-hand) reports that half of SFT's update could be dropped at random for 0.7 points, and
half of RL's for 4.2; these are other models, and all weights trained. Here it is one draw of random coordinates and 150
questions, whose intervals are wider than that.
"""

import argparse
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import pandas as pd

from ...core.assets import STUDIES
from ...display.plots.style import ARM_COLOURS, open_frame
from ...evaluation.eval_report import EvalReport, compare_reports
from ...evaluation.runner import evaluate
from ...policy.loading import load_policy
from ...policy.profiles import Profile, get_profile
from ...policy.weight_updates import adapter_updates, apply_updates, drop_updates
from ...reference import held_out, policy_adapter
from .tables import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import Tensor

ARMS = {"SFT": ("SFT", None), "GRPO": ("GRPO", None), "SFT→GRPO": ("SFT→GRPO", "SFT")}
"""Adapter of each arm, and the one that its last training began with."""
WAYS = {"smallest": "the smallest coordinates go", "random": "random ones go", "scaled": "all are scaled down"}
SHARES = (0.5, 0.75, 0.9, 0.97)
PER_SOURCE = 25


def measure(profile: Profile, *, per_source: int, shares: Sequence[float]) -> pd.DataFrame:
    """Accuracy of each arm without shares of its update.

    Returns:
        A row an arm, `which` coordinates and `share` dropped (0 and 1 too): `n` questions, `accuracy`; `change` from
        the whole update in the same questions, with its 95% bounds `low` and `high`; `garbled`; `norm` of the whole
        update over all layers, and what is `left` of it, as a share; and `seconds`.
    """
    model, processor = load_policy(profile.replace(load_in_4bit=False), trainable=False)
    records, rows = held_out("test", per_source), []
    for arm in ARMS:
        whole = None
        ends = [("smallest", 0.0), ("smallest", 1.0)]  # which are the same in every way
        for which, share in [*ends, *((which, share) for which in WAYS for share in shares)]:
            begin = time.perf_counter()
            updates, norm, left = thinned(arm, which, share)
            with apply_updates(model, updates):
                report = evaluate(model, processor, records)
            whole = whole or report
            row = {"arm": arm, "which": which, "share": share, **_compared(whole, report), "norm": norm, "left": left}
            row["seconds"] = round(time.perf_counter() - begin, 1)
            rows += [row] if 0 < share < 1 else [row, *({**row, "which": way, "seconds": 0.0} for way in [*WAYS][1:])]
    return pd.DataFrame(rows).sort_values(["arm", "which", "share"], ignore_index=True)


def thinned(arm: str, which: Any, share: float) -> "tuple[dict[str, Tensor], float, float]":
    """What an arm adds to each layer without a share of its update; the update's norm, and the share of that left."""
    adapter, start = (each and policy_adapter(each) for each in ARMS[arm])
    update = dict(adapter_updates(adapter, start=start))
    began = dict(adapter_updates(start)) if start else {}
    if which == "scaled":
        left = {name: began.get(name, 0) + (1 - share) * each for name, each in update.items()}
    else:
        left = drop_updates(adapter, share, start=start, which=which)
    whole = _norm(update.values())
    return left, whole, _norm(each - began.get(name, 0) for name, each in left.items()) / whole


def _norm(tensors: "Iterable[Tensor]") -> float:
    return sum(float(each.square().sum()) for each in tensors) ** 0.5


def _compared(whole: EvalReport, report: EvalReport) -> dict[str, float]:
    found = compare_reports(whole, report)
    row = {"n": found.n, "accuracy": report.accuracy, "change": found.difference, "low": found.low, "high": found.high}
    return row | {"garbled": report.garbled}


def draw(table: pd.DataFrame) -> "Figure":
    """Accuracy against the share that is dropped: a panel a choice of coordinates, a line an arm."""
    figure, panels = plt.subplots(1, len(WAYS), figsize=(10, 3), sharey=True, layout="constrained")
    for axes, (which, title) in zip(panels, WAYS.items(), strict=True):
        for arm, rows in table[table["which"] == which].groupby("arm", sort=False):
            whole = rows["accuracy"].iloc[0]
            axes.plot(rows["share"], rows["accuracy"], "o-", markersize=3, color=ARM_COLOURS[arm], label=arm)
            bounds = (whole + rows["low"], whole + rows["high"])
            axes.fill_between(rows["share"], *bounds, color=ARM_COLOURS[arm], alpha=0.12, linewidth=0)
        axes.set(title=title, xlabel="share of the update left out", ylim=(0, 1))
        open_frame(axes)
    panels[0].set_ylabel(f"greedy accuracy, n = {table['n'].iloc[0]}")
    panels[0].legend(frameon=False, fontsize=8)
    figure.suptitle(
        "What is left of accuracy without a share of what was learned (bands: the change, 95%)", fontsize=10
    )
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/dropped_updates"), help="folder for table and figure")
    parser.add_argument("--per-source", type=int, default=PER_SOURCE, help="held-out questions of each source")
    parser.add_argument("--ship", action="store_true", help="put the table into the package")
    options = parser.parse_args()
    table = measure(get_profile("mini"), per_source=options.per_source, shares=SHARES)
    options.out.mkdir(parents=True, exist_ok=True)
    for path in [options.out / "table.csv", *([STUDIES / "dropped_updates.csv"] if options.ship else [])]:
        write_whole(table.round(4), path)
    draw(table).savefig(options.out / "curve.png", dpi=110)
    print(table.round(3).to_string(index=False))
    print(f"table.csv and curve.png are in {options.out}; {table['seconds'].sum():.0f} s")


if __name__ == "__main__":
    main()
