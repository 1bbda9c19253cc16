"""Shares of styles: counted by hand on small reports, with intervals over items and accuracy among the scored."""

from math import nan

import pandas as pd
import pytest

from vlaa_helpers.core.statistics import bootstrap_interval, wilson_interval
from vlaa_helpers.evaluation.eval_report import EvalReport
from vlaa_helpers.evaluation.style_report import style_columns, style_shares
from vlaa_helpers.mini_world.style_classifier import STYLE_NAMES
from vlaa_helpers.reference import reference_responses

GUESS = "<think>It looks like 3.</think>\n<answer>3</answer>"
WORKED = "<think>I see red star, blue star. That is 2 objects. Add 1 red star. 2 + 1 = 3.</think>\n<answer>3</answer>"
GARBLED = "<think>\ufffd look</think>\n<answer>3</answer>"


def rows(*said: tuple[str, str, float | None]) -> list[dict]:
    """Rows from (item, response, value)."""
    return [
        {"id": item, "source": "blocks", "response": text, "value": value, "correct": value == 1}
        for item, text, value in said
    ]


ONE_EACH = rows(("a", GUESS, 1.0), ("b", GUESS, 0.0), ("c", GUESS, None), ("d", WORKED, 1.0), ("e", "3", 0.0))
TWO_EACH = rows(("a", GUESS, 1.0), ("a", WORKED, 1.0), ("b", WORKED, 0.0), ("b", WORKED, 1.0), ("c", GARBLED, 0.0),
                ("c", GUESS, 0.0))  # fmt: skip


def test_one_response_an_item():
    table = style_shares(EvalReport(tuple(ONE_EACH), 1))
    assert table.index.tolist() == list(STYLE_NAMES) and table.index.name == "style"
    assert table["n"].tolist() == [1, 3, 0, 0, 1, 0]
    assert table["share"].tolist() == pytest.approx([0.2, 0.6, 0, 0, 0.2, 0])
    assert table["accuracy"].tolist() == pytest.approx([1, 0.5, nan, nan, 0, nan], nan_ok=True)  # one is not scored
    assert tuple(table.loc["shortcut", ["low", "high"]]) == pytest.approx(wilson_interval(3, 5))
    assert tuple(table.loc["teacher", ["low", "high"]]) == pytest.approx(wilson_interval(0, 5))


def test_several_responses_an_item():
    table = style_shares(EvalReport(tuple(TWO_EACH), 2))
    assert table["n"].tolist() == [3, 2, 0, 0, 0, 1]
    assert tuple(table.loc["careful", ["low", "high"]]) == pytest.approx(bootstrap_interval([0.5, 1, 0]))
    assert table.loc["careful", "accuracy"] == pytest.approx(2 / 3)


def test_by_one_column_and_by_two():
    frame = pd.DataFrame(ONE_EACH).assign(arm=["GRPO", "GRPO", "base", "base", "base"], seed=[0, 1, 0, 0, 0])
    table = style_shares(frame, "arm")
    assert table.index.names == ["arm", "style"] and table.index.unique("arm").tolist() == ["GRPO", "base"]
    assert table.loc["GRPO", "share"].tolist() == [0, 1, 0, 0, 0, 0]
    assert table.loc["base", "n"].tolist() == [1, 1, 0, 0, 1, 0]
    assert style_shares(frame, ["arm", "seed"]).loc[("GRPO", 1), "n"].tolist() == [0, 1, 0, 0, 0, 0]
    assert "style" not in frame


def test_columns_of_a_study():
    assert style_columns(pd.DataFrame(ONE_EACH)) == {
        "careful": 0.2, "shortcut": 0.6, "ramble": 0.0, "teacher": 0.0, "bare": 0.2, "other": 0.0
    }  # fmt: skip
    assert style_columns(pd.DataFrame(TWO_EACH))["shortcut"] == 0.3333


def test_what_has_no_styles():
    with pytest.raises(ValueError, match="no responses to tell the style of"):
        style_shares(EvalReport((), 1))
    with pytest.raises(ValueError, match="unknown mini-world source 'my_source'"):
        style_shares(pd.DataFrame(ONE_EACH).assign(source="my_source"))
    assert style_shares(pd.DataFrame(ONE_EACH).assign(source="clevr_math")).loc["other", "share"] == 1


def test_the_shipped_responses():
    table = style_shares(reference_responses(decoding="sampled"), "arm")
    assert table.groupby("arm")["share"].sum().tolist() == pytest.approx([1] * 4)
    assert (
        table.groupby("arm")["n"].sum().to_dict()
        == reference_responses(decoding="sampled")["arm"].value_counts().to_dict()
    )
    assert table.loc[("base", "other"), "share"] < 0.1 < table.loc[("base", "careful"), "share"]
    assert table.loc[("GRPO", "careful"), "low"] > table.loc[("base", "careful"), "high"]
