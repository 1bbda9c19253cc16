"""The statistics of shares against hand values, SciPy's, and every possible draw."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlaa_helpers.core.statistics import bootstrap_interval, pass_at_k, sign_test, wilson_interval

# ---- intervals ----


@pytest.mark.parametrize(
    ("correct", "n", "low", "high"),
    [  # scipy.stats.binomtest(correct, n).proportion_ci(method="wilson")
        (8, 10, 0.490162, 0.943318),
        (0, 10, 0.0, 0.277533),
        (10, 10, 0.722467, 1.0),
        (1, 1, 0.206549, 1.0),
        (0, 1, 0.0, 0.793451),
        (50, 100, 0.403832, 0.596168),
        (3, 1000, 0.001021, 0.008783),
    ],
)
def test_wilson_interval_equals_scipy_s(correct, n, low, high):
    assert wilson_interval(correct, n) == pytest.approx((low, high), abs=2e-6)


def test_wilson_interval_of_nothing_is_everything():
    assert wilson_interval(0, 0) == (0.0, 1.0)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_interval_holds_the_share_and_is_symmetric(counts):
    correct, n = counts
    low, high = wilson_interval(correct, n)
    assert 0 <= low <= correct / n + 1e-12 and correct / n - 1e-12 <= high <= 1 and low < high
    assert wilson_interval(n - correct, n) == pytest.approx((1 - high, 1 - low))


def test_bootstrap_interval_is_seeded_and_holds_the_mean():
    values = [0.0, 1.0, 1.0, 0.5, 0.25] * 20
    low, high = bootstrap_interval(values)
    assert low < np.mean(values) < high and (low, high) == bootstrap_interval(values)
    assert (low, high) != bootstrap_interval(values, seed=1)
    # close to the normal approximation
    half = 1.96 * np.std(values) / math.sqrt(len(values))
    assert (high - low) / 2 == pytest.approx(half, rel=0.1)


def test_bootstrap_interval_of_equal_values_is_a_point():
    assert bootstrap_interval([0.25] * 8) == (0.25, 0.25)


def test_bootstrap_interval_of_a_median_is_not_moved_by_an_outlier():
    values = [*np.random.default_rng(0).normal(1.01, 0.01, size=59), 100.0]
    low, high = bootstrap_interval(values, of=np.median)
    assert 1.0 < low < 1.01 < high < 1.02


def test_bootstrap_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    samples = rng.random((200, 60)) < 0.4
    held = [low <= 0.4 <= high for low, high in (bootstrap_interval(row, draws=400) for row in samples)]
    assert 0.88 <= np.mean(held) <= 0.99


# ---- pass@k ----


@pytest.mark.parametrize(("n", "correct"), [(n, c) for n in range(1, 7) for c in range(n + 1)])
def test_pass_at_k_equals_trying_every_draw(n, correct):
    marks = [True] * correct + [False] * (n - correct)
    for k in range(1, n + 1):
        draws = [any(draw) for draw in itertools.combinations(marks, k)]
        assert pass_at_k(n, correct, k) == pytest.approx(np.mean(draws))


@pytest.mark.parametrize(("n", "correct", "k"), [(4, 2, 5), (4, 2, 0), (4, 5, 1), (4, -1, 1)])
def test_pass_at_k_refuses_what_makes_no_sense(n, correct, k):
    with pytest.raises(ValueError, match=f"n={n}, correct={correct}, k={k}"):
        pass_at_k(n, correct, k)


# ---- the sign test ----


@pytest.mark.parametrize(
    ("gained", "lost", "p_value"),
    [  # scipy.stats.binomtest(gained, gained + lost).pvalue; 2 (1 + 10 + 45) / 2^10 for (8, 2)
        (5, 0, 2 / 32),
        (0, 5, 2 / 32),
        (8, 2, 112 / 1024),
        (15, 5, 0.04138946533203125),
        (3, 3, 1.0),
        (1, 0, 1.0),
        (0, 0, 1.0),
    ],
)
def test_mcnemar_is_exact(gained, lost, p_value):
    assert sign_test(gained, lost) == pytest.approx(p_value)
