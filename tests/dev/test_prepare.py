"""Ranks before and after RL on planted arms, drift of adapters by hand, and what of it is shipped."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from peft import LoraConfig, get_peft_model
from planted_prepare import WEIGHTS, planted

from vlaa_helpers.dev.studies import prepare
from vlaa_helpers.dev.studies.effects import PLANS
from vlaa_helpers.dev.studies.outcomes import write_outcomes
from vlaa_helpers.dev.studies.prepare import drift_columns, hint_columns, pairs, rank_table, ship_runs
from vlaa_helpers.study.stages import Grpo, Sft
from vlaa_helpers.study.study_file import load_study


def test_pairs_are_an_arm_before_and_after_rl_over_what_it_was_trained_on():
    table = planted(lambda writer, place, seed: 0.5 + 0.01 * place)
    other = table.assign(source="angles", accuracy=1.0)  # SFT never saw it
    found = pairs(pd.concat([table, other]))
    assert len(found) == 2 * 7 * 3 and set(found["weights"]) == set(WEIGHTS)
    dft = found[(found["arm"] == "own dft") & (found["seed"] == 1)].iloc[0]
    assert (dft["writer"], dft["before"], dft["after"]) == ("own", pytest.approx(0.1), pytest.approx(0.51))


def test_a_score_that_misleads_is_seen_and_one_that_tells():
    """Own traces: the ranks are turned around. Blind ones: they stay."""
    sign = {"own": -1, "blind": 1}
    ranks = rank_table(pairs(planted(lambda writer, place, seed: 0.5 + sign[writer] * 0.01 * place + 0.1 * seed)))
    ranks = ranks.set_index("writer")
    assert ranks.index.tolist() == ["own", "blind", "all"] and (ranks["n"] == [7, 7, 14]).all()
    assert ranks.loc["own", ["spearman", "by_seed", "low", "high"]].tolist() == pytest.approx([-1, -1, -1, -1])
    assert ranks.loc["blind", ["spearman", "by_seed", "repeats"]].tolist() == pytest.approx([1, 1, 1])
    assert ranks.loc["own", "rho_high"] < 0 < ranks.loc["blind", "rho_low"]
    assert ranks.loc["all", "rho_low"] < ranks.loc["all", "spearman"] < ranks.loc["all", "rho_high"]
    assert ranks.loc["own", "range_before"] == pytest.approx(0.6)
    assert ranks.loc["own", "range_after"] == pytest.approx(0.06)


def test_noise_after_rl_repeats_in_no_seed():
    rng = np.random.default_rng(0)
    ranks = rank_table(pairs(planted(lambda *_: rng.random(), seeds=range(8)))).set_index("writer")
    assert ranks.loc["all", "low"] < 0 < ranks.loc["all", "high"] and abs(ranks.loc["all", "repeats"]) < 0.3


def test_one_seed_has_no_interval_over_seeds_and_a_half_run_study_what_it_has():
    table = planted(lambda writer, place, seed: place, seeds=(0,))
    ranks = rank_table(pairs(table))
    assert ranks["low"].isna().all() and (ranks["by_seed"] == 1).all()
    cut = table[~table["arm"].isin(["own dft, GRPO", *(f"blind {name}, GRPO" for name in WEIGHTS)])]
    assert rank_table(pairs(cut))[["writer", "n"]].values.tolist() == [["own", 6], ["all", 6]]


def adapter(folder, seed, factor=1.0):
    """A layer of 3 to 2 with an adapter of rank 1, saved; gives its folder and its product."""
    torch.manual_seed(seed)
    layer = torch.nn.Sequential(torch.nn.Linear(3, 2))
    model = get_peft_model(layer, LoraConfig(r=1, lora_alpha=2, target_modules=["0"]))
    down, up = torch.randn(1, 3), torch.randn(2, 1) * factor
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            parameter.data = down.clone() if "lora_A" in name else up.clone()
    model.save_pretrained(folder)
    return folder, 2 * up @ down


def test_drift_is_of_products_and_not_of_halves(tmp_path):
    (start, before), (after, whole) = adapter(tmp_path / "a", 1), adapter(tmp_path / "b", 2)
    found = drift_columns(after, start)
    added = whole - before
    assert found["drift"] == pytest.approx(float(added.norm()), rel=1e-5)
    assert found["start_norm"] == pytest.approx(float(before.norm()), rel=1e-5)
    assert found["drift_share"] == pytest.approx(float(added.norm() / before.norm()), rel=1e-5)
    cosine = float((added * before).sum() / added.norm() / before.norm())
    assert found["drift_cosine"] == pytest.approx(cosine, rel=1e-4)
    assert drift_columns(after, None) == {"drift": pytest.approx(float(whole.norm()), rel=1e-5)}
    still, _ = adapter(tmp_path / "c", 1, factor=1.0)
    assert drift_columns(still, start)["drift"] == 0 and math.isnan(drift_columns(still, start)["drift_cosine"])


def test_hints_by_parts_of_a_run(tmp_path):
    log = pd.DataFrame({"step": range(1, 9), "hints/share": [0.5, 0.5, 0.25, 0.25, 0, 0, 0, 0.1], "reward": range(8)})
    log = pd.concat([log, pd.DataFrame({"step": [8], "train_runtime": [1.0]})])
    log.to_csv(tmp_path / "log.csv", index=False)
    found = hint_columns(tmp_path / "log.csv")
    assert [found[f"hints_part_{k}"] for k in (1, 2, 3, 4)] == [0.5, 0.25, 0, 0.05]
    assert found["reward_part_4"] == 6.5
    log[["step", "reward"]].to_csv(tmp_path / "log.csv", index=False)
    assert hint_columns(tmp_path / "log.csv") == {}


def test_what_is_known_of_arms_stays_when_their_folders_go(tmp_path, monkeypatch):
    planted(lambda writer, place, seed: place).to_csv(tmp_path / "prepare.csv.gz", index=False)
    told = load_study(PLANS / "prepare.yaml")
    arms = [arm for arm in told.study.arms if arm.seed == 0 and arm.stage][:3]
    monkeypatch.setattr(prepare, "arm_digest", lambda arm, lab: f"d{arm.name}")
    monkeypatch.setattr(prepare, "run_columns", lambda arm, lab: {"drift": 0.123456, "before_ess": 1.0})
    table = pd.read_csv(tmp_path / "prepare.csv.gz")
    answers = table[["arm", "seed", "set", "decoding", "source"]].merge(pd.DataFrame({"id": range(20)}), how="cross")
    known = {"profile": "mini", "policy": "d", "images_shown": "true", "words": 1, "claims_true": 1.0}
    write_outcomes("prepare", [answers.assign(**known, correct=1.0)], tmp_path)
    ranks = ship_runs(arms, None, tmp_path)
    names = ("prepare_runs.csv", "prepare_ranks.csv", "prepare_arms.csv")
    files = {name: (tmp_path / name).read_bytes() for name in names}
    places = pd.read_csv(tmp_path / "prepare_arms.csv")
    assert places["writer"].value_counts().to_dict() == {"all": 14, "own": 7, "blind": 7}
    assert places.loc[places["writer"] == "own", "rank_after"].eq(4).all()  # all alike: the mean of seven places
    rows = pd.read_csv(tmp_path / "prepare_runs.csv")
    assert rows["arm"].tolist() == [arm.name for arm in arms] and (rows["drift"] == 0.12346).all()
    assert len(ranks) == 3
    monkeypatch.setattr(prepare, "run_columns", lambda arm, lab: None)
    ship_runs(arms, None, tmp_path)
    assert files == {name: (tmp_path / name).read_bytes() for name in files}


def test_the_plan_compares_what_differs_in_one_thing():
    told = load_study(PLANS / "prepare.yaml")
    arms = {arm.name: arm for arm in told.study.arms if arm.seed in (0, 9)}
    assert {arm.seed for arm in told.study.arms if arm.name == "own dft"} == {0, 1, 2}
    for writer in ("own", "blind"):
        stages = [arms[f"{writer} {name}"].stage for name in WEIGHTS]
        assert all(isinstance(stage, Sft) for stage in stages) and len({stage.traces for stage in stages}) == 1
        assert [str(stage.weights) if stage.weights else "sft" for stage in stages] == WEIGHTS
        assert stages[0].traces.shared and stages[0].traces.number == 512 and stages[0].traces.kind == writer
        behaviours = {stage.behaviour.name for stage in stages if stage.behaviour}
        assert behaviours == {"base" if writer == "own" else "writer"}
        follow = [arms[f"{writer} {name}, GRPO"] for name in WEIGHTS]
        assert {arm.stage for arm in follow} == {arms["GRPO"].stage}
        assert [arm.start.name for arm in follow] == [f"{writer} {name}" for name in WEIGHTS]
    asked = {arm.stage.traces for arm in arms.values() if isinstance(arm.stage, Grpo)} | {arms["MIFO"].stage.traces}
    assert len(asked) == 1, "every RL asks the same questions"
    profile = told.lab(PLANS).profiles["mini"]
    for name in ("MIFO", "ReLIFT"):
        chosen = dict(arms[name].stage.chosen)
        assert (chosen["cycles"] + 1) * chosen["grpo_steps"] == arms["GRPO"].stage.steps
        assert arms[name].stage.step_count(profile) == 32 + 15
    assert replace(arms["GRPO longer"].stage, steps=32) == arms["GRPO"].stage != arms["GRPO longer"].stage
    writer = arms["writer"]
    assert writer.seed not in (0, 1, 2) and writer.stage.weights is None
    grpo = arms["GRPO"].stage
    for name, weights in (("TRAPO", "trsft"), ("TRAPO, sft", "sft")):
        stage = arms[name].stage
        assert str(stage.hints.weights) == weights and replace(stage, hints=None) == grpo
    assert grpo.steps * profile.prompts_per_step == 256 < grpo.traces.number == 512
