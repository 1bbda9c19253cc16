"""Shares, differences, areas and pass@k, with their 95% intervals.

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

    Raises:
        ValueError: fewer than none are right, or more than were counted.
    """
    from scipy.stats import binomtest

    if not 0 <= correct <= n:  # SciPy 1.18 no longer asks
        raise ValueError(f"{correct} of {n}: expected 0 <= correct <= n")
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


def seeds_interval(values: Sequence[float], *, items: Sequence, seeds: Sequence) -> tuple[float, float]:
    """The 95% interval of a mean over what several training seeds said to the same questions.

    It holds for other seeds and other questions: both vary (`clustered_interval`). With one seed it holds for other
    questions alone, and says nothing about another training.

    Args:
        values: one a response; NaN leaves it out. All equal give a point, none give NaN.
        items, seeds: the question and the training seed of each response.

    >>> items, seeds = ["a", "b", "c", "d"] * 3, [0] * 4 + [1] * 4 + [2] * 4
    >>> values = [0.5, 0.7, 0.6, 0.5, 0.6, 0.8, 0.7, 0.6, 0.7, 0.9, 0.8, 0.7]
    >>> [round(bound, 2) for bound in seeds_interval(values, items=items, seeds=seeds)]
    [0.47, 0.88]
    """
    values = np.asarray(values, dtype=float)
    there = ~np.isnan(values)
    if not there.any():
        return float("nan"), float("nan")
    mean, kept = values[there].mean(), values[there]
    items, seeds = (np.asarray(list(names))[there] for names in (items, seeds))
    return clustered_interval(mean, (kept - mean) / len(kept), items=items, seeds=seeds)


def clustered_interval(
    value: float,
    pulls: Sequence[float],
    *,
    items: Sequence,
    seeds: Sequence,
    arms: Sequence | None = None,
    level: float = 0.95,
) -> tuple[float, float]:
    """The 95% interval of a statistic of responses that share questions and training seeds.

    Seeds and questions both vary: the variance is that between seeds plus that between questions, less what is counted
    in both (analysis of variance with two crossed factors), and never less than that between seeds. The interval is
    Student's, with Satterthwaite's degrees of freedom, because three seeds say little about a fourth: where seeds
    differ much, a percentile bootstrap over three of them is the range from the lowest to the highest, which holds the
    truth three times in four.

    Args:
        value: the statistic.
        pulls: how far each response pulls it (its influence): (x - mean) / n for a mean. They sum to 0 in each arm.
        items: the question of each response.
        seeds: the training seed of each response. An arm with one seed adds no variance of seeds: it is not known.
        arms: the policy of each response where the statistic compares several: seed 0 of two is two trainings.
        level: share of samples whose interval holds the truth; for m intervals at once 1 - 0.05 / m (Bonferroni).
    """
    from scipy.stats import t

    pulls = np.asarray(pulls, dtype=float)
    arm_of = _codes([0] * len(pulls) if arms is None else arms)
    item_of, seed_of = _codes(items), _codes(seeds)
    of_items, degrees = _variance_of_sums(pulls, item_of)
    added, alone, terms = 0.0, 0.0, of_items**2 / max(1, degrees)
    for arm in np.unique(arm_of):
        here = arm_of == arm
        of_seeds, degrees = _variance_of_sums(pulls[here], seed_of[here])
        if degrees:
            added += max(0.0, of_seeds - _variance_of_both(pulls[here], item_of[here], seed_of[here]))
            alone += of_seeds
            terms += of_seeds**2 / degrees
    total = max(of_items + added, alone)
    half = math.sqrt(total) * float(t.ppf((1 + level) / 2, total**2 / terms)) if total else 0.0
    return float(value) - half, float(value) + half


def _codes(names: Sequence) -> np.ndarray:
    """The same number for the same name."""
    number: dict = {}
    return np.array([number.setdefault(name, len(number)) for name in names], dtype=int)


def _variance_of_sums(pulls: np.ndarray, cluster_of: np.ndarray) -> tuple[float, int]:
    """The variance that comes from which clusters were drawn, and its degrees of freedom."""
    sums = np.bincount(np.unique(cluster_of, return_inverse=True)[1], weights=pulls)
    degrees = len(sums) - 1
    return (float((sums**2).sum() * len(sums) / degrees) if degrees else 0.0), degrees


def _variance_of_both(pulls: np.ndarray, item_of: np.ndarray, seed_of: np.ndarray) -> float:
    """What a question and a seed add together, beyond either: in the sums of seeds and in those of questions alike."""
    _, rows = np.unique(item_of, return_inverse=True)
    _, columns = np.unique(seed_of, return_inverse=True)
    shape = rows.max() + 1, columns.max() + 1
    sums, there = np.zeros(shape), np.zeros(shape, dtype=bool)
    np.add.at(sums, (rows, columns), pulls)
    there[rows, columns] = True
    sums[~there] = np.nan
    left = sums - np.nanmean(sums, axis=1, keepdims=True) - np.nanmean(sums, axis=0) + np.nanmean(sums)
    corrected = shape[0] * shape[1] / max(1, (shape[0] - 1) * (shape[1] - 1))
    return float(np.nansum(left**2) * corrected)


def area_and_pulls(scores: np.ndarray, positive: np.ndarray) -> tuple[float, np.ndarray]:
    """The area under the ROC curve, and how far each item pulls it (DeLong's structural components).

    Args:
        scores: one an item, higher for positive ones; no NaN.
        positive: which items are, True or False; both kinds occur.

    Returns:
        The chance that a positive item scores above another (ties count half), 0-1, and pulls for `clustered_interval`.
    """
    above, below = _share_below(scores, scores[~positive]), 1 - _share_below(scores, scores[positive])
    placed = np.where(positive, above, below)  # the share of the other class that an item is on the right side of
    value = float(placed[positive].mean())
    return value, (placed - value) / np.where(positive, positive.sum(), (~positive).sum())


def _share_below(scores: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Of each score, the share of the others below it; those that equal it count half."""
    others = np.sort(others)
    return (np.searchsorted(others, scores, "left") + np.searchsorted(others, scores, "right")) / (2 * len(others))


def sign_test(gained: int, lost: int) -> float:
    """Exact McNemar: the two-sided chance of a split as uneven as this, were gains and losses equally likely.

    >>> round(sign_test(8, 2), 6)
    0.109375
    """
    from scipy.stats import binomtest

    return float(binomtest(gained, gained + lost).pvalue) if gained + lost else 1.0
