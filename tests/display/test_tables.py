"""Cells with a value, its interval and n; words where there is nothing; no cell that two rows would fill."""

import pandas as pd
import pytest

from vlaa_helpers.display.tables import interval_table

FOUND = pd.DataFrame(
    {
        "arm": ["base", "base", "GRPO"],
        "outcome": ["wrong", "no answer", "wrong"],
        "n": [1200, 0, 5],
        "of": [1200, 7, 9],
        "mean": [0.5, float("nan"), 0.25],
        "low": [0.4, float("nan"), 0.125],
        "high": [0.6, float("nan"), 0.375],
    }
)


def test_cells_say_value_interval_and_number():
    table = interval_table(FOUND, rows="outcome", columns="arm", form="{:.1f}")
    assert list(table.index) == ["wrong", "no answer"] and list(table.columns) == ["base", "GRPO"]
    assert table.loc["wrong", "base"] == "0.5 (0.4 to 0.6), n = 1,200"
    assert table.loc["wrong", "GRPO"] == "0.2 (0.1 to 0.4), n = 5 of 9"
    assert table.loc["no answer", "base"] == "none (n = 0 of 7)" and table.loc["no answer", "GRPO"] == "none (n = 0)"


def test_a_difference_comes_before_a_mean_and_an_area_has_two_numbers():
    paired = FOUND.assign(difference=[0.1, 0.2, 0.3], questions=[3, 4, 5]).drop(columns=["n", "of"])
    assert interval_table(paired, rows="outcome", columns="arm").loc["wrong", "base"].startswith("0.10 (0.40")
    area = FOUND.rename(columns={"mean": "auc"}).assign(right=3, not_right=4).drop(columns=["n", "of"])
    assert interval_table(area, rows="outcome", columns="arm").loc["wrong", "base"].endswith("3 right, 4 not")
    assert interval_table(area.set_index("outcome"), rows="outcome", columns="arm").shape == (2, 2)


def test_several_columns_make_a_row():
    table = interval_table(FOUND, rows=["outcome", "arm"], columns="n")
    assert table.shape == (3, 3) and table.loc[("wrong", "base"), 1200].startswith("0.50")


def test_what_makes_no_table():
    with pytest.raises(ValueError, match="several rows for one cell"):
        interval_table(FOUND, rows="arm", columns="arm")
    with pytest.raises(ValueError, match="no difference or mean or auc or accuracy with one of n, "):
        interval_table(FOUND.drop(columns="mean"), rows="arm", columns="outcome")
