"""Differences within questions: by hand, blind to what differs between questions, honest about what is left out."""

import numpy as np
import pandas as pd
import pytest

from vlaa_helpers import compare_policies, compare_within_questions


def table(rows: list[tuple]) -> pd.DataFrame:
    """Rows of (arm, seed, id, pseudo)."""
    found = pd.DataFrame(rows, columns=["arm", "seed", "id", "pseudo"])
    return found.assign(source=found["id"].str[0], correct=found["pseudo"] < 0.5)


SMALL = table(
    [
        ("base", 0, "a1", 0.2), ("base", 0, "a2", 0.4), ("base", 0, "b1", float("nan")),
        ("GRPO", 0, "a1", 0.1), ("GRPO", 1, "a1", 0.3), ("GRPO", 0, "a2", 0.8), ("GRPO", 0, "b1", 0.9),
    ]
)  # fmt: skip


def test_a_difference_by_hand():
    found = compare_policies(SMALL).set_index("source")
    assert found.loc["all", ["questions", "of", "seeds"]].tolist() == [2, 3, 2]
    # question a1: 0.2 - 0.2; question a2: 0.8 - 0.4; b1 has no base score
    assert found.loc["all", ["first", "mean", "difference"]].tolist() == pytest.approx([0.3, 0.5, 0.2])
    assert found.loc["b", "questions"] == 0 and found.loc["b", "of"] == 1 and np.isnan(found.loc["b", "difference"])


def drawn(rng: np.random.Generator, *, between: float = 0.0, difference: float = 0.1, n: int = 80) -> pd.DataFrame:
    questions = rng.normal(size=n)
    rows = [("base", 0, f"a{k}", questions[k] + rng.normal() * 0.1) for k in range(n)]
    for seed in range(3):
        shift = rng.normal() * between
        rows += [("GRPO", seed, f"a{k}", questions[k] + difference + shift + rng.normal() * 0.1) for k in range(n)]
    return table(rows)


def test_what_questions_differ_in_is_not_in_the_interval():
    row = compare_policies(drawn(np.random.default_rng(0))).iloc[0]
    assert row["low"] > 0.05 and row["high"] < 0.15  # questions differ by 1, so unpaired: 0.1 ± 0.25


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    rng, held, n = np.random.default_rng(1), 0, 120
    for _ in range(n):
        row = compare_policies(drawn(rng, between=0.1)).iloc[0]
        held += row["low"] <= 0.1 <= row["high"]
    assert held / n >= 0.9


def test_more_questions_of_one_arm_change_nothing():
    """Easy questions that only one policy answered would lower its mean."""
    more = pd.concat([SMALL, table([("GRPO", 0, f"a{k}", 0.0) for k in range(5, 50)])])
    before, after = (compare_policies(each).iloc[0] for each in (SMALL, more))
    assert after["difference"] == before["difference"] and after["of"] == 48


def test_with_and_without_by_hand():
    rows = [("A", 0, "a1", 0.2), ("A", 0, "a1", 0.6), ("A", 0, "a2", 0.9), ("A", 1, "a1", 0.1), ("A", 1, "a1", 0.3)]
    found = compare_within_questions(table(rows), [False, True, True, False, True], "pseudo").iloc[0]
    assert found[["marked", "n", "pairs", "of"]].tolist() == [3, 5, 2, 3]
    assert found[["with_mark", "without", "difference"]].tolist() == pytest.approx([0.45, 0.15, 0.3])
    assert found["low"] <= 0.3 <= found["high"]


def test_a_mark_of_hard_questions_makes_no_difference_within_them():
    """Cues come with hard questions, and change nothing: pooled they look harmful, within a question they do not."""
    rng, rows, marks = np.random.default_rng(0), [], []
    for k in range(600):
        hard = k % 2
        for _ in range(4):
            rows.append(("A", 0, f"a{k}", rng.random() * 0.5 + 0.5 * (rng.random() < (0.8 if hard else 0.1))))
            marks.append(rng.random() < (0.7 if hard else 0.2))
    found, marks = table(rows), np.array(marks)
    pooled = found["correct"][marks].mean() - found["correct"][~marks].mean()
    row = compare_within_questions(found, marks).iloc[0]
    assert pooled < -0.2 and abs(row["difference"]) < 0.06 and row["high"] - row["low"] < 0.15


def test_no_pairs_and_wrong_calls():
    row = compare_within_questions(SMALL, [True] * len(SMALL), "pseudo").iloc[0]
    assert row["pairs"] == 0 and np.isnan(row["difference"]) and np.isnan(row["low"])
    with pytest.raises(ValueError, match="1 marks for 7 responses"):
        compare_within_questions(SMALL, [True])
    with pytest.raises(ValueError, match="no arm 'SFT' to compare with; the table has base, GRPO"):
        compare_policies(SMALL, first="SFT")
    with pytest.raises(ValueError, match="the table has no claims"):
        compare_policies(SMALL, "claims")
