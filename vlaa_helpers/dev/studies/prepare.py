"""Which SFT prepares for RL: ranks before and after RL, drift and weights, from the arms of the plan `prepare`.

python -m vlaa_helpers.dev.studies.ship prepare

writes the study's table and outcomes, and these three beside them:
`prepare_runs`, a row an arm and seed: how far RL moved the adapters (`drift_columns`), what the weights of the SFT loss
were like before and after it (`study/weights.py`), which hints TRAPO gave and what phases learned;
`prepare_ranks`: whether the better arm before RL is the better one after it (`rank_table`);
`prepare_arms`, a row an arm: its rank before RL and after it, with intervals (`arm_ranks`).
"""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...evaluation.predictors import rank_interval
from ...policy.weight_updates import adapter_updates
from ...study.arms import Arm, Lab, arm_digest
from ...study.traces import SHARED
from ...study.training import arm_folder, notes_of
from .arm_ranks import WAYS, WRITERS, arm_ranks, followers, goes_on
from .outcomes import read_outcomes
from .tables import plan_table, write_whole

if TYPE_CHECKING:
    import pandas as pd

NAME = "prepare"
COSTS = ("seconds", "samples", "tokens")
PARTS = 4
"""Parts of a run with hints, of as many steps each."""


def drift_columns(after: Path, start: Path | None) -> dict[str, float]:
    """How far a training moved the weights, by the products of adapters.

    Args:
        after, start: folders of the adapters; None where the training began with the base.

    Returns:
        `drift`, the norm of what was added to all weights; where there is a start `start_norm`, that of what the start
        adds to the base, `drift_share`, the one over the other, and `drift_cosine` of both, -1 to 1.
    """
    added = _squares(after, start)
    if start is None:
        return {"drift": math.sqrt(added)}
    began, crossed = 0.0, 0.0
    for (name, whole), (same, first) in zip(adapter_updates(after), adapter_updates(start), strict=True):
        if name != same:
            raise ValueError(f"layers {name} and {same} stand at one place; expected adapters of one training")
        began += float(first.double().square().sum())
        crossed += float((first.double() * (whole - first).double()).sum())
    norms = math.sqrt(added), math.sqrt(began)
    share = norms[0] / norms[1] if began else float("nan")
    cosine = crossed / (norms[0] * norms[1]) if added and began else float("nan")
    return {"drift": norms[0], "start_norm": norms[1], "drift_share": share, "drift_cosine": cosine}


def _squares(adapter: Path, start: Path | None) -> float:
    return sum(float(each.double().square().sum()) for _, each in adapter_updates(adapter, start=start))


def run_columns(arm: Arm, lab: Lab) -> dict[str, Any] | None:
    """What is known of an arm's training beside its accuracy; None where its adapter, or its start's, is not there."""
    after = arm_folder(arm, lab) / "adapter"
    start = arm_folder(arm.start, lab) / "adapter" if arm.start else None
    if arm.stage is None or not all(folder is None or folder.exists() for folder in (after, start)):
        return None
    notes = {name: value for name, value in notes_of(arm, lab).items() if name not in COSTS}
    return {**drift_columns(after, start), **notes, **hint_columns(arm_folder(arm, lab) / "log.csv")}


def hint_columns(log: Path) -> dict[str, float]:
    """The share of completions with a hint, and the mean reward, in each part of a run; nothing without hints."""
    import pandas as pd

    table = pd.read_csv(log) if log.exists() else pd.DataFrame()
    if "hints/share" not in table:
        return {}
    table = table.dropna(subset=["hints/share"])
    part = (table["step"] - 1) * PARTS // table["step"].max() + 1
    means = table.groupby(part)[["hints/share", "reward"]].mean()
    names = {"hints/share": "hints", "reward": "reward"}
    return {f"{names[name]}_part_{k}": float(value) for name in names for k, value in means[name].items()}


def pairs(table: "pd.DataFrame", sources: Sequence[str] = SHARED) -> "pd.DataFrame":
    """Accuracy before and after RL of each SFT arm and seed, over the sources that it was trained on.

    Args:
        table: of the study.
        sources: that are asked about, as many questions of each.

    Returns:
        A row an arm of SFT, seed, set and decoding: `writer`, `weights`, `before`, `after`; those without both are
        left out.
    """
    asked = table[table["source"].isin(sources)]
    keys = ["arm", "seed", "set", "decoding"]
    means = asked.groupby(keys, as_index=False)["accuracy"].mean()
    about = asked.drop_duplicates(["arm", "seed"])[["arm", "seed", "start", "stage", "traces", "weights"]]
    before = means.merge(about[about["stage"] == "Sft"], on=["arm", "seed"])
    after = means.merge(about[goes_on(about)][["arm", "seed", "start"]], on=["arm", "seed"])
    found = before.merge(
        after, left_on=keys, right_on=["start", *keys[1:]], suffixes=("", "_after"), validate="one_to_one"
    )
    found = found.assign(weights=found["weights"].fillna("sft"))
    found = found.rename(columns={"traces": "writer", "accuracy": "before", "accuracy_after": "after"})
    return found[["arm", "writer", "weights", "seed", "set", "decoding", "before", "after"]]


