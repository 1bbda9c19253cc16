"""Strata, areas and bins by hand; unanswered responses are counted; seeds and questions are in the intervals."""

import math

import numpy as np
import pandas as pd
import pytest

from vlaa_helpers import outcomes, score_auc, score_bins, score_strata
from vlaa_helpers.core.statistics import seeds_interval, wilson_interval
from vlaa_helpers.pseudo_reasoning.detector import auc

NAN = float("nan")


def responses(rows: list[tuple]) -> pd.DataFrame:
    """Rows of (arm, seed, id, source, correct, has_answer, pseudo)."""
    return pd.DataFrame(rows, columns=["arm", "seed", "id", "source", "correct", "has_answer", "pseudo"])


TABLE = responses(
    [
        ("base", 0, "a", "charts", True, True, 0.1),
        ("base", 0, "b", "charts", False, True, 0.9),
        ("base", 0, "c", "boxes", False, False, NAN),
        ("GRPO", 0, "a", "charts", True, True, 0.2),
        ("GRPO", 1, "a", "charts", True, True, 0.4),
        ("GRPO", 0, "b", "charts", False, True, 0.5),
        ("GRPO", 1, "b", "charts", True, True, 0.3),
    ]
)


def test_outcomes():
    assert outcomes(TABLE).tolist() == ["right", "wrong", "no answer", "right", "right", "wrong", "right"]
    unscored = TABLE.assign(value=[1.0, NAN, 0, 1, 1, 0, 1])
    assert outcomes(unscored).tolist()[:3] == ["right", "not scored", "no answer"]
    none = TABLE.assign(correct=[True, None, False, True, True, False, True])
    assert outcomes(none).tolist()[:3] == ["right", "not scored", "no answer"]


def test_strata_by_hand():
    found = score_strata(TABLE).set_index(["arm", "outcome"])
    assert found["mean"].to_dict() == pytest.approx(
        {
            ("base", "all"): 0.5, ("base", "right"): 0.1, ("base", "wrong"): 0.9, ("base", "no answer"): NAN,
            ("GRPO", "all"): 0.35, ("GRPO", "right"): 0.3, ("GRPO", "wrong"): 0.5, ("GRPO", "no answer"): NAN,
        },
        nan_ok=True,
    )  # fmt: skip
    counts = found[["n", "of", "questions", "seeds"]].values.tolist()
    assert counts[:4] == [[2, 3, 2, 1], [1, 1, 1, 1], [1, 1, 1, 1], [0, 1, 0, 0]]
    assert counts[4:] == [[4, 4, 2, 2], [3, 3, 2, 2], [1, 1, 1, 1], [0, 0, 0, 0]]
    part = TABLE[TABLE["arm"] == "GRPO"]
    expected = seeds_interval(part["pseudo"], items=part["id"], seeds=part["seed"])
    assert tuple(found.loc[("GRPO", "all"), ["low", "high"]]) == pytest.approx(expected)


def test_strata_of_two_columns_and_of_none():
    found = score_strata(TABLE, ["pseudo", "correct"], by=("source", "outcome"))
    assert len(found) == 2 * 2 * (1 + 2 * 3) and list(found.columns[:4]) == ["arm", "source", "outcome", "measure"]
    of = found[found["measure"] == "pseudo"].set_index(["arm", "source", "outcome"])["of"]
    assert of[("base", "boxes", "no answer")] == 1 and of[("GRPO", "boxes", "no answer")] == 0
    assert of.drop("all", level="source").groupby("arm").sum().to_dict() == {"base": 3, "GRPO": 4}
    assert score_strata(TABLE, by=())[["arm", "n", "of"]].values.tolist() == [["base", 2, 3], ["GRPO", 4, 4]]


def test_shares_have_intervals_that_do_not_pretend():
    """One response a question is Wilson's; all right in three seeds is only as sure as the questions are many."""
    once = responses([("A", 0, str(k), "charts", k < 8, True, 0.0) for k in range(10)])
    (row,) = score_strata(once, "correct", by=()).to_dict("records")
    assert (row["low"], row["high"]) == wilson_interval(8, 10)
    all_right = responses([("A", seed, str(k), "charts", True, True, 0.0) for k in range(10) for seed in range(3)])
    (row,) = score_strata(all_right, "correct", by=()).to_dict("records")
    assert row["n"] == 30 and (row["low"], row["high"]) == wilson_interval(10, 10)


