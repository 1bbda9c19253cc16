"""Shares, differences and pass@k with their 95% intervals."""

import math
from collections.abc import Callable, Sequence

import numpy as np

Z95 = 1.959964


def wilson_interval(correct: int, n: int) -> tuple[float, float]:
    """The 95% Wilson score interval of a share, 0-1.

    >>> [round(bound, 3) for bound in wilson_interval(8, 10)]
    [0.49, 0.943]
    """
    if n == 0:
        return 0.0, 1.0
    share, z2 = correct / n, Z95**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


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
    """The 95% percentile bootstrap interval of a mean, or of another statistic (`np.median`), resampling items."""
    values = np.asarray(per_item, dtype=float)
    picks = np.random.default_rng(seed).integers(0, len(values), size=(draws, len(values)))
    low, high = np.percentile(of(values[picks], axis=1), (2.5, 97.5))
    return float(low), float(high)


def sign_test(gained: int, lost: int) -> float:
    """Exact McNemar: the two-sided chance of a split as uneven as this, were gains and losses equally likely.

    >>> sign_test(8, 2)
    0.109375
    """
    changed = gained + lost
    tail = sum(math.comb(changed, k) for k in range(min(gained, lost) + 1)) / 2**changed
    return min(1.0, 2 * tail)
