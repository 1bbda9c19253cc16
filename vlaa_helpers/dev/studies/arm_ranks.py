"""The rank of each SFT arm before RL and after it, with intervals, from the outcomes of the study `prepare`."""

import math
from typing import TYPE_CHECKING

import numpy as np

from ...study.traces import SHARED

if TYPE_CHECKING:
    import pandas as pd

DRAWS = 2000
WRITERS = ("own", "blind")
WAYS = (("test", "greedy"), ("test", "sampled"), ("shifted", "greedy"))


def followers(table: "pd.DataFrame") -> "pd.DataFrame":
    """The arms of SFT that GRPO goes on from.

    Args:
        table: of the study.

    Returns:
        A row an arm: `arm`, `after`, the name of the arm of GRPO, `writer` of the traces and `weights`.
    """
    about = table.drop_duplicates("arm")
    before = about.loc[about["stage"] == "Sft", ["arm", "traces", "weights"]]
    after = about.loc[goes_on(about), ["arm", "start"]].rename(columns={"arm": "after", "start": "arm"})
    found = before.merge(after, on="arm", validate="one_to_one").rename(columns={"traces": "writer"})
    return found.assign(weights=found["weights"].fillna("sft"))[["arm", "after", "writer", "weights"]]


def goes_on(about: "pd.DataFrame") -> "pd.Series":
    """Which rows of a study's table are of GRPO that goes on from another arm, and not from the base."""
    return (about["stage"] == "Grpo") & about["start"].fillna("").ne("")


def arm_ranks(outcomes: "pd.DataFrame", arms: "pd.DataFrame", *, seed: int = 0) -> "pd.DataFrame":
    """Where each arm stands among the others before RL and after it; 1 is the best.

    The intervals hold for other questions and other seeds: both are drawn anew, the same for all arms, because all
    answered the same questions and a seed gives all arms the same traces and prompts. What seeds add is stretched by
    sqrt(seeds / (seeds - 1)), as few of them drawn anew vary too little. With one seed they hold for other questions
    alone. Overlap does not show that two arms are alike: their paired difference (`compare_policies`) tells more.

    Args:
        outcomes: of `study_outcomes`; questions of the sources that the arms were trained on are counted.
        arms: of `followers`.
        seed: of the draws.

    Returns:
        A row a writer ("all": both together), set, decoding and arm: `weights`, `n` questions and `seeds`; accuracy
        `before` and `after`; `rank_before` and `rank_after`, each with its 95% bounds `…_low` and `…_high`, and
        `climb`, the ranks won by RL, with its own. Arms without outcomes of all seeds that the others have are left
        out.
    """
    import pandas as pd

    asked, rows = outcomes[outcomes["source"].isin(SHARED)], []
    for held, decoding in WAYS:
        here = asked[(asked["set"] == held) & (asked["decoding"] == decoding)]
        wide = here.pivot_table(index="id", columns=["arm", "seed"], values="correct", observed=True)
        for writer in (*WRITERS, "all"):
            some = arms if writer == "all" else arms[arms["writer"] == writer]
            some, seeds = _whole(some, set(wide.columns))
            if len(some) < 2:
                continue
            known = {"writer": writer, "set": held, "decoding": decoding}
            table = _ranked(wide, some, seeds, np.random.default_rng(seed))
            rows.append(table.assign(**known)[[*known, *table.columns]])
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame()


def _whole(arms: "pd.DataFrame", there: set) -> "tuple[pd.DataFrame, list[int]]":
    """Arms that were asked before RL and after it, in as many seeds as any of them, and these seeds."""
    of = {
        row.arm: {seed for name, seed in there if name == row.arm and (row.after, seed) in there}
        for row in arms.itertuples()
    }
    seeds = max(of.values(), key=len, default=set())
    return arms[[bool(seeds) and of[name] >= seeds for name in arms["arm"]]], sorted(seeds)


def _ranked(wide: "pd.DataFrame", arms: "pd.DataFrame", seeds: list[int], rng: np.random.Generator) -> "pd.DataFrame":
    sides = {
        when: np.stack([wide[[(name, seed) for seed in seeds]].to_numpy() for name in names], axis=1)
        for when, names in (("before", arms["arm"]), ("after", arms["after"]))
    }  # (questions, arms, seeds)
    asked = ~np.isnan(np.concatenate([*sides.values()], axis=1)).any(axis=(1, 2))
    n = int(asked.sum())
    questions = rng.multinomial(n, np.full(n, 1 / n), size=DRAWS) / n  # (draws, questions)
    trainings = rng.multinomial(len(seeds), np.full(len(seeds), 1 / len(seeds)), size=DRAWS) / len(seeds)
    table = arms[["arm", "weights"]].assign(n=n, seeds=len(seeds)).reset_index(drop=True)
    drawn = {}
    for when, values in sides.items():
        values = values[asked]
        table[when] = values.mean(axis=(0, 2)).round(4)
        drawn[when] = _places(_drawn_means(values, questions, trainings))
        table[f"rank_{when}"] = _places(values.mean(axis=(0, 2))[None])[0]
        table[[f"rank_{when}_low", f"rank_{when}_high"]] = _bounds(drawn[when])
    table["climb"] = table["rank_before"] - table["rank_after"]
    table[["climb_low", "climb_high"]] = _bounds(drawn["before"] - drawn["after"])
    return table


def _drawn_means(values: np.ndarray, questions: np.ndarray, trainings: np.ndarray) -> np.ndarray:
    """Means of arms over drawn questions and seeds; shape (draws, arms)."""
    of_seeds = np.einsum("dq,qas->das", questions, values, optimize=True)
    usual, drawn = of_seeds.mean(axis=2), (of_seeds * trainings[:, None, :]).sum(axis=2)
    seeds = values.shape[2]
    return usual + (drawn - usual) * (math.sqrt(seeds / (seeds - 1)) if seeds > 1 else 0.0)


def _places(means: np.ndarray) -> np.ndarray:
    """Ranks along the last axis, 1 for the highest; equal means share the mean of their places."""
    from scipy.stats import rankdata

    return rankdata(-means.round(9), axis=-1)


def _bounds(drawn: np.ndarray) -> np.ndarray:
    return np.percentile(drawn, [2.5, 97.5], axis=0).T
