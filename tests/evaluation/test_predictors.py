"""What tells before RL which arm is best after it: ranks, lines that never saw an arm, and intervals that are wide."""

import numpy as np
import pandas as pd
import pytest

from vlaa_helpers import EvalReport, predictor_table
from vlaa_helpers.core.statistics import pass_at_k
from vlaa_helpers.evaluation.predictors import leave_one_out_r2, rank_interval


def r2_by_hand(x, y):
    """A line through the others for each arm, all of its copies left out."""
    missed = by_the_mean = 0.0
    for each_x, each_y in zip(x, y, strict=True):
        others = [k for k in range(len(x)) if (x[k], y[k]) != (each_x, each_y)]
        if len({x[k] for k in others}) > 1:
            slope, start = np.polyfit([x[k] for k in others], [y[k] for k in others], 1)
        else:
            slope, start = 0.0, np.mean([y[k] for k in others])
        missed += (each_y - start - slope * each_x) ** 2
        by_the_mean += (each_y - np.mean([y[k] for k in others])) ** 2
    return 1 - missed / by_the_mean


def test_r2_is_that_of_lines_that_never_saw_the_arm():
    rng = np.random.default_rng(0)
    for n in (5, 8, 12):
        x = rng.normal(size=n)
        y = 0.6 * x + rng.normal(size=n)
        counts = np.vstack([np.ones(n, dtype=int), rng.multinomial(n, np.full(n, 1 / n), size=20)])
        found = leave_one_out_r2(x, y, counts)
        for draw, value in zip(counts, found, strict=True):
            assert value == pytest.approx(r2_by_hand(np.repeat(x, draw), np.repeat(y, draw)), rel=1e-6)


