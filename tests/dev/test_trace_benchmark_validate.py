"""The shipped tables of the validation are what the command writes, and the card quotes them."""

import re

import pandas as pd
import pytest

from vlaa_helpers.core.assets import TRACE_BENCHMARK
from vlaa_helpers.dev.trace_benchmark.validate import all_tables, cross_validated, measure_aucs, style_table
from vlaa_helpers.pseudo_reasoning.benchmark import PSEUDO_KINDS


@pytest.fixture(scope="module")
def shipped() -> dict[str, pd.DataFrame]:
    return {path.stem: pd.read_csv(path) for path in TRACE_BENCHMARK.glob("*.csv")}


def test_the_shipped_tables_are_what_the_command_writes(shipped):
    tables = all_tables()
    assert tables.keys() == shipped.keys()
    for name, table in tables.items():
        pd.testing.assert_frame_equal(table, shipped[name], atol=0.004, rtol=0, check_dtype=False)


def test_the_card_quotes_the_tables(shipped):
    card = (TRACE_BENCHMARK / "README.md").read_text(encoding="utf-8")
    found = shipped["detector"].set_index(["inputs", "evaluated", "kind"])
    for kind in ("all", *PSEUDO_KINDS):
        text, facts = (found.loc[(inputs, "test", kind)] for inputs in ("text", "text and facts"))
        cells = [f"{row['auc']:.3f}" + (f" ({row['low']:.3f}–{row['high']:.3f})" if kind == "all" else "")
                 for row in (text, facts)]  # fmt: skip
        assert f"| {kind} | {' | '.join(cells)} |" in card
    prose = [found.loc[key]["auc"] for key in [("text", "test, kind unseen", "hedged"), ("text", "styles", "all"),
             ("text and facts", "test, kind unseen", "hedged"), ("text and facts", "styles", "all"),
             ("words (control)", "test", "all")]]  # fmt: skip
    seeds = shipped["seeds"].groupby("inputs")["auc"].agg(["min", "max"]).to_numpy().ravel()
    for value in (*prose, *seeds):
        assert f"{value:.3f}" in card
    assert all((TRACE_BENCHMARK / name).exists() for name in re.findall(r"\((\w+\.csv)\)", card))


def planted(n: int) -> pd.DataFrame:
    pseudo = [k % 2 == 0 for k in range(n)]
    return pd.DataFrame({"pseudo": pseudo, "pair": [k // 2 for k in range(n)], "good": [3 * p for p in pseudo],
                         "same": [1] * n, "turned": [-p for p in pseudo]})  # fmt: skip


def test_a_direction_is_learned_on_train_and_kept_on_test():
    train, test = planted(20), planted(20)
    test["turned"] = -test["turned"]
    table = measure_aucs(train, test, ["good", "same", "turned"]).set_index("measure")
    assert table["auc"].tolist() == [1.0, 0.5, 0.0] and table["pseudo"].tolist() == ["higher", "higher", "lower"]


def test_a_pair_is_in_one_fold_only():
    table = planted(40)
    scores = cross_validated(table, ["same"])
    assert abs(scores - 0.5).max() < 1e-6  # every part holds as many of both
    assert cross_validated(table, ["good"])[table["pseudo"]].min() > 0.5


def test_the_styles_come_in_pairs():
    table = style_table(6)
    assert len(table) == 12 and table["pseudo"].sum() == 6 and table.groupby("pair")["pseudo"].sum().eq(1).all()
