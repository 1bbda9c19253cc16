"""The shipped policies and answers: they are there, they load, and they say what the tables say."""

import json

import pytest

from vlaa_helpers import (
    evaluate,
    get_profile,
    load_policy,
    policy_adapter,
    reference_records,
    reference_responses,
    reference_table,
)
from vlaa_helpers.core.assets import POLICIES
from vlaa_helpers.dev.reference_policies import RUNS
from vlaa_helpers.reference import RESPONSE_COLUMNS


def test_every_arm_has_its_answers():
    table = reference_responses()
    assert list(table.columns) == list(RESPONSE_COLUMNS)
    ids = set(reference_records()["id"])
    for (arm, _seed, decoding), part in table.groupby(["arm", "seed", "decoding"]):
        assert set(part["id"]) == ids and len(part) == len(ids) * (1 if decoding == "greedy" else 4), arm
    seeds = table.groupby("arm")["seed"].unique().map(sorted).to_dict()
    assert seeds == {arm: [0] if arm == "base" else [0, 1, 2] for arm in RUNS}
    assert set(reference_responses("GRPO", decoding="greedy")["arm"]) == {"GRPO"}


def test_they_agree_with_the_tables_of_the_studies():
    table = reference_responses(decoding="sampled")
    arms = reference_table("grpo_arms")
    rows = arms[(arms["decoding"] == "sampled") & (arms["source"] == "all")].set_index(["arm", "seed"])["accuracy"]
    for arm, name in (("base", "base"), ("GRPO", "mixed")):
        for seed, part in table[table["arm"] == arm].groupby("seed"):
            assert part["correct"].mean() == pytest.approx(rows[name, seed], abs=1e-4)


@pytest.mark.parametrize("arm", RUNS)
def test_a_shipped_policy_gives_the_shipped_answers(arm):
    records = reference_records().select(range(12))
    model, processor = load_policy(get_profile("mini"), adapter=policy_adapter(arm), trainable=False)
    now = {row["id"]: row["response"] for row in evaluate(model, processor, records, batch_size=12).rows}
    kept = reference_responses(arm, decoding="greedy")
    kept = kept[(kept["seed"] == 0) & kept["id"].isin(now)].set_index("id")["response"]
    # a float rounds differently in another batch, and a tie may then break the other way
    assert sum(now[name] == kept[name] for name in now) >= 11


def test_adapters_name_no_machine():
    for config in POLICIES.glob("*/adapter_config.json"):
        assert json.loads(config.read_text())["base_model_name_or_path"] == "mini_vlm_strong"
    with pytest.raises(ValueError, match="unknown arm 'DPO'; expected one of base, SFT"):
        policy_adapter("DPO")
