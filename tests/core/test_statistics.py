"""The statistics of shares against closed forms, simulation, and every possible draw."""

import itertools
import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlaa_helpers.core.statistics import (
    area_and_pulls,
    bootstrap_interval,
    clustered_interval,
    pass_at_k,
    seeds_interval,
    sign_test,
    wilson_interval,
)

# ---- Wilson ----


def wilson_by_hand(correct: int, n: int) -> tuple[float, float]:
    """Wilson 1927: the shares p with |correct / n - p| = z sqrt(p (1 - p) / n), a quadratic equation."""
    z2, share = 1.959963984540054**2, correct / n
    middle, root = share + z2 / (2 * n), math.sqrt(z2 * (share * (1 - share) + z2 / (4 * n)) / n)
    return (middle - root) / (1 + z2 / n), (middle + root) / (1 + z2 / n)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_interval_is_the_closed_form_and_symmetric(counts):
    correct, n = counts
    low, high = wilson_interval(correct, n)
    assert (low, high) == pytest.approx(wilson_by_hand(correct, n), abs=1e-9)
    assert 0 <= low <= correct / n <= high <= 1 and low < high
    assert wilson_interval(n - correct, n) == pytest.approx((1 - high, 1 - low))


def test_wilson_interval_of_nothing_is_everything():
    assert wilson_interval(0, 0) == (0.0, 1.0)


def test_wilson_interval_ends_where_shares_do():
    assert wilson_interval(0, 10)[0] == 0 and wilson_interval(10, 10)[1] == 1
    assert all(type(bound) is float for bound in (*wilson_interval(0, 10), *wilson_interval(np.int64(3), 10)))


@pytest.mark.parametrize(("correct", "n"), [(11, 10), (-1, 10)])
def test_wilson_interval_of_what_cannot_be(correct, n):
    with pytest.raises(ValueError):
        wilson_interval(correct, n)


# ---- the bootstrap ----


def test_bootstrap_interval_is_seeded_and_holds_the_mean():
    values = [0.0, 1.0, 1.0, 0.5, 0.25] * 20
    low, high = bootstrap_interval(values)
    assert low < np.mean(values) < high and (low, high) == bootstrap_interval(values)
    assert (low, high) != bootstrap_interval(values, seed=1)
    # close to the normal approximation
    half = 1.96 * np.std(values) / math.sqrt(len(values))
    assert (high - low) / 2 == pytest.approx(half, rel=0.1)


def test_bootstrap_interval_of_two_items_by_hand():
    """Means of two draws from {0, 1} are 0, 0.5 or 1, the outer ones a quarter each: 2.5% and 97.5% are at the ends."""
    assert bootstrap_interval([0.0, 1.0]) == (0.0, 1.0)


def test_bootstrap_interval_is_the_percentiles_of_all_resamples():
    """All 3,125 resamples of five items, counted out; 4,000 drawn ones come within their own noise."""
    values = np.array([0.0, 0.1, 0.4, 0.5, 1.0])
    means = values[np.array(list(itertools.product(range(5), repeat=5)))].mean(1)
    assert bootstrap_interval(values, draws=40_000) == pytest.approx(np.percentile(means, (2.5, 97.5)), abs=0.021)


def test_bootstrap_interval_does_not_depend_on_how_much_is_drawn_at_once(monkeypatch):
    values = np.random.default_rng(0).random(100)
    at_once = bootstrap_interval(values)
    monkeypatch.setattr("vlaa_helpers.core.statistics.CELLS", 700)
    assert bootstrap_interval(values) == pytest.approx(at_once, abs=1e-12)


def test_bootstrap_interval_of_many_items_stays_small():
    import tracemalloc

    values = np.random.default_rng(0).random(3_000)
    bootstrap_interval(values[:10])  # imports SciPy
    tracemalloc.start()
    bootstrap_interval(values)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 40e6  # all 4,000 resamples at once: 192 MB


@pytest.mark.parametrize("values", [[0.25] * 8, [0.25], [0.25, 0.25]])
def test_bootstrap_interval_of_equal_values_is_a_point(values):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert bootstrap_interval(values) == (0.25, 0.25) == bootstrap_interval(values, of=np.median)


def test_bootstrap_interval_of_nothing_is_not_a_number():
    assert all(map(math.isnan, bootstrap_interval([])))


def test_bootstrap_interval_of_a_median_is_not_moved_by_an_outlier():
    values = [*np.random.default_rng(0).normal(1.01, 0.01, size=59), 100.0]
    low, high = bootstrap_interval(values, of=np.median)
    assert 1.0 < low < 1.01 < high < 1.02


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    """Of 200 studies of 60 items, 95% of intervals hold the true share; two standard errors of that are 3 points."""
    samples = np.random.default_rng(0).random((200, 60)) < 0.4
    drawn = [low <= 0.4 <= high for low, high in (bootstrap_interval(row, draws=400) for row in samples)]
    wilson = [low <= 0.4 <= high for low, high in (wilson_interval(int(row.sum()), 60) for row in samples)]
    assert 0.9 <= np.mean(drawn) <= 0.99 and 0.92 <= np.mean(wilson) <= 0.98


# ---- several seeds ----


def crossed(values: np.ndarray) -> dict:
    """A table (seeds, items) as `seeds_interval` takes it."""
    seeds, items = np.indices(values.shape)
    return {"values": values.ravel(), "items": items.ravel(), "seeds": seeds.ravel()}


