"""By how much arms of a study differ, with an interval for other questions and other training seeds."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..core.statistics import clustered_interval

if TYPE_CHECKING:
    import pandas as pd


def sum_of_means(
    parts: "Sequence[tuple[int, str, pd.DataFrame]]", value: str, *, level: float = 0.95
) -> tuple[float, float, float]:
    """A sum of arms' means, each with its sign, and its interval over questions and seeds (`clustered_interval`).

    Args:
        parts: sign (+1 or -1), name of the policy, and its responses with `id`, `seed` and the value; rows where it is
            blank are left out.
        value: the column.
        level: of the interval.
    """
    total, pulls, items, seeds, arms = 0.0, [], [], [], []
    for sign, name, rows in parts:
        told = rows.dropna(subset=[value])
        kept = told[value].to_numpy(dtype=float)
        total += sign * kept.mean()
        pulls.append(sign * (kept - kept.mean()) / len(kept))
        items += list(told["id"])
        seeds += list(told["seed"])
        arms += [name] * len(told)
    low, high = clustered_interval(total, np.concatenate(pulls), items=items, seeds=seeds, arms=arms, level=level)
    return float(total), low, high


def compare_arms(
    outcomes: "pd.DataFrame", after: str, before: str, value: str = "correct", *, level: float = 0.95
) -> "pd.Series":
    """An arm's mean minus another's, with an interval: what other questions and another training could have given.

    Whether two intervals overlap says little of the difference: both arms answered the same questions, which this
    takes into account.

    Args:
        outcomes: a row a response with `arm`, `seed`, `id` and the value, such as `study_outcomes("sft_or_rl")`, of
            one set, decoding and choice of sources.
        after, before: names of the arms.
        value: a column of numbers or of True and False; rows where it is blank are left out.
        level: of the interval, 0 to 1.

    Returns:
        `difference`, `low`, `high`, `n` questions and `seeds`, those of the arm that has fewer.

    Raises:
        ValueError: an absent column, an arm without rows, or questions that only one of the arms was asked.

    >>> import pandas as pd
    >>> rows = [(arm, seed, k, k < right + seed) for arm, right in (("GRPO", 6), ("base", 3)) for seed in (0, 1, 2)
    ...         for k in range(10)]
    >>> compare_arms(pd.DataFrame(rows, columns=["arm", "seed", "id", "correct"]), "GRPO", "base").round(2).to_dict()
    {'difference': 0.3, 'low': 0.01, 'high': 0.59, 'n': 10.0, 'seeds': 3.0}
    """
    import pandas as pd

    if missing := [name for name in ("arm", "seed", "id", value) if name not in outcomes]:
        raise ValueError(f"the table has no {', '.join(missing)}; it has {', '.join(map(str, outcomes.columns))}")
    rows = {arm: outcomes[outcomes["arm"] == arm] for arm in (after, before)}
    for arm, part in rows.items():
        if part.empty:
            arms = ", ".join(map(str, outcomes["arm"].unique()))
            raise ValueError(f"no response of {arm!r}; the table has {arms or 'no rows'}")
    asked = {arm: set(part["id"]) for arm, part in rows.items()}
    if alone := asked[after] ^ asked[before]:
        raise ValueError(f"{len(alone)} questions were put to one of the arms alone, such as {min(alone)!r}")
    found = sum_of_means([(+1, after, rows[after]), (-1, before, rows[before])], value, level=level)
    seeds = min(part["seed"].nunique() for part in rows.values())
    return pd.Series([*found, len(asked[after]), seeds], index=["difference", "low", "high", "n", "seeds"])
