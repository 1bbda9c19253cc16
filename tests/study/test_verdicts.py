"""Verdicts on claims: intervals against ranges, and several bases together."""

import pandas as pd
import pytest

from vlaa_helpers import judge_effect, verdict_table


def effects(*rows):
    """Rows (claim, base, low, high) of claims that an effect is above 0."""
    columns = ["claim", "base", "low", "high"]
    return pd.DataFrame(rows, columns=columns).assign(effect=0.0, at_least=0.0, at_most=float("nan"))


def test_an_interval_inside_the_range_holds_outside_fails_across_cannot_be_told():
    assert judge_effect(-0.2, -0.1, at_most=0) == "holds"
    assert judge_effect(0.1, 0.2, at_most=0) == "does not hold"
    assert judge_effect(-0.1, 0.2, at_most=0) == "cannot tell"
    assert judge_effect(-0.01, 0.01, at_least=-0.02, at_most=0.02) == "holds"
    assert judge_effect(-0.03, 0.01, at_least=-0.02, at_most=0.02) == "cannot tell"
    assert judge_effect(0.03, 0.05, at_least=-0.02, at_most=0.02) == "does not hold"


def test_a_claim_is_robust_only_where_it_holds_on_every_base():
    table = verdict_table(
        effects(
            ("robust", "one", 0.1, 0.2), ("robust", "two", 0.3, 0.4),
            ("wrong", "one", -0.2, -0.1), ("wrong", "two", -0.4, -0.3),
            ("both", "one", 0.1, 0.2), ("both", "two", -0.4, -0.3),
            ("half", "one", 0.1, 0.2), ("half", "two", -0.1, 0.3),
        )
    )  # fmt: skip
    assert table["verdict"].to_dict() == {
        "robust": "holds", "wrong": "does not hold", "both": "depends on the base", "half": "cannot tell"
    }  # fmt: skip
    assert list(table.columns) == ["one", "two", "bases", "verdict"]
    assert table.loc["robust", "one"] == "+0.000 (+0.100 to +0.200)"


def test_blank_bounds_are_none():
    table = effects(("lowers", "one", -0.2, -0.1)).assign(at_least=float("nan"), at_most=0.0)
    assert verdict_table(table).loc["lowers", "verdict"] == "holds"


def test_a_base_that_was_not_measured_is_left_blank():
    table = verdict_table(effects(("a", "one", 0.1, 0.2), ("a", "two", 0.1, 0.2), ("b", "one", 0.1, 0.2)))
    assert pd.isna(table.loc["b", "two"])
    assert table.loc["b", "verdict"] == "holds" and table["bases"].to_dict() == {"a": 2, "b": 1}


def test_a_claim_twice_and_a_missing_column_are_refused():
    with pytest.raises(ValueError, match="two rows for"):
        verdict_table(effects(("a", "one", 0.1, 0.2), ("a", "one", 0.1, 0.2)))
    with pytest.raises(ValueError, match="the table has no at_most"):
        verdict_table(effects(("a", "one", 0.1, 0.2)).drop(columns="at_most"))
