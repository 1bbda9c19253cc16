"""What is known of a policy before RL, held against how well it does after RL (arXiv 2510.01624)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..core.statistics import Z95

if TYPE_CHECKING:
    import pandas as pd

DRAWS = 4000
"""Resamples of the arms, for an interval."""


def predictor_table(arms: "pd.DataFrame", predictors: Sequence[str], target: str, *, seed: int = 0) -> "pd.DataFrame":
    """How well each number that is known before RL tells which arm will be best after RL.

    Eight or ten arms say little about the arms that were not run: look at the intervals first. They hold for other arms
    alone: what other seeds and other questions would change in the means is not in them.

    Args:
        arms: a row an arm (means over its seeds); columns of numbers.
        predictors: columns known before RL, such as pass@1, pass@k and the loss on held-out traces.
        target: the column of what came out after RL.
        seed: of the resampling.

    Returns:
        A row a predictor: `n` arms; `spearman`, the rank correlation with the target, with its 95% bounds `rho_low` and
        `rho_high`; `loo_r2`, with `r2_low` and `r2_high`, the R² of a straight line that never saw the arm it predicts.
        1 is exact, 0 no better than the mean of the other arms, below 0 worse. `gain` is R² less that of the first
        predictor, with `gain_low` and `gain_high`: whether one predicts better than the other is read there, because
        both were held against the same arms.

        The bounds of ranks are Bonett and Wright's (2000), in which a perfect ranking is taken for one with two
        neighbours swapped: as it stands it would have no uncertainty. Those of R² and of gains are percentiles over
        resampled arms, the same for all predictors, where all copies of an arm are left out together.

    Raises:
        ValueError: fewer than five arms, an absent column, numbers that are missing, or a target that is all equal.

    >>> import pandas as pd
    >>> after = [3, 4, 1, 6, 2, 5]
    >>> arms = pd.DataFrame({"pass_at_1": [1, 2, 3, 4, 5, 6], "pass_at_16": after, "after": after})
    >>> predictor_table(arms, ["pass_at_1", "pass_at_16"], "after")[["spearman", "rho_low", "rho_high"]].round(2)
                spearman  rho_low  rho_high
    pass_at_1       0.26    -0.71      0.89
    pass_at_16      1.00     0.38      1.00
    """
    import pandas as pd
    from scipy.stats import spearmanr

    y = _column(arms, target)
    if len(y) < 5 or np.ptp(y) == 0:
        raise ValueError(f"expected five arms or more that differ in {target!r}, got {y.round(3).tolist()}")
    counts = np.random.default_rng(seed).multinomial(len(y), np.full(len(y), 1 / len(y)), size=DRAWS)
    rows, first = {}, None
    for name in predictors:
        x = _column(arms, name)
        rho = float(spearmanr(x, y).statistic) if np.ptp(x) else float("nan")
        rho_low, rho_high = rank_interval(rho, len(y))
        drawn = leave_one_out_r2(x, y, counts)
        low, high = np.nanpercentile(drawn, [2.5, 97.5])
        whole = leave_one_out_r2(x, y, np.ones((1, len(y)), dtype=int))[0]
        first = first or (whole, drawn)
        gain_low, gain_high = np.nanpercentile(drawn - first[1], [2.5, 97.5])
        row = {"n": len(y), "spearman": rho, "rho_low": rho_low, "rho_high": rho_high}
        row |= {"loo_r2": whole, "r2_low": low, "r2_high": high}
        rows[name] = row | {"gain": whole - first[0], "gain_low": gain_low, "gain_high": gain_high}
    return pd.DataFrame.from_dict(rows, orient="index").astype({"n": int})


def rank_interval(rho: float, n: int) -> tuple[float, float]:
    """The 95% interval of a Spearman correlation of `n` pairs (Bonett and Wright 2000); NaN stays NaN."""
    most = 1 - 12 / (n * (n**2 - 1))  # the correlation with two neighbours swapped
    inside = float(np.clip(rho, -most, most))
    half = Z95 * np.sqrt((1 + inside**2 / 2) / (n - 3))
    low, high = np.tanh(np.arctanh(inside) - half), np.tanh(np.arctanh(inside) + half)
    return float(min(low, rho)), float(max(high, rho))


def leave_one_out_r2(x: np.ndarray, y: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """R² of lines through the arms but one, of that one, for several draws of arms.

    Args:
        x, y: shape (arms,).
        counts: shape (draws, arms), how often an arm was drawn.

    Returns:
        Shape (draws,); NaN for a draw whose arms all have one target.
    """
    n = len(x)
    weights = counts[:, None, :] * (1 - np.eye(n))  # (draws, arm left out, arms)
    total = np.maximum(weights.sum(axis=2), 1)  # (draws, arm left out)
    mean_x, mean_y = weights @ x / total, weights @ y / total
    far_x, far_y = x - mean_x[:, :, None], y - mean_y[:, :, None]  # (draws, arm left out, arms)
    spread = (weights * far_x**2).sum(axis=2)
    flat = spread <= 1e-24 * float(np.square(x).sum())  # without any difference but rounding a line is level
    slope = np.where(flat, 0.0, (weights * far_x * far_y).sum(axis=2) / np.where(flat, 1.0, spread))
    missed = (counts * (y - mean_y - slope * (x - mean_x)) ** 2).sum(axis=1)
    by_the_mean = (counts * (y - mean_y) ** 2).sum(axis=1)
    several = (counts > 0).sum(axis=1) > 1
    known = several & (by_the_mean > 0)
    return np.where(known, 1 - missed / np.where(known, by_the_mean, 1.0), np.nan)


def _column(arms: "pd.DataFrame", name: str) -> np.ndarray:
    if name not in arms:
        raise ValueError(f"no column {name!r}; the table has {', '.join(map(str, arms.columns))}")
    values = np.asarray(arms[name], dtype=float)
    if not np.isfinite(values).all():
        missing = list(arms.index[~np.isfinite(values)])[:3]
        raise ValueError(f"column {name!r} has no number for {missing}; leave these arms out: arms.dropna()")
    return values
