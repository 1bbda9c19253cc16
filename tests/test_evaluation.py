"""Held-out accuracy: the statistics against hand values, reports on hand-made rows, paired comparison."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlaa_helpers.evaluation import (
    EvalReport,
    _row,
    bootstrap_interval,
    compare_reports,
    evaluate,
    pass_at_k,
    wilson_interval,
)
from vlaa_helpers.rewards import MixedReward

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


# ---- reports ----

RIGHT = ("<think>a</think><answer>3</answer>", False)
WRONG = ("<think>a</think><answer>4</answer>", False)
SILENT = ("It is three.", False)
CUT = ("<think>a and b and", True)


def make_report(items: dict[str, list], samples: int = 1, sources: dict[str, str] | None = None) -> EvalReport:
    """A report from what was answered to each item, scored for real against the truth 3."""
    rows = []
    for name, said in items.items():
        record = {
            "id": name,
            "source": (sources or {}).get(name, "blocks"),
            "question": "How many?",
            "gt": "3",
            "verifier_type": "digit",
            "meta": "",
        }
        assert len(said) == samples
        rows += [_row(record, text, len(text), truncated, MixedReward()) for text, truncated in said]
    return EvalReport(tuple(rows), samples, 1.5)


@pytest.fixture
def mixed() -> EvalReport:
    said = [RIGHT, RIGHT, RIGHT, WRONG, WRONG, SILENT, CUT, CUT]
    sources = {str(k): "blocks" if k < 4 else "angles" for k in range(8)}
    return make_report({str(k): [answer] for k, answer in enumerate(said)}, sources=sources)


def test_wrong_silent_and_cut_responses_are_told_apart(mixed):
    assert mixed.accuracy == 3 / 8
    assert mixed.format_failures == 3 / 8  # cut ones included
    assert mixed.truncated == 2 / 8
    assert mixed.interval == wilson_interval(3, 8)
    frame = mixed.to_frame()
    assert list(frame["reason"]) == ["correct"] * 3 + ["wrong"] * 2 + ["no_answer"] * 3
    assert list(frame["answer"])[:5] == ["3", "3", "3", "4", "4"] and frame["answer"][5:].isna().all()
    assert list(frame["correct"]) == [True] * 3 + [False] * 5
    assert list(frame["is_strict"]) == [True] * 5 + [False] * 3


def test_every_response_is_kept(mixed):
    columns = "id source question gt response answer value reason correct has_answer is_strict truncated tokens"
    assert list(mixed.to_frame().columns) == columns.split()
    assert [row["response"] for row in mixed.rows][-1] == CUT[0] and len(mixed.rows) == 8


def test_by_source_has_a_row_each_and_one_for_all(mixed):
    table = mixed.by_source
    assert list(table.index) == ["blocks", "angles", "all"]
    assert list(table.columns) == ["n", "accuracy", "low", "high", "no_answer", "truncated", "tokens"]
    assert list(table["n"]) == [4, 4, 8] and table["n"].dtype.kind == "i"
    assert list(table["accuracy"]) == [3 / 4, 0, 3 / 8]
    assert list(table["no_answer"]) == [0, 3 / 4, 3 / 8]
    assert list(table["truncated"]) == [0, 2 / 4, 2 / 8]
    assert tuple(table.loc["blocks", ["low", "high"]]) == wilson_interval(3, 4)
    assert table.loc["blocks", "tokens"] == len(RIGHT[0])


def test_the_summary_line(mixed):
    low, high = (f"{bound:.1%}" for bound in wilson_interval(3, 8))
    assert str(mixed) == (f"accuracy 37.5% (95% {low} to {high}), n = 8, greedy; no answer 37.5%, truncated 25.0%")


@pytest.fixture
def sampled() -> EvalReport:
    return make_report(
        {"a": [RIGHT, RIGHT, WRONG, SILENT], "b": [WRONG] * 4, "c": [RIGHT] * 4, "d": [WRONG, CUT, RIGHT, WRONG]}, 4
    )


def test_samples_of_an_item_are_averaged(sampled):
    assert sampled.accuracy == 7 / 16
    assert sampled.interval == bootstrap_interval([0.5, 0.0, 1.0, 0.25])
    assert list(sampled.by_source["n"]) == [4, 4]
    assert "n = 4, 4 samples an item" in str(sampled)


def test_pass_at(sampled):
    assert sampled.pass_at(1) == pytest.approx(sampled.accuracy)
    assert sampled.pass_at(2) == pytest.approx((5 / 6 + 0 + 1 + 1 / 2) / 4)
    assert sampled.pass_at(4) == pytest.approx(3 / 4)
    with pytest.raises(ValueError, match="k=5"):
        sampled.pass_at(5)


def test_a_box_counts_as_right_from_half_overlap():
    record = {"id": "a", "source": "boxes", "question": "", "gt": "[0, 0, 1, 1]", "verifier_type": "iou", "meta": ""}
    for x, right in (("0.5", True), ("0.49", False)):
        row = _row(record, f"<answer>[0, 0, {x}, 1]</answer>", 9, False, MixedReward())
        assert row["correct"] is right and row["value"] == pytest.approx(float(x))


def test_no_records_is_an_error():
    with pytest.raises(ValueError, match="records is empty"):
        evaluate(None, None, [])


# ---- comparison ----


def pair(gained: int, lost: int, same: int) -> tuple[EvalReport, EvalReport]:
    before = [WRONG] * gained + [RIGHT] * lost + [RIGHT, WRONG] * same
    after = [RIGHT] * gained + [WRONG] * lost + [RIGHT, WRONG] * same
    return tuple(make_report({str(k): [text] for k, text in enumerate(texts)}) for texts in (before, after))


@pytest.mark.parametrize(
    ("gained", "lost", "p_value"),
    [  # scipy.stats.binomtest(gained, gained + lost).pvalue; 2 (1 + 10 + 45) / 2^10 for (8, 2)
        (5, 0, 2 / 32),
        (0, 5, 2 / 32),
        (8, 2, 112 / 1024),
        (2, 8, 112 / 1024),
        (15, 5, 0.04138946533203125),
        (3, 3, 1.0),
        (1, 0, 1.0),
        (0, 0, 1.0),
    ],
)
def test_mcnemar_is_exact(gained, lost, p_value):
    result = compare_reports(*pair(gained, lost, same=10))
    n = gained + lost + 20
    assert result.p_value == pytest.approx(p_value) and result.n == n
    assert result.difference == pytest.approx((gained - lost) / n)
    assert result.low <= result.difference <= result.high


def test_the_comparison_is_of_pairs_whatever_their_order():
    before, after = pair(6, 1, same=5)
    turned = EvalReport(after.rows[::-1], 1, 0.0)
    assert compare_reports(before, turned) == compare_reports(before, after)
    # pairing helps: two thirds of the items agree, and the interval is narrower than of two independent shares
    result = compare_reports(before, after)
    independent = 2 * 1.96 * math.sqrt(2 * 0.25 / result.n)
    assert result.high - result.low < independent


def test_a_report_compared_with_itself_does_not_differ(mixed):
    result = compare_reports(mixed, mixed)
    assert (result.difference, result.low, result.high, result.p_value, result.n) == (0.0, 0.0, 0.0, 1.0, 8)
    interval = "+0.0% (95% +0.0% to +0.0%, which includes zero)"
    assert str(result) == f"{interval}, n = 8 paired items, exact McNemar (sign test) p = 1"


def test_the_comparison_says_whether_zero_is_excluded():
    assert "which excludes zero" in str(compare_reports(*pair(15, 0, same=5)))
    assert "which excludes zero" in str(compare_reports(*pair(0, 15, same=5)))
    assert "which includes zero" in str(compare_reports(*pair(3, 3, same=5)))


def test_items_are_compared_by_their_mean_over_samples(sampled):
    other = make_report({"a": [RIGHT] * 4, "b": [WRONG] * 4, "c": [RIGHT] * 4, "d": [RIGHT] * 4}, 4)
    result = compare_reports(sampled, other)
    assert result.difference == pytest.approx((0.5 + 0 + 0 + 0.75) / 4) and result.n == 4


def test_reports_about_different_items_are_refused():
    one, other = make_report({"a": [RIGHT], "b": [RIGHT]}), make_report({"a": [RIGHT], "c": [RIGHT]})
    with pytest.raises(ValueError, match="differ in 2 items, for example b; evaluate both on the same records"):
        compare_reports(one, other)
    with pytest.raises(ValueError, match="differ in 1 items"):
        compare_reports(one, make_report({"a": [RIGHT]}))