@pytest.mark.parametrize("scale", [1e-12, 1e-7, 1.0, 1e9])
def test_the_unit_of_a_predictor_does_not_matter(scale):
    """A learning rate or a drift has values of 1e-6 and below; shifted far from 0 they still differ."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=8)
    arms = pd.DataFrame({"x": x, "in_other_units": x * scale, "after": x + rng.normal(size=8)})
    table = predictor_table(arms, ["x", "in_other_units"], "after")
    assert 0 < table["loo_r2"]["x"] == pytest.approx(table["loo_r2"]["in_other_units"])
    flat = predictor_table(arms.assign(x=0.1 * scale), ["x"], "after")
    assert flat["loo_r2"]["x"] == 0


def test_a_draw_of_one_arm_says_nothing():
    assert np.isnan(leave_one_out_r2(np.arange(5.0), np.arange(5.0), np.array([[5, 0, 0, 0, 0]])))[0]


def test_a_constant_tells_nothing_and_the_target_itself_everything():
    arms = pd.DataFrame({"flat": [0.4] * 7, "line": range(7), "after": np.arange(7) * 2.0 + 1})
    table = predictor_table(arms, ["flat", "line"], "after")
    assert table.loc["flat", "loo_r2"] == 0 and np.isnan(table.loc["flat", "spearman"])
    assert table.loc["line", "loo_r2"] == pytest.approx(1) and table.loc["line", "spearman"] == pytest.approx(1)
    assert table.loc["line", "rho_low"] < 0.9 and table.loc["line", "rho_high"] == 1  # seven arms, no more


def test_the_interval_of_ranks_is_the_closed_form():
    assert rank_interval(0.5, 28) == pytest.approx((0.1328, 0.7465), abs=2e-3)
    assert rank_interval(-0.5, 28) == pytest.approx((-0.7465, -0.1328), abs=2e-3)
    widths = [np.ptp(rank_interval(0.5, n)) for n in (6, 10, 30, 100)]
    assert widths == sorted(widths, reverse=True)


def test_the_interval_of_ranks_holds_the_truth_as_often_as_it_says():
    """Eight arms drawn from a population of two correlated numbers, whose rank correlation is known."""
    from scipy.stats import spearmanr

    rng, held = np.random.default_rng(0), 0
    truth = 6 / np.pi * np.arcsin(0.7 / 2)
    for _ in range(400):
        x, noise = rng.normal(size=(2, 8))
        low, high = rank_interval(float(spearmanr(x, 0.7 * x + np.sqrt(1 - 0.49) * noise).statistic), 8)
        held += low <= truth <= high
    assert 0.9 < held / 400 <= 1


def test_a_planted_case_where_pass_at_1_misleads_and_pass_at_k_does_not():
    """Arms that are sure of few questions, and arms that are right now and then on many; RL sharpens what is there.

    After RL a policy answers what it was ever right about: the more questions, the better, however seldom.
    """
    questions, samples = 100, 16
    arms = []
    for solved, right in [(40, 15), (48, 12), (56, 9), (64, 7), (72, 5), (80, 4), (88, 3), (96, 2)]:
        correct = [right] * solved + [0] * (questions - solved)
        at = {f"pass_at_{k}": np.mean([pass_at_k(samples, c, k) for c in correct]) for k in (1, 16)}
        arms.append(at | {"after": solved / questions})
    table = predictor_table(pd.DataFrame(arms), ["pass_at_1", "pass_at_16"], "after")
    assert table.loc["pass_at_1", "spearman"] == pytest.approx(-1) and table.loc["pass_at_1", "rho_high"] < 0
    assert table.loc["pass_at_16", "spearman"] == pytest.approx(1) and table.loc["pass_at_16", "loo_r2"] > 0.999
    chosen = pd.DataFrame(arms).set_index("after")["pass_at_1"].idxmax()
    assert chosen == 0.4  # the worst arm after RL


def test_guessing_spoils_pass_at_k_and_questions_without_options_mend_it():
    """Arms that see the answers to some open questions, and guess at a share of those that have four options.

    The more an arm guesses, the higher its pass@16 over all questions, whatever it sees.
    """
    questions, samples, arms = 40, 16, []
    chances = {"choice": [0.25, 1 - 0.75**16], "free": [0.0, 0.0]}
    guess = pd.concat(pd.DataFrame({"source": name, "k": [1, 16], "pass_at": at}) for name, at in chances.items())
    for seen, guessed in [(4, 40), (8, 32), (12, 24), (16, 16), (20, 8), (24, 0)]:
        right = {f"choice-{k}": 4 if k < guessed else 0 for k in range(questions)}
        right |= {f"free-{k}": 2 if k < seen else 0 for k in range(questions)}
        rows = [
            {"id": name, "source": name.split("-")[0], "correct": draw < count}
            for name, count in right.items()
            for draw in range(samples)
        ]
        report = EvalReport(tuple(rows), samples)
        curves = {name: report.pass_curve((16,), source=name, guess=guess) for name in (None, "choice", "free")}
        above = {name: curve["above_guess"].item() for name, curve in curves.items()}
        assert above["choice"] <= 0.011  # no arm does better there than one that guesses at all of them
        arms.append({"all": above[None], "free": above["free"], "after": seen / questions})
    table = predictor_table(pd.DataFrame(arms), ["all", "free"], "after")
    assert table.loc["all", "spearman"] == pytest.approx(-1)
    assert table.loc["free", "spearman"] == pytest.approx(1) and table.loc["free", "loo_r2"] > 0.999


def test_a_gain_is_the_difference_in_the_same_arms():
    rng = np.random.default_rng(0)
    after = rng.normal(size=9)
    arms = pd.DataFrame({"poor": after + 2 * rng.normal(size=9), "good": after + 0.1 * rng.normal(size=9)})
    arms = arms.assign(after=after, same=1 - 3 * arms["poor"])
    table = predictor_table(arms, ["poor", "good", "same"], "after")
    assert table.loc["poor", ["gain", "gain_low", "gain_high"]].tolist() == [0, 0, 0]
    assert table.loc["same", ["gain", "gain_low", "gain_high"]].tolist() == pytest.approx([0, 0, 0], abs=1e-9)
    row = table.loc["good"]
    assert row["gain"] == pytest.approx(row["loo_r2"] - table.loc["poor", "loo_r2"]) and row["gain_low"] > 0


def test_two_that_tell_as_much_seldom_seem_to_differ():
    """Predictors of the same worth: the interval of the gain holds 0 as often as it says, or more often."""
    rng, held = np.random.default_rng(0), 0
    for _ in range(60):
        after = rng.normal(size=9)
        arms = pd.DataFrame({"one": after + rng.normal(size=9), "two": after + rng.normal(size=9), "after": after})
        row = predictor_table(arms, ["one", "two"], "after").loc["two"]
        held += row["gain_low"] <= 0 <= row["gain_high"]
    assert held / 60 >= 0.9


def test_intervals_of_few_arms_are_wide_and_the_same_each_time():
    rng = np.random.default_rng(1)
    x = rng.normal(size=8)
    arms = pd.DataFrame({"x": x, "after": x + rng.normal(size=8)})
    table = predictor_table(arms, ["x"], "after")
    row = table.loc["x"]
    assert row["n"] == 8 and row["rho_low"] < row["spearman"] < row["rho_high"] and row["r2_low"] < row["loo_r2"]
    assert row["rho_high"] - row["rho_low"] > 0.5 and row["r2_high"] - row["r2_low"] > 0.5
    pd.testing.assert_frame_equal(table, predictor_table(arms, ["x"], "after"))


@pytest.mark.parametrize(
    ("arms", "said"),
    [
        ({"x": range(4), "after": range(4)}, "expected five arms or more that differ in 'after', got"),
        ({"x": range(6), "after": [0.5] * 6}, "expected five arms or more that differ in 'after', got"),
        ({"y": range(6), "after": range(6)}, "no column 'x'; the table has y, after"),
        ({"x": [1, 2, None, 4, 5, 6], "after": range(6)}, r"column 'x' has no number for \[2\]; .*arms.dropna\(\)"),
    ],
)
def test_what_tells_nothing_is_refused(arms, said):
    with pytest.raises(ValueError, match=said):
        predictor_table(pd.DataFrame(arms), ["x"], "after")
