"""MRR and hits at 1: by hand, with ties, with intervals over queries and seeds."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest

from vlaa_helpers import rank_measures, ranking_table


def test_ties_are_the_mean_over_their_orders():
    """Every order of candidates with equal scores, each as likely: by brute force."""
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 3, size=(40, 5)).astype(float)
    relevant = np.eye(5, dtype=bool)[rng.integers(0, 5, size=40)]
    found = rank_measures(scores, relevant)
    for values, right, row in zip(scores, relevant, found.itertuples(), strict=True):
        ranks = []
        for order in permutations(range(5)):
            ranking = sorted(order, key=lambda k: -values[k])  # sorting keeps the order of what is equal
            ranks.append(ranking.index(int(right.argmax())) + 1)
        assert row.reciprocal_rank == pytest.approx(np.mean([1 / rank for rank in ranks]))
        assert row.hit_at_1 == pytest.approx(np.mean([rank == 1 for rank in ranks]))


def test_a_scorer_that_says_the_same_of_all_is_a_guess():
    found = rank_measures(np.zeros((3, 5)), np.eye(5, dtype=bool)[:3])
    assert found["hit_at_1"].tolist() == pytest.approx([0.2] * 3)
    assert found["reciprocal_rank"].tolist() == pytest.approx([(1 + 1 / 2 + 1 / 3 + 1 / 4 + 1 / 5) / 5] * 3)


def test_only_the_order_of_scores_counts():
    rng = np.random.default_rng(1)
    scores, relevant = rng.normal(size=(20, 4)), np.eye(4, dtype=bool)[rng.integers(0, 4, size=20)]
    shifted = np.exp(scores) + rng.normal(size=(20, 1))
    pd.testing.assert_frame_equal(rank_measures(scores, relevant), rank_measures(shifted, relevant))


@pytest.mark.parametrize(
    ("scores", "relevant", "said"),
    [
        ([[1, 2]], [[True, True]], "1 of 1 queries have none or several relevant candidates; expected one each"),
        ([[1, 2]], [[False, False]], "1 of 1 queries have none or several"),
        ([[1, float("nan")]], [[True, False]], "1 of 2 scores are not finite"),
        ([1, 2], [True, False], r"expected one shape \(queries, candidates\), got scores \(2,\)"),
        ([[1, 2]], [[True]], r"got scores \(1, 2\), relevant \(1, 1\)"),
    ],
)
def test_what_cannot_be_ranked_is_refused(scores, relevant, said):
    with pytest.raises(ValueError, match=said):
        rank_measures(scores, relevant)


def drawn(arms, seeds, queries, spread, rng):
    """Measures of arms whose seeds differ by `spread`."""
    rows = []
    for arm, level in arms.items():
        for seed in range(seeds):
            here = level + spread * rng.normal()
            hits = (rng.random(queries) < here).astype(float)
            rows.append(
                pd.DataFrame(
                    {
                        "arm": arm,
                        "seed": seed,
                        "query": range(queries),
                        "hit_at_1": hits,
                        "reciprocal_rank": 0.5 + hits / 2,
                    }
                )
            )
    return pd.concat(rows, ignore_index=True)


def test_the_table_has_means_and_intervals_that_know_of_seeds():
    rng = np.random.default_rng(0)
    table = ranking_table(drawn({"b": 0.6, "a": 0.3}, 3, 100, 0.0, rng))
    assert table.index.tolist() == ["b", "a"] and (table["n"] == 100).all() and (table["seeds"] == 3).all()
    assert ((table["hits_at_1_low"] < table["hits_at_1"]) & (table["hits_at_1"] < table["hits_at_1_high"])).all()
    assert table["mrr"].tolist() == pytest.approx((0.5 + table["hits_at_1"] / 2).tolist())
    wide = ranking_table(drawn({"b": 0.6}, 3, 100, 0.15, rng))
    width = table["hits_at_1_high"] - table["hits_at_1_low"]
    assert (wide["hits_at_1_high"] - wide["hits_at_1_low"])["b"] > 2 * width["b"]


def test_the_interval_holds_the_truth_as_often_as_it_says():
    """Three seeds that differ, sixty queries: other seeds and other queries."""
    rng, held = np.random.default_rng(3), 0
    for _ in range(200):
        row = ranking_table(drawn({"a": 0.5}, 3, 60, 0.06, rng)).loc["a"]
        held += row["hits_at_1_low"] <= 0.5 <= row["hits_at_1_high"]
    assert held / 200 >= 0.9


def test_arms_may_be_told_apart_by_several_columns_and_no_row_counts_twice():
    rows = drawn({"a": 0.5}, 2, 10, 0.0, np.random.default_rng(0))
    both = pd.concat([rows.assign(weight="sft"), rows.assign(weight="contrastive")])
    table = ranking_table(both, by=["arm", "weight"])
    assert table.index.tolist() == [("a", "sft"), ("a", "contrastive")] and table.index.names == ["arm", "weight"]
    with pytest.raises(
        ValueError, match="20 rows are of a query that its arm and seed have already; name what differs"
    ):
        ranking_table(both)
    with pytest.raises(ValueError, match="no column 'seed'; the table has"):
        ranking_table(rows.drop(columns="seed"))