def drawn(rng: np.random.Generator, *, n: int = 60) -> pd.DataFrame:
    """A score that knows the source (boxes are hard and score high) and, a little, whether an answer is right."""
    rows = []
    for seed in range(3):
        for k in range(n):
            hard = k % 2 == 0
            right = rng.random() < (0.1 if hard else 0.9)
            score = min(1, max(0, 0.3 + 0.4 * hard - 0.05 * right + 0.1 * rng.normal()))
            rows.append(("A", seed, str(k), "boxes" if hard else "charts", right, right or k % 3 > 0, score))
    return responses(rows)


def test_an_area_within_sources_does_not_hold_which_source_is_hard():
    table = drawn(np.random.default_rng(0))
    found = score_auc(table).set_index("source")
    assert found.loc["all", "auc"] > 0.85 and 0.5 < found.loc["within sources", "auc"] < 0.75
    parts = {source: table[table["source"] == source] for source in ("boxes", "charts")}
    for source, part in parts.items():
        assert found.loc[source, "auc"] == pytest.approx(auc(part["pseudo"], ~part["correct"]).value)
    pairs = {source: part["correct"].sum() * (~part["correct"]).sum() for source, part in parts.items()}
    mean = sum(pairs[name] * found.loc[name, "auc"] for name in pairs) / sum(pairs.values())
    assert found.loc["within sources", "auc"] == pytest.approx(mean)
    assert found.loc["all", ["right", "not_right", "no_answer"]].tolist() == [
        table["correct"].sum(), (~table["correct"]).sum(), (~table["has_answer"]).sum(),
    ]  # fmt: skip
    assert (found["low"] < found["auc"]).all() and (found["auc"] < found["high"]).all()


def test_the_interval_within_sources_is_that_of_a_mean_of_independent_areas():
    table = drawn(np.random.default_rng(0), n=600).query("seed == 0")
    found = score_auc(table).set_index("source")
    width = found["high"] - found["low"]
    right, other = (found.loc[["boxes", "charts"], name] for name in ("right", "not_right"))
    shares = right * other / (right * other).sum()
    expected = math.hypot(*(shares * width[["boxes", "charts"]]))
    assert width["within sources"] == pytest.approx(expected, rel=0.02)


def test_an_area_without_wrong_answers_is_not_a_number():
    found = score_auc(TABLE[TABLE["correct"]]).set_index(["arm", "source"])
    assert found["auc"].isna().all() and found.loc[("GRPO", "all"), ["right", "not_right"]].tolist() == [3, 0]


def test_bins_by_hand():
    found = score_bins(TABLE, bins=2).to_dict("records")
    assert [(row["arm"], row["start"], row["n"], row["of"], row["no_answer"]) for row in found[:2]] == [
        ("base", 0.0, 1, 3, 0), ("base", 0.5, 1, 3, 0)]  # fmt: skip
    assert math.isnan(found[2]["start"]) and (found[2]["n"], found[2]["no_answer"], found[2]["accuracy"]) == (1, 1, 0)
    assert [(row["start"], row["n"], row["accuracy"]) for row in found[3:]] == [(0.0, 3, 1.0), (0.5, 1, 0.0)]
    assert found[3]["score"] == pytest.approx(0.3)
    top = score_bins(TABLE.assign(pseudo=1.0), bins=5)
    assert (top["end"] == 1).all() and "garbled" not in top
    told = score_bins(TABLE.assign(garbled=(TABLE["arm"] == "base") & (TABLE["id"] == TABLE["id"].iloc[0])), bins=2)
    assert told.groupby("arm")["garbled"].unique().map(len).tolist() == [1, 1] and (told["garbled"] > 0).any()


def test_what_cannot_be_told_is_said():
    with pytest.raises(ValueError, match=r"the table has no seed; it has .* table.assign\(seed=0\)"):
        score_strata(TABLE.drop(columns="seed"))
    with pytest.raises(ValueError, match="the table has no has_answer"):
        outcomes(TABLE[["correct"]])
    with pytest.raises(ValueError, match=r"pseudo runs from 1.00 to 9.00; expected a score in 0-1"):
        score_bins(TABLE.assign(pseudo=TABLE["pseudo"] * 10))
