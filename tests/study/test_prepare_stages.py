"""Weighted SFT, hints and phases as stages, on a model with random weights: a few steps of each."""

import json

import pandas as pd
import pytest

from vlaa_helpers import run_study
from vlaa_helpers.dev.studies.prepare import drift_columns, hint_columns, run_columns
from vlaa_helpers.study.study_file import load_study
from vlaa_helpers.study.training import notes_of

BLIND = {"traces": "blind", "number": 6}
PEAR = {"method": "pear_token", "behaviour": "writer"}
HINTS = {"micro_groups": [[2, 0, 0], [2, 0.1, 2]]}
PHASES = {"cycles": 1, "grpo_steps": 1, "sft_steps": 2, "least": 1, "at_most": 1.0, "grpo": {"recipe": "dr_grpo"}}


def study_of(tiny_profile):
    settings = {"model": tiny_profile.model, "sft_batch_size": 4, "prompts_per_step": 2, "num_generations": 4}
    rl = {"steps": 2, **BLIND, "recipe": "dr_grpo", "hints": HINTS}
    return {
        "study": "tiny",
        "profiles": {"mini": settings | {"max_completion_length": 24}},
        "measures": [{"set": "test", "per_source": 1}],
        "arms": {
            "writer": {"seeds": [9], "stages": [{"sft": {"traces": "blind", "number": 8}}]},
            "pear": {"stages": [{"sft": {**BLIND, "weights": PEAR}}]},
            "pear, TRAPO": {"start": "pear", "stages": [{"grpo": rl}]},
            "TRAPO": {"stages": [{"grpo": rl}]},
            "MIFO": {"stages": [{"phases": {**BLIND, **PHASES}}]},
        },
    }


@pytest.fixture(scope="module")
def ran(tiny_profile, tmp_path_factory):
    """A study that was run: its arms by name, its lab, its table and its file."""
    folder = tmp_path_factory.mktemp("tiny_study")
    (folder / "tiny.yaml").write_text(json.dumps(study_of(tiny_profile)))
    table = run_study(folder / "tiny.yaml", out=folder / "out")
    told = load_study(folder / "tiny.yaml")
    return {arm.name: arm for arm in told.study.arms}, told.lab(folder / "out"), table, folder / "tiny.yaml"


def test_the_table_says_what_each_arm_was_trained_with(ran):
    _, _, table, _ = ran
    rows = table[table["source"] == "all"].set_index("arm")
    assert rows.index.tolist() == ["base", "writer", "pear", "pear, TRAPO", "TRAPO", "MIFO"]
    assert rows.loc["pear", ["weights", "behaviour"]].tolist() == ["pear_token", "writer"]
    assert rows.loc["TRAPO", "hints"] == "trsft" and rows["stage"].tolist()[2:] == ["Sft", "Grpo", "Grpo", "Phases"]
    assert rows["samples_seen"].tolist() == [0, 8, 6, 6 + 4, 4, 2 + 2 * 2 + 2], (
        "MIFO learns twice from the two it was asked"
    )
    assert (rows.loc[["pear, TRAPO", "TRAPO", "MIFO"], "tokens_generated"] > 0).all()
    assert rows.loc["MIFO", "steps"] == 4


def test_the_writer_scored_each_trace_once(ran, monkeypatch):
    arms, lab, table, file = ran
    (path,) = (lab.runs / "traces").glob("behaviour-*.jsonl")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(lines) == 6 and all(len(line["logps"]) > 10 for line in lines)
    monkeypatch.setattr("vlaa_helpers.study.training._train", None)
    pd.testing.assert_frame_equal(run_study(file, out=lab.runs), table)  # nothing is trained again


def test_notes_say_what_the_weights_were_like(ran):
    arms, lab, _, _ = ran
    notes = notes_of(arms["pear"], lab)
    for when in ("before", "after"):
        assert 0 < notes[f"{when}_ess"] <= 1 and 0 < notes[f"{when}_ess_traces"] <= 1
        assert 0 <= notes[f"{when}_ratio_low"] + notes[f"{when}_ratio_high"] <= 1
    assert notes["before_log_ratio"] < notes["after_log_ratio"], "it comes nearer to the writer"
    assert "before_ess" not in notes_of(arms["writer"], lab)
    assert notes_of(arms["MIFO"], lab)["sft_steps"] == 2


def test_hints_and_drift_of_arms_that_were_run(ran):
    arms, lab, _, _ = ran
    found = {name: run_columns(arm, lab) for name, arm in arms.items()}
    assert found["base"] is None
    assert {f"hints_part_{k}" for k in (1, 3)} <= set(found["TRAPO"]), "two steps are the first and the third part"
    assert found["TRAPO"]["hints_part_1"] == 0.5 and not hint_columns(lab.runs / "nowhere.csv")
    after = found["pear, TRAPO"]
    assert after["drift"] > 0 and -1 <= after["drift_cosine"] <= 1 and "start_norm" not in found["pear"]
    assert after["start_norm"] == pytest.approx(found["pear"]["drift"], rel=1e-4)
    start = lab.runs / "arms" / ran[2].set_index("arm").loc["pear", "policy"].iloc[0] / "adapter"
    assert drift_columns(start, start)["drift"] == 0
