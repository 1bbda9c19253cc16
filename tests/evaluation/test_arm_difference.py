"""The difference of two arms: what its interval allows for, and what it refuses."""

import numpy as np
import pandas as pd
import pytest

from vlaa_helpers import compare_arms


def study(after, before, questions=400, seeds=3, spread=0.0, draw=0):
    """Responses of two arms whose chances of a right answer are these; a question's difficulty is the same for both."""
    rng = np.random.default_rng(draw)
    ease = rng.normal(0, 0.2, questions)
    rows = []
    for arm, chance in (("after", after), ("before", before)):
        for seed in range(seeds):
            p = np.clip(chance + rng.normal(0, spread) + ease, 0, 1)
            rows += [(arm, seed, f"q{k}", bool(rng.random() < p[k])) for k in range(questions)]
    return pd.DataFrame(rows, columns=["arm", "seed", "id", "correct"])


def test_the_difference_is_of_the_means_and_turns_its_sign_with_the_arms():
    table = study(0.7, 0.5)
    found, turned = compare_arms(table, "after", "before"), compare_arms(table, "before", "after")
    means = table.groupby("arm")["correct"].mean()
    assert found["difference"] == pytest.approx(means["after"] - means["before"])
    assert (found["n"], found["seeds"]) == (400, 3) and found["low"] > 0
    assert list(turned[["difference", "low", "high"]]) == pytest.approx(list(-found[["difference", "high", "low"]]))


def test_seeds_that_differ_widen_it():
    calm, wild = (compare_arms(study(0.6, 0.5, spread=spread), "after", "before") for spread in (0.0, 0.2))
    assert wild["high"] - wild["low"] > 2 * (calm["high"] - calm["low"])


def test_the_same_questions_make_it_narrower_than_other_ones_would():
    table = study(0.6, 0.5)
    apart = table.assign(id=table["id"] + table["arm"])
    wide = sum((compare_arms(apart[apart["arm"] == arm].pipe(doubled), arm, "none")["high"]
                - table[table["arm"] == arm]["correct"].mean()) ** 2 for arm in ("after", "before")) ** 0.5  # fmt: skip
    found = compare_arms(table, "after", "before")
    assert found["high"] - found["difference"] < wide


def doubled(part):
    """An arm, and one beside it that has nothing right."""
    return pd.concat([part, part.assign(arm="none", correct=False)])


def test_a_higher_level_is_a_wider_interval():
    table = study(0.6, 0.5)
    once, strict = (compare_arms(table, "after", "before", level=level) for level in (0.95, 0.999))
    assert strict["low"] < once["low"] < once["high"] < strict["high"]


def test_it_holds_the_truth_as_often_as_it_says():
    found = [compare_arms(study(0.6, 0.5, 100, spread=0.05, draw=draw), "after", "before") for draw in range(150)]
    held = np.mean([row["low"] <= 0.1 <= row["high"] for row in found])
    assert 0.9 <= held <= 1


def test_blank_values_are_left_out():
    table = study(0.7, 0.5).assign(claims_true=1.0)
    table.loc[table["id"] == "q0", "claims_true"] = np.nan
    assert compare_arms(table, "after", "before", "claims_true")["difference"] == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.drop(columns="id"), "has no id"),
        (lambda table: table[table["arm"] == "before"], "no response of 'after'; the table has before"),
        (lambda table: table[(table["arm"] == "before") | (table["id"] != "q3")], "such as 'q3'"),
    ],
)
def test_what_cannot_be_compared_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        compare_arms(change(study(0.6, 0.5, 10)), "after", "before")
