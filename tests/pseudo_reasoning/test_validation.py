"""The detector on kinds that it never saw, and what of its other results was put in when traces were planted."""

import math

import pandas as pd
import pytest

from vlaa_helpers import load_trace_benchmark, measured, validation_table
from vlaa_helpers.core.assets import TRACE_BENCHMARK
from vlaa_helpers.pseudo_reasoning.benchmark import PSEUDO_KINDS
from vlaa_helpers.pseudo_reasoning.detector import Auc, auc
from vlaa_helpers.pseudo_reasoning.validation import BALANCED, PLANTED_BY_FACTS, mean_area, pairs_of, unseen_kind


@pytest.fixture(scope="module")
def splits() -> list[pd.DataFrame]:
    return [measured(load_trace_benchmark(split)) for split in ("train", "test")]


@pytest.fixture(scope="module")
def table(splits) -> pd.DataFrame:
    return validation_table(*splits)


def test_unseen_kinds_are_those_of_the_shipped_table(table):
    shipped = pd.read_csv(TRACE_BENCHMARK / "detector.csv").set_index(["inputs", "evaluated", "kind"])
    found = table[(table["evaluated"] == "kind unseen") & table["kind"].isin(PSEUDO_KINDS)]
    assert len(found) == 12
    for row in found.itertuples():
        expected = shipped.loc[(row.what, "test, kind unseen", row.kind)]
        assert (row.auc, row.low, row.high) == pytest.approx(tuple(expected[["auc", "low", "high"]]), abs=0.004)


def test_each_row_says_how_to_read_it(table):
    found = table[table["evaluated"] == "kind unseen"].groupby(["what", "status"])["kind"].agg(list)
    assert found["text", "headline"] == [*PSEUDO_KINDS, "mean of 6"]
    assert found["text and facts", "circular"] == list(PLANTED_BY_FACTS)
    assert found["text and facts", "headline"] == [
        *(kind for kind in PSEUDO_KINDS if kind not in PLANTED_BY_FACTS), "mean of 3, circular kinds left out",
    ]  # fmt: skip
    status = {(row.what, row.evaluated): row.status for row in table.itertuples()}
    assert status["text", "kind seen"] == "seen" and status["text and facts", "kind seen"] == "circular"
    assert status["claims_share", "alone"] == "circular" and status["words", "alone"] == "balanced by construction"
    assert (table["n"] > 0).all() and table["auc"].between(table["low"], table["high"]).all()


def test_a_kind_that_is_left_out_teaches_nothing(splits):
    """With its label turned round in what is learned from, the area on the kind stays what it was."""
    learned, tested = splits
    turned = learned.copy()
    there = turned["pair"].isin(pairs_of(turned, "padded")["pair"])
    turned.loc[there, "pseudo"] = ~turned.loc[there, "pseudo"]
    assert unseen_kind(turned, tested, "padded") == unseen_kind(learned, tested, "padded")
    assert unseen_kind(turned, tested, "hedged") != unseen_kind(learned, tested, "hedged")


def test_facts_are_what_planted_the_circular_kinds(splits):
    """Every corrupted or borrowed trace is made false by the checker; of the other pseudo kinds none has to be."""
    rows = pd.concat(splits)
    false = (rows["claims_false"] > 0).groupby(rows["kind"]).mean()
    assert false[list(PLANTED_BY_FACTS)].min() > 0.25
    assert false[["hedged", "padded", "cue_decorated"]].max() < 0.01


def test_balanced_measures_are_balanced(splits):
    """In neither split does one tell the classes apart; were one to, its row would be a finding."""
    for split in splits:
        for name in BALANCED:
            assert 0.45 < auc(split[name], split["pseudo"]).value < 0.55, name


def test_the_mean_of_areas_by_hand():
    found = mean_area([Auc(0.6, 0.5, 0.7, 10), Auc(0.98, 0.93, 1.0, 20)])
    half = math.hypot(0.1, 0.05) / 2
    assert found.value == pytest.approx(0.79) and found.n == 30
    assert (found.low, found.high) == pytest.approx((0.79 - half, 0.79 + half))
