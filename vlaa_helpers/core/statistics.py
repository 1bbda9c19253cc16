"""Shares, differences and pass@k with their 95% intervals.

Intervals and tests are SciPy's; it is imported where it is used, as `scipy.stats` alone takes a second.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np

Z95 = 1.959964
"""Standard deviations of a normal distribution that hold 95% of it, to either side of the mean."""
CELLS = 1_000_000
"""Values that a bootstrap resamples at once, so that 4,000 draws of 1,800 items take 16 MB and not 115."""


def wilson_interval(correct: int, n: int) -> tuple[float, float]:
    """The 95% Wilson score interval of a share, 0-1; all of it, (0, 1), where nothing was counted.

    >>> [round(bound, 3) for bound in wilson_interval(8, 10)]
    [0.49, 0.943]
    """
    from scipy.stats import binomtest

    if n == 0:
        return 0.0, 1.0
    found = binomtest(correct, n).proportion_ci(method="wilson")
    return float(found.low), float(found.high)


def pass_at_k(n: int, correct: int, k: int) -> float:
    """Chance that one of `k` samples or more is right, unbiased, from `correct` right ones in `n` (arXiv 2107.03374).

    >>> pass_at_k(8, 2, 1)
    0.25
    """
    if not 1 <= k <= n or not 0 <= correct <= n:
        raise ValueError(f"expected 1 <= k <= n and 0 <= correct <= n, got n={n}, correct={correct}, k={k}")
    return 1.0 - math.comb(n - correct, k) / math.comb(n, k)


def bootstrap_interval(
    per_item: Sequence[float], *, of: Callable = np.mean, draws: int = 4000, seed: int = 0
) -> tuple[float, float]:
    """The 95% percentile bootstrap interval of a mean, or of another statistic (`np.median`), resampling items.

    Args:
        per_item: shape (items,). One item, or items that are all equal, give a point; none give NaN.
        of: called with `axis`.
        draws: resamples, each as many items as there are.

    >>> [round(bound, 2) for bound in bootstrap_interval([0.0, 1.0, 1.0, 0.5] * 10)]
    [0.49, 0.75]
    """
    from scipy.stats import bootstrap

    values = np.asarray(per_item, dtype=float)
    if len(values) < 2:  # nothing to resample, and SciPy refuses it
        point = float(values[0]) if len(values) else float("nan")
        return point, point
    found = bootstrap(
        (values,),
        of,
        vectorized=True,
        method="percentile",
        n_resamples=draws,
        batch=max(1, CELLS // len(values)),
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return float(found.low), float(found.high)


def sign_test(gained: int, lost: int) -> float:
    """Exact McNemar: the two-sided chance of a split as uneven as this, were gains and losses equally likely.

    >>> round(sign_test(8, 2), 6)
    0.109375
    """
    from scipy.stats import binomtest

    return float(binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0
