"""Differences within a question: between policies, and between responses of one policy with and without something.

Policies answer the same questions, and hard ones draw other traces than easy ones. A difference of means over all
responses mixes both; here each question is compared with itself, and questions that lack one of the two sides are
counted and left out. Tables are those of `strata`.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..core.statistics import clustered_interval, seeds_interval
from .strata import check_columns

if TYPE_CHECKING:
    import pandas as pd


def compare_policies(
    table: "pd.DataFrame", scores: str | Sequence[str] = "pseudo", *, first: str = "base"
) -> "pd.DataFrame":
    """The difference of each policy from the first one on the same questions, over all sources and in each.

    To hold correctness still as well, pass right responses alone, `table[table["correct"]]`: a question then counts
    where both policies got it right at least once.

    Args:
        table: a row a response, with `arm`, `seed`, `id`, `source` and the scores.
        scores: columns to compare, numbers or booleans; a response without one (NaN) is left out there.
        first: the arm that the others are compared with.

    Returns:
        A row for each other arm, source ("all" first) and measure: `arm`, `source`, `measure`, `questions` (that both
        arms have), `of` (that either was asked), `seeds` (of the arm), `first` and `mean` (means over these questions,
        each weighing the same), `difference` with its 95% interval over questions and the seeds of both arms, `low`
        and `high`. NaN where no question has both.

    Raises:
        ValueError: no such arm, or a column that the table lacks.
    """
    import pandas as pd

    names = [scores] if isinstance(scores, str) else list(scores)
    check_columns(table, "arm", "seed", "id", "source", *names)
    arms = list(table["arm"].unique())
    if first not in arms:
        raise ValueError(f"no arm {first!r} to compare with; the table has {', '.join(map(str, arms))}. Pass first=…")
    sources = [("all", table), *table.groupby("source", sort=False)]
    rows = [
        {"arm": arm, "source": source, "measure": name, **_difference(part, name, first, arm)}
        for arm in arms
        if arm != first
        for source, part in sources
        for name in names
    ]
    return pd.DataFrame(rows)


def _difference(table: "pd.DataFrame", name: str, first: str, arm: str) -> dict[str, float]:
    import pandas as pd

    asked = table[table["arm"].isin((first, arm))]
    cells = asked.assign(**{name: asked[name].astype(float)}).dropna(subset=[name])
    cells = cells.groupby(["arm", "seed", "id"], sort=False)[name].mean().reset_index()
    sides = {side: cells[cells["arm"] == side] for side in (first, arm)}
    both = set(sides[first]["id"]) & set(sides[arm]["id"])
    counts = {"questions": len(both), "of": asked["id"].nunique()}
    kept, pulls, means = [], [], []
    for sign, side in ((-1, first), (1, arm)):
        part = sides[side][sides[side]["id"].isin(both)]
        values = part[name].to_numpy(dtype=float)
        weights = 1 / part.groupby("id")["seed"].transform("size").to_numpy() / max(1, len(both))
        means.append(float((weights * values).sum()) if both else float("nan"))
        pulls.append(sign * weights * (values - means[-1]))
        kept.append(part)
    counts["seeds"] = kept[1]["seed"].nunique()
    change, cells = means[1] - means[0], pd.concat(kept)
    low = high = float("nan")
    if both:
        grouped = {"items": cells["id"], "seeds": cells["seed"], "arms": cells["arm"]}
        low, high = clustered_interval(change, np.concatenate(pulls), **grouped)
    return {**counts, "first": means[0], "mean": means[1], "difference": change, "low": low, "high": high}


def compare_within_questions(table: "pd.DataFrame", mark: Sequence[bool], score: str = "correct") -> "pd.DataFrame":
    """The difference between responses with and without something, of the same policy to the same question.

    Whether a response with a cue is right more often than one without, for example. It is no effect of the cue: the
    policy may use cues where it is unsure of this very question.

    Args:
        table: a row a response, with `arm`, `seed`, `id` and the score; several sampled responses a question.
        mark: for each response whether it has that something, such as `table["cues"] > 0`.
        score: the column to compare, a number or boolean; unanswered responses are not correct.

    Returns:
        A row for each arm: `arm`, `marked` and `n` (responses with the mark, and all), `pairs` (questions of a seed
        that have responses of both sorts; only they are compared), `of` (all questions of all seeds), `with_mark` and
        `without` (means over the pairs), `difference` with its 95% interval over questions and seeds, `low` and `high`.
        NaN where there is no pair.

    Raises:
        ValueError: not one mark a response, or a column that the table lacks.
    """
    import pandas as pd

    check_columns(table, "arm", "seed", "id", score)
    marks = np.asarray(mark, dtype=bool)
    if len(marks) != len(table):
        raise ValueError(f"{len(marks)} marks for {len(table)} responses; expected one each, such as table['cues'] > 0")
    table = table.assign(marked=marks, value=table[score].astype(float)).dropna(subset=["value"])
    rows = []
    for arm, part in table.groupby("arm", sort=False):
        cells = part.groupby(["seed", "id", "marked"])["value"].mean().unstack("marked")
        cells = cells.reindex(columns=[True, False])
        pairs = cells.dropna().reset_index()
        change = pairs[True] - pairs[False]
        low, high = seeds_interval(change, items=pairs["id"], seeds=pairs["seed"])
        row = {"arm": arm, "marked": int(part["marked"].sum()), "n": len(part), "pairs": len(pairs), "of": len(cells)}
        row |= {"with_mark": pairs[True].mean(), "without": pairs[False].mean(), "difference": change.mean()}
        rows.append({**row, "low": low, "high": high})
    return pd.DataFrame(rows)
