"""How high the relevant one stands among candidates: reciprocal rank and hits at 1, with intervals."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..core.statistics import seeds_interval

if TYPE_CHECKING:
    import pandas as pd

MEASURES = {"reciprocal_rank": "mrr", "hit_at_1": "hits_at_1"}
"""Of a query, and the mean over queries."""


def rank_measures(scores: "np.ndarray | Sequence", relevant: "np.ndarray | Sequence") -> "pd.DataFrame":
    """The reciprocal rank of the relevant candidate of each query, and whether it stands first.

    Candidates with equal scores stand in any order with equal chance, and what is given is the expectation: a scorer
    that says the same of all has a hit at 1 in one of so many, and not always or never.

    Args:
        scores: shape (queries, candidates), higher is better.
        relevant: the same shape, true for one candidate a query.

    Returns:
        A row a query: `reciprocal_rank` and `hit_at_1`, 0-1.

    Raises:
        ValueError: other shapes, scores that are not finite, or a query without exactly one relevant candidate.

    >>> rank_measures([[3.0, 1.0, 2.0], [1.0, 3.0, 2.0], [1.0, 1.0, 0.0]], [[True, False, False]] * 3)
       reciprocal_rank  hit_at_1
    0         1.000000       1.0
    1         0.333333       0.0
    2         0.750000       0.5
    """
    import pandas as pd

    values, right = np.asarray(scores, dtype=float), np.asarray(relevant, dtype=bool)
    if values.ndim != 2 or values.shape != right.shape:
        raise ValueError(f"expected one shape (queries, candidates), got scores {values.shape}, relevant {right.shape}")
    if not np.isfinite(values).all():
        raise ValueError(f"{int((~np.isfinite(values)).sum())} of {values.size} scores are not finite")
    if odd := int((right.sum(axis=1) != 1).sum()):
        raise ValueError(f"{odd} of {len(right)} queries have none or several relevant candidates; expected one each")
    own = values[right][:, None]  # (queries, 1)
    above, ties = (values > own).sum(axis=1), (values == own).sum(axis=1)  # the relevant one ties with itself
    ranks = [1 / np.arange(first + 1, first + count + 1) for first, count in zip(above, ties, strict=True)]
    return pd.DataFrame(
        {"reciprocal_rank": [float(each.mean()) for each in ranks], "hit_at_1": np.where(above == 0, 1 / ties, 0.0)}
    )


def ranking_table(measures: "pd.DataFrame", *, by: str | Sequence[str] = "arm") -> "pd.DataFrame":
    """Mean reciprocal rank (MRR) and hits at 1 of several arms, with 95% intervals over queries and training seeds.

    Args:
        measures: rows of `rank_measures` with columns `query` and `seed` and the columns of `by`; every arm of the same
            queries. With one seed an interval holds for other queries alone (`seeds_interval`).
        by: what tells arms apart.

    Returns:
        A row an arm, in the order in which they come: `n` queries, `seeds`, `mrr` with `mrr_low` and `mrr_high`, and
        `hits_at_1` with its own bounds; all 0-1.

    Raises:
        ValueError: a column is absent, or a query comes twice in an arm and seed.
    """
    import pandas as pd

    keys = [by] if isinstance(by, str) else list(by)
    needed = [*keys, "query", "seed", *MEASURES]
    if missing := [name for name in needed if name not in measures]:
        raise ValueError(f"no column {missing[0]!r}; the table has {', '.join(map(str, measures.columns))}")
    if twice := int(measures.duplicated([*keys, "query", "seed"]).sum()):
        raise ValueError(f"{twice} rows are of a query that its arm and seed have already; name what differs in by=")
    found = {}
    for arm, rows in measures.groupby(by, sort=False):
        row: dict[str, float] = {"n": rows["query"].nunique(), "seeds": rows["seed"].nunique()}
        for name, mean in MEASURES.items():
            low, high = seeds_interval(rows[name], items=rows["query"], seeds=rows["seed"])
            row |= {mean: float(rows[name].mean()), f"{mean}_low": max(0.0, low), f"{mean}_high": min(1.0, high)}
        found[arm] = row
    table = pd.DataFrame.from_dict(found, orient="index").astype({"n": int, "seeds": int})
    table.index = table.index.set_names(keys)
    return table
