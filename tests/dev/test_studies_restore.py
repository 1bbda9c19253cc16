"""What is shipped of a study is enough to go on elsewhere, and stays where the run folder is gone."""

import json
import shutil
from dataclasses import replace

import pandas as pd
import pytest
from standin_study import noted, run, standin

from vlaa_helpers.dev.studies import restore, ship
from vlaa_helpers.dev.studies.outcomes import read_outcomes, write_outcomes
from vlaa_helpers.study.arms import arm_digest

PLAN = {
    "study": "small",
    "seeds": [0, 1],
    "measures": [{"set": "test", "per_source": 1}],
    "arms": {
        "one": {"stages": [{"nap": {"number": 1}}]},
        "one, two": {"start": "one", "stages": [{"nap": {"number": 2}}]},
    },
}


class Told:
    """A plan whose lab needs no model."""

    def __init__(self, file, out):
        self.study, self.made = standin(file, out)

    def lab(self, out):
        return self.made


def outcomes(arm, measures, lab):
    """Two questions of an arm whose folder is there."""
    if not (lab.runs / "arms" / arm_digest(arm, lab)).exists():
        return None
    known = {"profile": arm.profile, "arm": arm.name, "seed": arm.seed, "policy": arm_digest(arm, lab)}
    asked = {"set": "test", "decoding": "greedy", "images_shown": "true", "id": ["a", "b"], "source": "blocks"}
    return pd.DataFrame(known | asked | {"correct": [1.0, 0.0], "words": 3, "claims_true": [0.5, None]})


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    file, out, tables = tmp_path / "small.yaml", tmp_path / "runs", tmp_path / "tables"
    tables.mkdir()
    file.write_text(json.dumps(PLAN))
    monkeypatch.setattr(ship, "load_study", lambda path: Told(file, out))
    monkeypatch.setattr(ship, "outcomes_of", outcomes)
    run(file, out)
    assert ship.ship("small", out, tables) == []
    return file, out, tables


def forget(out):
    for name in ("rows", "arms"):
        shutil.rmtree(out / name)
    (out / "notes.jsonl").unlink()


def test_a_run_folder_that_is_gone_changes_nothing_that_is_shipped(shipped):
    file, out, tables = shipped
    before = {path.name: path.read_bytes() for path in tables.iterdir()}
    assert set(before) == {"small.csv.gz", "small_outcomes.parquet"}
    forget(out)
    assert ship.ship("small", out, tables) == []
    assert {path.name: path.read_bytes() for path in tables.iterdir()} == before


@pytest.mark.parametrize("lost", [("gone",), ("here", "gone")])
def test_what_is_shipped_of_a_base_stays_where_the_base_is_gone(tmp_path, monkeypatch, lost):
    file, out, tables = tmp_path / "small.yaml", tmp_path / "runs", tmp_path / "tables"
    tables.mkdir()
    file.write_text(json.dumps(PLAN | {"profiles": {"gone": {"like": "mini"}, "here": {"like": "mini"}}}))
    monkeypatch.setattr(ship, "load_study", lambda path: Told(file, out))
    monkeypatch.setattr(ship, "outcomes_of", outcomes)
    study, lab = standin(file, out)
    run(file, out)
    ship.ship("small", out, tables)
    before = {path.name: path.read_bytes() for path in tables.iterdir()}
    made = Told.lab
    monkeypatch.setattr(Told, "lab", lambda told, runs: without(made(told, runs), lost))
    assert ship.ship("small", out, tables) == []
    assert {path.name: path.read_bytes() for path in tables.iterdir()} == before
    (tables / "small.csv.gz").unlink()
    never = ship.ship("small", out, tables)
    assert {name.split()[0] for name in never} == set(lost) and len(never) == 5 * len(lost)


def without(lab, lost):
    """A lab where some profiles have no weights."""
    nowhere = {name: replace(lab.profiles[name], model=str(lab.runs / "nowhere")) for name in lost}
    return replace(lab, profiles={**lab.profiles, **nowhere})


def test_a_study_goes_on_after_what_is_shipped(shipped):
    file, out, tables = shipped
    before = run(file, out)
    forget(out)
    table = pd.read_csv(tables / "small.csv.gz", dtype={"images_shown": str})
    table[~((table["arm"] == "one, two") & (table["seed"] == 1))].to_csv(tables / "small.csv.gz", index=False)
    study, lab = standin(file, out)
    assert restore.restore(study, lab, tables / "small.csv.gz") == 4
    assert restore.restore(study, lab, tables / "small.csv.gz") == 0
    after = run(file, out)
    began = [(what, arm, seed) for what, arm, seed, _ in noted(lab)]
    assert began == [("train", "one", 1), ("train", "one, two", 1), ("ask", "one, two", 1)]
    pd.testing.assert_frame_equal(before, after)


def test_an_arm_that_has_changed_is_not_restored(shipped):
    file, out, tables = shipped
    plan = json.loads(json.dumps(PLAN))
    plan["arms"]["one"]["stages"][0]["nap"]["number"] = 5
    forget(out)
    file.write_text(json.dumps(plan))
    study, lab = standin(file, out)
    assert restore.restore(study, lab, tables / "small.csv.gz") == 1  # the base alone
    assert ship.ship("small", out, tables) == ["mini one 0", "mini one, two 0", "mini one 1", "mini one, two 1"]
    assert set(read_outcomes("small", tables)["arm"]) <= {"base"}


def test_outcomes_come_back_as_they_were_written(tmp_path):
    written = pd.DataFrame(
        {
            "profile": "mini",
            "arm": ["one", "two"],
            "seed": 3,
            "policy": ["d1", "d2"],
            "set": "test",
            "decoding": "greedy",
        }
        | {"images_shown": "true", "id": ["a", "b"], "source": "blocks", "correct": [1.0, 0.0], "words": [3, 70]}
        | {"claims_true": [0.25, None]}
    )
    write_outcomes("small", [written[:1], written[1:]], tmp_path)
    back = read_outcomes("small", tmp_path)
    assert back.astype({"seed": int}).to_dict("list")["words"] == [3, 70]
    for name in ("profile", "arm", "seed", "policy", "id", "source", "correct"):
        assert back[name].tolist() == written[name].tolist()
    assert back["claims_true"].tolist()[0] == 0.25 and back["claims_true"].isna().tolist() == [False, True]
    assert len(read_outcomes("other", tmp_path)) == 0
