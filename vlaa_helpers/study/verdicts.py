"""What a study says of a claim: it holds, it does not, or nobody can tell; and whether that depends on the base."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

HOLDS, FAILS, UNKNOWN = "holds", "does not hold", "cannot tell"
DEPENDS = "depends on the base"
COLUMNS = ("claim", "base", "effect", "low", "high", "at_least", "at_most")


def judge_effect(low: float, high: float, *, at_least: float = float("-inf"), at_most: float = float("inf")) -> str:
    """Hold an effect's 95% interval against the range that a claim allows.

    Args:
        low, high: of the interval.
        at_least, at_most: what the claim says of the effect. "Lowers accuracy" is `at_most=0`; "matches or beats" is
            `at_least=-0.02`, with a margin that is said.

    Returns:
        "holds" where the whole interval is in the range, "does not hold" where none of it is, else "cannot tell".

    >>> [judge_effect(*interval, at_least=0) for interval in ((0.02, 0.05), (-0.05, -0.02), (-0.1, 0.1))]
    ['holds', 'does not hold', 'cannot tell']
    """
    if at_least <= low and high <= at_most:
        return HOLDS
    return FAILS if high < at_least or low > at_most else UNKNOWN


def verdict_table(effects: "pd.DataFrame") -> "pd.DataFrame":
    """One row a claim: its effect on each base, and the verdict on all of them.

    A claim that holds on one base and fails on another "depends on the base". One that cannot be told on some bases,
    and is the same on the others, cannot be told.

    Args:
        effects: a row a claim and base, with `COLUMNS`, `at_least` and `at_most` blank where there is no bound;
            `reference_table("claims")` is one.

    Returns:
        By claim, in the order of the table: the effect with its interval on each base, how many bases that are, and
        `verdict`.

    Raises:
        ValueError: a column is absent, or a claim stands twice for one base.
    """
    import pandas as pd

    if missing := [name for name in COLUMNS if name not in effects]:
        raise ValueError(f"the table has no {', '.join(missing)}; it has {', '.join(map(str, effects.columns))}")
    if (twice := effects.duplicated(["claim", "base"])).any():
        raise ValueError(f"two rows for {effects.loc[twice.idxmax(), ['claim', 'base']].to_dict()}: expected one")
    bounds = effects[["at_least", "at_most"]].astype(float)
    ranges = zip(bounds["at_least"].fillna(float("-inf")), bounds["at_most"].fillna(float("inf")), strict=True)
    judged = [
        judge_effect(low, high, at_least=least, at_most=most)
        for low, high, (least, most) in zip(effects["low"], effects["high"], ranges, strict=True)
    ]
    rows = {}
    for claim, of in effects.assign(judged=judged).groupby("claim", sort=False):
        told = {row.base: f"{row.effect:+.3f} ({row.low:+.3f} to {row.high:+.3f})" for row in of.itertuples()}
        rows[claim] = told | {"bases": len(of), "verdict": _of_all(of["judged"])}
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("claim")
    return table[[*(name for name in table if name not in ("bases", "verdict")), "bases", "verdict"]]


def _of_all(judged: "pd.Series") -> str:
    found = set(judged)
    if found >= {HOLDS, FAILS}:
        return DEPENDS
    return found.pop() if len(found) == 1 else UNKNOWN
