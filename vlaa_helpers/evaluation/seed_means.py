"""What several training seeds of an arm say together, from a study's table."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

BOUNDS = {"accuracy": ("low", "high"), "change": ("change_low", "change_high")}


def across_seeds(table: "pd.DataFrame", value: str = "accuracy", *, by: str | Sequence[str] = "arm") -> "pd.DataFrame":
    """The mean of each arm over its seeds, with a 95% interval for other seeds and other questions.

    Seeds were asked the same questions, so that a lucky set of questions moves all of them: the interval adds that
    uncertainty, of which each row tells, to the spread between seeds (Student's t). With one seed it is that row's own
    interval, and says nothing about another training.

    Args:
        table: rows such as those of `reference_table("grpo_arms")`, of one set, decoding and source.
        value: "accuracy" or "change", the paired difference to the base.
        by: the column, or columns, that tell the arms apart.

    Returns:
        A row an arm, in the order of the table: `seeds`, `n` questions, the mean under the name of `value`, `low`,
        `high`, and the worst seed's share of `garbled` responses where the table says.

    Raises:
        ValueError: another value, a column that is absent, or two rows of one arm and seed.

    >>> import pandas as pd
    >>> rows = [("GRPO", seed, 100, right / 100, 0.6, 0.8) for seed, right in enumerate((70, 74, 72))]
    >>> found = across_seeds(pd.DataFrame(rows, columns=["arm", "seed", "n", "accuracy", "low", "high"]))
    >>> found.loc["GRPO"].round(3).tolist()
    [3.0, 100.0, 0.72, 0.608, 0.832]
    """
    import pandas as pd

    keys = [by] if isinstance(by, str) else list(by)
    _check(table, value, keys)
    rows = {}
    for key, runs in table.groupby(keys if len(keys) > 1 else keys[0], sort=False):
        mean, half = runs[value].mean(), _half_width(runs, value)
        row = {"seeds": len(runs), "n": runs["n"].max(), value: mean, "low": mean - half, "high": mean + half}
        rows[key] = row | ({"garbled": runs["garbled"].max()} if "garbled" in runs else {})
    found = pd.DataFrame.from_dict(rows, orient="index").rename_axis(keys if len(keys) > 1 else keys[0])
    floor = 0.0 if value == "accuracy" else -1.0
    found[["low", "high"]] = found[["low", "high"]].clip(floor, 1.0)
    return found.astype({"seeds": int, "n": int})


def _half_width(runs: "pd.DataFrame", value: str) -> float:
    from scipy.stats import t

    low, high = BOUNDS[value]
    questions = float((runs[high] - runs[low]).mean() / 2)
    if len(runs) == 1:
        return questions
    seeds = t.ppf(0.975, len(runs) - 1) * runs[value].std() / len(runs) ** 0.5
    return float(np.hypot(questions, seeds))


def _check(table: "pd.DataFrame", value: str, keys: Sequence[str]) -> None:
    if value not in BOUNDS:
        raise ValueError(f"no intervals for {value!r}; expected one of {', '.join(BOUNDS)}")
    wanted = [*keys, "seed", "n", value, *BOUNDS[value]]
    if missing := [name for name in wanted if name not in table]:
        raise ValueError(f"the table has no {', '.join(missing)}; it has {', '.join(map(str, table.columns))}")
    if (twice := table.duplicated([*keys, "seed"])).any():
        first = table.loc[twice.idxmax(), [*keys, "seed"]].to_dict()
        raise ValueError(
            f"two rows for {first}: choose one set, decoding and source first, for example "
            'table[(table["set"] == "test") & (table["decoding"] == "greedy") & (table["source"] == "all")]'
        )
