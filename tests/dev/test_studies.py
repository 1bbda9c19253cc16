"""Studies on a small model: every run once, a row for each set, decoding and source, and nothing done twice."""

import pandas as pd
import pytest

from vlaa_helpers import reference
from vlaa_helpers.dev import studies
from vlaa_helpers.policy.loading import load_policy


@pytest.fixture(autouse=True)
def small(monkeypatch):
    for module in (studies, reference):
        monkeypatch.setattr(module, "SETS", {"test": 6, "shifted": 1})
    monkeypatch.setattr(studies, "GRPO_RECORDS", 36)
    monkeypatch.setattr(studies, "WATCHED", 6)


def rows_of(table):
    """Six sources and all, for greedy, sampled and without thinking on the test set, and greedy on the other."""
    return {key: len(part) for key, part in table.groupby([name for name in ("size", "arm", "seed") if name in table])}


def test_sft_at_several_sizes(tiny_profile, tmp_path):
    table = studies.sft_sizes(tmp_path, profile=tiny_profile, seeds=[3], sizes=(2, 4))
    assert rows_of(table) == {(0, 0): 28, (2, 3): 28, (4, 3): 28}
    test = table[(table["set"] == "test") & (table["source"] == "all")]
    assert list(test[test["size"] == 0]["change"]) == [0, 0, 0]
    assert list(test[test["decoding"] == "greedy"]["n"]) == [36, 36, 36]
    base = table[(table["size"] == 0) & (table["set"] == "test")].groupby("decoding")["garbled"].max()
    assert base["greedy"] == 0 and base["sampled"] > 0.9  # random weights: line breaks alone, or no text
    assert table["accuracy"].between(0, 1).all() and (table["low"] <= table["high"]).all()
    written = pd.read_csv(tmp_path / "sft_sizes.csv")
    assert len(written) == len(table)
    times = {path: path.stat().st_mtime for path in tmp_path.rglob("adapter_model.safetensors")}
    again = studies.sft_sizes(tmp_path, profile=tiny_profile, seeds=[3], sizes=(2, 4))
    assert again.equals(table) and all(path.stat().st_mtime == time for path, time in times.items())


def test_arms_of_the_reward(tiny_profile, tmp_path, monkeypatch):
    monkeypatch.setattr(studies, "REWARD_ARMS", {name: studies.REWARD_ARMS[name] for name in ("mixed", "w/o digit")})
    table = studies.grpo_arms(tmp_path, profile=tiny_profile, seeds=[0], steps=1)
    assert rows_of(table) == {("base", 0): 28, ("mixed", 0): 28, ("w/o digit", 0): 28}
    mixed, without = (pd.read_csv(tmp_path / name / "log.csv") for name in ("mixed_seed_0", "wo_digit_seed_0"))
    assert "held_out/accuracy" in mixed and "kl_coefficient" in mixed
    assert not any("reward/digit" in column or "open_ended" in column for column in without)


def test_pass_at_k_of_the_trained_arms(tiny_profile, tmp_path, monkeypatch):
    monkeypatch.setattr(studies, "REWARD_ARMS", {"mixed": studies.REWARD_ARMS["mixed"]})
    with pytest.raises(FileNotFoundError, match="studies grpo_arms"):
        studies.grpo_pass_at(tmp_path / "pass_at", profile=tiny_profile, seeds=[0])
    studies.grpo_arms(tmp_path / "grpo_arms", profile=tiny_profile, seeds=[0], steps=1)
    table = studies.grpo_pass_at(tmp_path / "pass_at", profile=tiny_profile, seeds=[0], per_source=1)
    assert table.groupby(["arm", "seed", "source"]).size().tolist() == [5] * 14
    assert (table.sort_values("k").groupby(["arm", "source"])["pass_at"].diff().dropna() >= 0).all()
    assert len(pd.read_csv(tmp_path / "pass_at" / "grpo_pass_at.csv")) == 70


def test_grpo_goes_on_from_sft(tiny_profile, tmp_path, monkeypatch):
    begun = []

    def load(profile, *, adapter=None, trainable=True, **options):
        if trainable:
            begun.append(adapter and str(adapter))
        return load_policy(profile, adapter=adapter, trainable=trainable, **options)

    monkeypatch.setattr("vlaa_helpers.policy.loading.load_policy", load)
    with pytest.raises(FileNotFoundError, match="studies sft_sizes"):
        studies.sft_then_grpo(tmp_path / "then", profile=tiny_profile, seeds=[3], sizes=[2], steps=1)
    studies.sft_sizes(tmp_path / "sft_sizes", profile=tiny_profile, seeds=[3], sizes=(2,))
    table = studies.sft_then_grpo(tmp_path / "then", profile=tiny_profile, seeds=[3], sizes=[2], steps=1)
    assert rows_of(table) == {(0, 0): 28, (2, 3): 28}
    assert begun == [None, str(tmp_path / "sft_sizes/sft_2_seed_3/adapter")]
    assert pd.read_csv(tmp_path / "then/sft_2_grpo_seed_3/log.csv")["step"].tolist() == [0, 1]
