"""A study that is killed goes on: no arm that was done, and no stage that was trained, is begun again."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import standin_study
from forks import Forks

KILLS = 20
MANY = {
    "study": "many",
    "seeds": list(range(8)),
    "measures": [{"set": "test"}],
    "arms": {
        "one": {"stages": [{"nap": {"number": 1}}]},
        "two": {"start": "one", "stages": [{"nap": {"number": 2}}]},
        "alone": {"stages": [{"nap": {"number": 4}}, {"nap": {"number": 5}}]},
        "last": {"start": "two", "stages": [{"nap": {"number": 6}}]},
    },
}


@pytest.mark.timeout(900)
def test_twenty_kills_repeat_nothing_that_was_done(root, tmp_path):
    (tmp_path / "many.yaml").write_text(json.dumps(MANY))
    command = [sys.executable, str(root / "tests" / "standin_study.py"), "many.yaml", "out", str(KILLS)]
    run = subprocess.run(
        command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(root)}, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    rounds = json.loads(run.stdout)
    assert sum(each["killed"] for each in rounds) == KILLS, "the study was over before the last kill: make it longer"
    for each in rounds:
        for what, name, seed, _ in each["began"]:
            assert [name, seed] not in each["done"][what], f"{what} {name}, seed {seed}, again"
    begun = [tuple(line[:3]) for each in rounds for line in each["began"]]
    assert len(begun) > len(set(begun)), "no kill met an arm half done"
    table = standin_study.run(tmp_path / "many.yaml", tmp_path / "out")
    assert len(table) == 1 + 8 * 4
    assert table.equals(
        standin_study.run(tmp_path / "many.yaml", tmp_path / "undisturbed").assign(policy=table["policy"])
    )


COMMAND = """
import vlaa_helpers.training.grpo, vlaa_helpers.training.sft
from vlaa_helpers.cli import main as run
"""


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_mini_vlm_killed_in_training_and_in_asking(root, tmp_path):
    """The real one, as the command runs it once all is imported: killed in GRPO, and while its policy is asked."""
    study = {
        "study": "short",
        "profiles": {"mini": {"prompts_per_step": 2, "num_generations": 4, "max_completion_length": 32}},
        "measures": [{"set": "test", "per_source": 2}],
        "arms": {
            "SFT": {"stages": [{"sft": {"traces": "look", "number": 8}}]},
            "SFT, GRPO": {"start": "SFT", "stages": [{"grpo": {"steps": 2, "number": 12}}]},
        },
    }
    (tmp_path / "short.yaml").write_text(json.dumps(study))
    command = ["study", "short.yaml", "--out", "out"]
    out = tmp_path / "out"
    adapters = {}
    said = tmp_path / "said"
    options = {"cwd": tmp_path, "env": os.environ | {"PYTHONPATH": str(root)}}
    with said.open("w") as stderr, Forks(COMMAND, stderr=stderr, **options) as forks:
        for moment, wanted in (("arms/*/log.csv", 2), ("arms/*/test_greedy_2x1", 3)):
            forks.start(command)
            while len(list(out.glob(moment))) < wanted:
                assert forks.running, "it was over before the kill"
                time.sleep(0.02)
            assert forks.kill() == -signal.SIGKILL
            assert {path: path.stat().st_mtime_ns for path in adapters} == adapters, "trained again"
            kept = [*out.glob("rows/*.json"), *out.glob("arms/*/adapter/adapter_model.safetensors")]
            adapters = {path: path.stat().st_mtime_ns for path in kept}
        forks.start(command)
        assert forks.wait() == 0, said.read_text()
    assert len(adapters) >= 4 and {path: path.stat().st_mtime_ns for path in adapters} == adapters
    table = pd.read_parquet(out / "short.parquet")
    assert table.loc[table["source"] == "all", "arm"].tolist() == ["base", "SFT", "SFT, GRPO"]
    assert table.loc[table["arm"] == "SFT, GRPO", "samples_seen"].unique().tolist() == [8 + 2 * 2]


def test_what_is_imported_is_this_checkout(root):
    """Programs that the tests start would otherwise run another one that is installed."""
    assert Path(standin_study.load_study.__code__.co_filename).is_relative_to(root)
