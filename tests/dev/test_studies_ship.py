"""Finished studies go into the package whole, and what is not done is said."""

import json

import pandas as pd
import pytest
from standin_study import run, standin

from vlaa_helpers.dev.studies import ship
from vlaa_helpers.study.ledger import RowFiles
from vlaa_helpers.study.runner import run_arms
from vlaa_helpers.study.training import arm_folder

PLAN = {
    "study": "small",
    "seeds": [0, 1],
    "measures": [{"set": "test", "per_source": 1}],
    "arms": {"one": {"stages": [{"nap": {"number": 1}}]}, "two": {"stages": [{"nap": {"number": 2}}]}},
}


class Told:
    """A plan whose lab needs no model."""

    def __init__(self, file, out):
        self.study, self.made = standin(file, out)

    def lab(self, out):
        return self.made


@pytest.fixture
def plan(tmp_path, monkeypatch):
    file, out = tmp_path / "small.yaml", tmp_path / "runs"
    file.write_text(json.dumps(PLAN))
    monkeypatch.setattr(ship, "load_study", lambda path: Told(file, out))
    monkeypatch.setattr(ship, "outcomes_of", lambda arm, measures, lab: None)
    return file, out


def test_a_table_and_the_logs_of_watched_arms(plan, tmp_path):
    file, out = plan
    run(file, out)
    study, lab = standin(file, out)
    watched = next(arm for arm in study.arms if (arm.name, arm.seed) == ("two", 1))
    log = pd.DataFrame({"step": [0, 1], "reward": [0.12345, 0.5], "held_out/accuracy": [0.4, 0.5], "loss": [1, 2]})
    log.to_csv(arm_folder(watched, lab) / "log.csv", index=False)
    assert ship.ship("small", out, tmp_path) == []
    table, logs = (pd.read_csv(tmp_path / f"small{end}") for end in (".csv.gz", "_logs.csv"))
    assert set(zip(table["arm"], table["seed"], strict=True)) == {
        ("base", 0),
        *((a, s) for a in ("one", "two") for s in (0, 1)),
    }
    assert logs[["profile", "arm", "seed"]].drop_duplicates().values.tolist() == [["mini", "two", 1]]
    assert logs["reward"].tolist() == [0.1234, 0.5] and "loss" not in logs


def test_the_same_table_gives_the_same_file_whenever_it_is_written(plan, tmp_path):
    run(*plan)
    ship.ship("small", plan[1], tmp_path)
    whole = (tmp_path / "small.csv.gz").read_bytes()
    assert whole[:2] == b"\x1f\x8b" and whole[4:8] == bytes(4)  # compressed, and without the time of day


def test_arms_that_are_not_done_are_named(plan, tmp_path):
    file, out = plan
    study, lab = standin(file, out)
    run_arms(study, lab, RowFiles(), [arm for arm in study.arms if arm.seed == 0])
    assert ship.ship("small", out, tmp_path) == ["mini one 1", "mini two 1"]
    assert set(pd.read_csv(tmp_path / "small.csv.gz")["seed"]) == {0}
    assert not (tmp_path / "small_logs.csv").exists()


def test_the_arms_to_explore_have_unlike_names():
    names = [name for arms in ship.SHOWN.values() for name in arms]
    assert len(set(names)) == len(names)
    for study, arms in ship.SHOWN.items():
        assert set(arms) <= {arm.name for arm in ship.load_study(ship.PLANS / f"{study}.yaml").study.arms}
