"""What comes with the package of the series' own runs: it is there, and a wrong name is told the right ones."""

import pytest

from vlaa_helpers import REWARD_ARMS, held_out, reference_table, study_outcomes
from vlaa_helpers.core.assets import REFERENCE, STUDIES


def test_the_papers_arms():
    assert set(REWARD_ARMS) == {"mixed", "all rules", "w/o digit", "w/o choice", "w/o math", "w/o box"}
    assert "open_ended" not in REWARD_ARMS["w/o math"] and "math" not in REWARD_ARMS["w/o math"]


def test_reference_results_are_shipped():
    table = reference_table("sft_sizes")
    assert set(table["number"].dropna()) == {128, 512, 2048, 8192} and set(table["seed"]) == {0, 1, 2}
    everything = table["set"].isin(["test", "shifted"]) & (table["source"] == "all") & (table["decoding"] != "no_think")
    assert (table[everything]["n"] == 1800).all()
    arms = reference_table("grpo_arms")
    assert {"base", "mixed"} <= set(arms["arm"]) and set(arms.loc[arms["arm"] == "mixed", "seed"]) == {0, 1, 2}
    for seed in (0, 1, 2):
        log = reference_table(f"grpo_mixed_seed_{seed}")
        assert log["step"].iloc[-1] == 64 and len(log["held_out/accuracy"].dropna()) == 5


def test_a_table_has_one_file():
    studies, others = ({path.name.split(".")[0] for path in folder.glob("*.csv*")} for folder in (STUDIES, REFERENCE))
    assert studies and others and not studies & others


def test_an_unknown_table_or_set_is_told_the_known_ones():
    with pytest.raises(
        ValueError,
        match="no table 'sft_size' comes with the package; expected one of arms, bases, capacity, .*sft_sizes",
    ):
        reference_table("sft_size")
    with pytest.raises(ValueError, match="unknown held-out set 'train'; expected one of test, shifted, text"):
        held_out("train")


def test_an_unknown_study_is_told_those_with_outcomes():
    with pytest.raises(
        ValueError, match="no outcomes of 'grpo_arms' come with the package; expected one of .*sft_or_rl"
    ):
        study_outcomes("grpo_arms")


def test_held_out_sets_have_as_many_records_as_asked_for():
    assert len(held_out("text", 2)) == 12
