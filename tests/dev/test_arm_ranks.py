"""Ranks of arms before RL and after it, with intervals, on planted outcomes."""

import numpy as np
import pandas as pd
import pytest

from vlaa_helpers.dev.studies.arm_ranks import arm_ranks, followers

ARMS = pd.DataFrame(
    [(name, f"{name}, GRPO", "own", name) for name in ("a", "b", "c")], columns=["arm", "after", "writer", "weights"]
)


def outcomes(chance, *, seeds=(0, 1, 2), questions=400, spread=0.0):
    """Every question has its own difficulty, each arm and seed a chance that is added to it; "correct" is a chance."""
    rng = np.random.default_rng(0)
    hard, rows = rng.uniform(0, 0.3, questions), []
    for arm, value in chance.items():
        for seed in seeds:
            correct = hard + value + rng.normal(scale=spread) + rng.normal(scale=0.1, size=questions)
            told = {"arm": arm, "seed": seed, "set": "test", "decoding": "greedy", "source": "blocks"}
            rows.append(pd.DataFrame({"id": [f"q{k}" for k in range(questions)], "correct": correct}).assign(**told))
    table = pd.concat(rows, ignore_index=True)
    return table.astype(dict.fromkeys(("arm", "set", "decoding", "source", "id"), "category"))


APART = {"a": 0.1, "b": 0.2, "c": 0.3, "a, GRPO": 0.6, "b, GRPO": 0.5, "c, GRPO": 0.4}
ALIKE = {"a": 0.1, "b": 0.2, "c": 0.3, "a, GRPO": 0.5, "b, GRPO": 0.5, "c, GRPO": 0.2}


def of_own(table):
    return table[table["writer"] == "own"].set_index("arm")


def test_ranks_that_turn_around_are_certain_where_arms_are_far_apart():
    found = arm_ranks(outcomes(APART), ARMS)
    assert found["writer"].tolist() == ["own"] * 3 + ["all"] * 3 and (found["n"] == 400).all()
    own = of_own(found)
    assert own["rank_before"].tolist() == [3, 2, 1] and own["rank_after"].tolist() == [1, 2, 3]
    for when in ("before", "after"):
        assert (own[f"rank_{when}_low"] == own[f"rank_{when}_high"]).all()
    assert own["climb"].tolist() == own["climb_low"].tolist() == own["climb_high"].tolist() == [2, 0, -2]
    assert own["after"].tolist() == pytest.approx([0.75, 0.65, 0.55], abs=0.02)


def test_arms_that_are_alike_share_an_interval():
    own = of_own(arm_ranks(outcomes(ALIKE), ARMS))
    assert own.loc[["a", "b"], ["rank_after_low", "rank_after_high"]].values.tolist() == [[1, 2], [1, 2]]
    assert own.loc["c", ["rank_after_low", "rank_after_high"]].tolist() == [3, 3]


def test_a_training_that_depends_on_its_seed_widens_ranks():
    close = APART | {"a, GRPO": 0.46, "b, GRPO": 0.43, "c, GRPO": 0.40}
    steady, shaky = (of_own(arm_ranks(outcomes(close, spread=spread), ARMS)) for spread in (0.0, 0.08))
    assert (steady["rank_after_high"] - steady["rank_after_low"]).max() == 0
    assert (shaky["rank_after_high"] - shaky["rank_after_low"]).max() >= 1
    alone = of_own(arm_ranks(outcomes(close, spread=0.08, seeds=(0,)), ARMS))  # what one seed cannot know
    assert (alone["seeds"] == 1).all() and (alone["rank_after_high"] - alone["rank_after_low"]).max() == 0


def test_an_arm_that_is_not_done_is_left_out():
    table = outcomes(APART)
    cut = table[~((table["arm"] == "b, GRPO") & (table["seed"] == 2))]
    assert of_own(arm_ranks(cut, ARMS)).index.tolist() == ["a", "c"]
    assert len(arm_ranks(table[table["arm"].isin(["a", "b", "c"])], ARMS)) == 0
    other = table.assign(source="angles")  # SFT never saw it
    assert len(arm_ranks(other, ARMS)) == 0


def test_followers_are_found_by_where_grpo_starts():
    table = pd.DataFrame(
        [
            ("base", "", "", None, None),
            ("GRPO", "", "Grpo", "blind", None),
            ("s", "", "Sft", "own", None),
            ("d", "", "Sft", "own", "dft"),
            ("writer", "", "Sft", "blind", None),
            ("d then RL", "d", "Grpo", "blind", None),
            ("s, GRPO", "s", "Grpo", "blind", None),
        ],
        columns=["arm", "start", "stage", "traces", "weights"],
    )
    expected = [["s", "s, GRPO", "own", "sft"], ["d", "d then RL", "own", "dft"]]
    assert followers(pd.concat([table, table]))[["arm", "after", "writer", "weights"]].values.tolist() == expected