def test_seeds_interval_is_the_analysis_of_variance_of_two_crossed_factors():
    """A mean over S seeds and I items has variance (MS of seeds + MS of items - MS of both) / (S I)."""
    from scipy.stats import t

    rng = np.random.default_rng(0)
    values = rng.normal(size=(3, 1)) + rng.normal(size=(1, 8)) + rng.normal(size=(3, 8))
    of_seeds, of_items = values.mean(1, keepdims=True), values.mean(0, keepdims=True)
    both = values - of_seeds - of_items + values.mean()
    seeds, items = 8 * of_seeds.var(ddof=1) / 24, 3 * of_items.var(ddof=1) / 24
    variance = seeds + items - (both**2).sum() / (2 * 7) / 24
    degrees = variance**2 / (seeds**2 / 2 + items**2 / 7)
    half = t.ppf(0.975, degrees) * math.sqrt(variance)
    assert variance > max(seeds, items)  # else the larger of the two stands
    expected = values.mean() - half, values.mean() + half
    assert seeds_interval(**crossed(values)) == pytest.approx(expected)


def test_seeds_interval_of_one_seed_is_student_s():
    from scipy.stats import ttest_1samp

    values = np.random.default_rng(0).normal(size=(1, 9))
    found = ttest_1samp(values[0], 0).confidence_interval()
    assert seeds_interval(**crossed(values)) == pytest.approx((found.low, found.high))


def test_seeds_that_differ_widen_the_interval_and_questions_are_no_more_for_being_asked_thrice():
    values = np.tile(np.random.default_rng(0).random(50), (3, 1))
    low, high = seeds_interval(**crossed(values))
    once = seeds_interval(**crossed(values[:1]))
    assert (low, high) == pytest.approx(once)
    apart = seeds_interval(**crossed(values + np.array([[-0.2], [0.0], [0.2]])))
    assert apart[1] - apart[0] > 3 * (high - low)


@pytest.mark.parametrize(("between", "missing"), [(0.0, 0.0), (0.2, 0.0), (0.2, 0.5)])
def test_seeds_intervals_cover_the_truth_about_as_often_as_they_say(between, missing):
    """Of 300 studies with three seeds, 95% hold the truth: two standard errors of that are 2.5 points, and where the
    seeds do not differ the interval is on the wide side. Resampling questions alone holds it far less often."""
    rng, held, naive = np.random.default_rng(3), 0, 0
    for _ in range(300):
        values = rng.normal(size=(3, 1)) * between + rng.normal(size=(1, 60)) * 0.5 + rng.normal(size=(3, 60))
        values[rng.random(values.shape) < missing] = np.nan
        low, high = seeds_interval(**crossed(values))
        held += low <= 0 <= high
        per_item = np.nanmean(values[:, ~np.isnan(values).all(0)], axis=0)
        half = 1.96 * per_item.std() / math.sqrt(len(per_item))
        naive += abs(per_item.mean()) <= half
    assert 0.92 <= held / 300 and (between == 0 or naive / 300 < 0.9)


def test_seeds_interval_of_equal_values_is_a_point_and_of_nothing_not_a_number():
    table = crossed(np.full((3, 4), 0.25))
    assert seeds_interval(**table) == (0.25, 0.25)
    assert all(map(math.isnan, seeds_interval(**(table | {"values": [float("nan")] * 12}))))
    assert all(map(math.isnan, seeds_interval([], items=[], seeds=[])))


def test_seed_0_of_two_policies_is_two_trainings():
    """Were they one, what two policies that differ between seeds have in common would cancel in their difference."""
    pulls, items, seeds = np.array([0.1, 0.2, -0.2, -0.1]), list("abab"), [0, 0, 1, 1]
    pulls, arms = np.concatenate([pulls, -pulls]), ["A"] * 4 + ["B"] * 4
    low, high = clustered_interval(0.0, pulls, items=items * 2, seeds=seeds * 2, arms=arms)
    as_one = clustered_interval(0.0, pulls, items=items * 2, seeds=seeds * 2)
    assert high > 0.5 and low == -high and as_one == pytest.approx((0, 0), abs=1e-6)


def test_the_area_s_pulls_are_its_derivative():
    """Adding a copy of an item moves the area by its pull, to first order in one item of many."""
    rng = np.random.default_rng(0)
    positive = rng.random(2_000) < 0.5
    scores = rng.normal(size=2_000) + positive
    value, pulls = area_and_pulls(scores, positive)
    assert pulls.sum() == pytest.approx(0, abs=1e-12)
    for place in (0, 1, 2):
        more, _ = area_and_pulls(np.append(scores, scores[place]), np.append(positive, positive[place]))
        assert more - value == pytest.approx(pulls[place], rel=2e-3)


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


@pytest.mark.parametrize(("gained", "lost", "p_value"), [(5, 0, 2 / 32), (8, 2, 112 / 1024), (3, 3, 1), (0, 0, 1)])
def test_the_sign_test_by_hand(gained, lost, p_value):
    """2 (1 + 10 + 45) / 2^10 for eight of ten."""
    assert sign_test(gained, lost) == sign_test(lost, gained) == pytest.approx(p_value)


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_sign_test_counts_the_splits_that_are_as_uneven(gained, lost):
    n = gained + lost
    splits = sum(math.comb(n, k) for k in range(n + 1) if abs(2 * k - n) >= abs(gained - lost))
    assert sign_test(gained, lost) == pytest.approx(splits / 2**n)