def rank_table(found: "pd.DataFrame") -> "pd.DataFrame":
    """Whether the better arm before RL is the better one after it.

    Args:
        found: of `pairs`.

    Returns:
        A row a writer ("all": both together), set and decoding: `n` arms and `seeds`; `spearman` of accuracy before RL
        with that after it, of means over seeds, with `rho_low` and `rho_high` for other arms (`rank_interval`);
        `by_seed`, the mean of the correlations of each seed, with `low` and `high`, 95%, for other seeds (Student's,
        cut at -1 and 1; NaN with one seed); `repeats`, the mean correlation of accuracy after RL between two
        seeds: near 0, one seed's ranking is mostly chance (means over seeds repeat better than that); and
        `range_before` and `range_after`, from the worst arm to the best.
    """
    import pandas as pd
    from scipy.stats import spearmanr

    rows = []
    for writer in (*WRITERS, "all"):
        for held, decoding in WAYS:
            here = found[(found["set"] == held) & (found["decoding"] == decoding)]
            here = here if writer == "all" else here[here["writer"] == writer]
            wide = {name: here.pivot(index="arm", columns="seed", values=name).dropna() for name in ("before", "after")}
            if len(wide["before"]) < 4:
                continue
            before, after = wide["before"], wide["after"].loc[wide["before"].index]
            means = before.mean(axis=1), after.mean(axis=1)
            rho = _rho(*means)
            rho_low, rho_high = rank_interval(rho, len(before))
            by_seed = [_rho(before[seed], after[seed]) for seed in before]
            row = {"writer": writer, "set": held, "decoding": decoding, "n": len(before), "seeds": before.shape[1]}
            row |= {"spearman": rho, "rho_low": rho_low, "rho_high": rho_high, **_over_seeds(by_seed)}
            between = [spearmanr(after[a], after[b]).statistic for a, b in combinations(after, 2)]
            row |= {"repeats": float(np.mean(between)) if between else float("nan")}
            rows.append(row | {f"range_{name}": float(np.ptp(of)) for name, of in zip(wide, means, strict=True)})
    return pd.DataFrame(rows)


def _rho(before: Any, after: Any) -> float:
    from scipy.stats import spearmanr

    flat = np.ptp(before) == 0 or np.ptp(after) == 0
    return float("nan") if flat else float(spearmanr(before, after).statistic)


def _over_seeds(values: Sequence[float]) -> dict[str, float]:
    from scipy.stats import t

    mean, n = float(np.mean(values)), len(values)
    half = float(t.ppf(0.975, n - 1) * np.std(values, ddof=1) / math.sqrt(n)) if n > 1 else float("nan")
    low, high = (bound if math.isnan(bound) else min(1.0, max(-1.0, bound)) for bound in (mean - half, mean + half))
    return {"by_seed": mean, "low": low, "high": high}


def ship_runs(arms: Sequence[Arm], lab: Lab, tables: Path) -> "pd.DataFrame":
    """Put `prepare_runs`, `prepare_ranks` and `prepare_arms` into the package, of the arms that the table there has.

    What the package holds of an arm whose folder is gone stays.
    """
    import pandas as pd

    path, table = tables / f"{NAME}_runs.csv", pd.read_csv(plan_table(NAME, tables))
    kept = pd.read_csv(path) if path.exists() else pd.DataFrame(columns=["policy"])
    rows: list[Mapping] = []
    for arm in arms:
        digest = arm_digest(arm, lab)
        found = run_columns(arm, lab)
        if found is None:
            same = kept[(kept["policy"] == digest) & (kept["arm"] == arm.name)] if len(kept) else kept
            rows += same.to_dict("records")
        else:
            known = {"arm": arm.name, "seed": arm.seed, "policy": digest}
            rows.append(known | {name: round(value, 5) for name, value in found.items()})
    if rows:
        write_whole(pd.DataFrame(rows), path)
    if not {"weights", "start"} <= set(table):  # no arm of SFT and no GRPO after one is done
        return pd.DataFrame()
    ranks, places = rank_table(pairs(table)), arm_ranks(read_outcomes(NAME, tables), followers(table))
    for name, found in (("ranks", ranks), ("arms", places)):
        if len(found):
            write_whole(found.round(4), tables / f"{NAME}_{name}.csv")
    return ranks
