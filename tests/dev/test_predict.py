"""What is known before RL, held against accuracy after it: planted arms, a real policy of seconds, and the command."""

import numpy as np
import pandas as pd
import pytest
from planted_prepare import WEIGHTS, planted

from vlaa_helpers.dev.studies import predict
from vlaa_helpers.dev.studies.effects import PLANS
from vlaa_helpers.study.arms import Arm, Lab
from vlaa_helpers.study.measures import Measure
from vlaa_helpers.study.study_file import load_study

AFTER = np.array([3, 4, 1, 6, 2, 5, 0]) / 10
"""Accuracy after RL of the seven arms of a writer, whose accuracy before RL grows in their order."""


def study():
    return planted(lambda writer, place, seed: AFTER[place] + 0.01 * seed)


def known(writers=("own", "blind"), seeds=(0, 1, 2)):
    """pass@1 grows in the order of the arms, pass@16 goes with accuracy after RL, and the loss against it."""
    rows = []
    for writer in writers:
        for place, weights in enumerate(WEIGHTS):
            values = {
                "pass_at_1": place,
                "pass_at_4": place,
                "pass_at_16": AFTER[place],
                "trace_loss": 2 - AFTER[place],
            }
            rows += [{"arm": f"{writer} {weights}", "seed": seed, "policy": "d", "n": 100, **values} for seed in seeds]
    return pd.DataFrame(rows)


def test_pass_at_1_misleads_and_pass_at_16_tells():
    found = predict.predictions(known(), study())
    assert found["writer"].value_counts(sort=False).to_dict() == {"own": 4, "blind": 4, "all": 4}
    own = found[found["writer"] == "own"].set_index("predictor")
    assert own.index.tolist() == list(predict.PREDICTORS) and (own["n"] == 7).all() and (own["seeds"] == 3).all()
    assert own.loc["pass_at_1", "spearman"] < 0 and own.loc["pass_at_1", "loo_r2"] <= 0
    assert own.loc["pass_at_16", ["spearman", "loo_r2"]].tolist() == pytest.approx([1, 1])
    assert own.loc["trace_loss", ["spearman", "loo_r2"]].tolist() == pytest.approx([-1, 1])
    assert own.loc["pass_at_16", "gain"] == pytest.approx(1 - own.loc["pass_at_1", "loo_r2"])
    assert own.loc["pass_at_16", "rho_low"] < 0.9, "seven arms say little"


def test_writers_with_few_arms_and_seeds_that_are_not_done_are_left_out():
    cut = known()
    cut = cut[~((cut["arm"] == "own dft") & (cut["seed"] == 2))]
    cut = cut[~cut["arm"].isin([f"blind {name}" for name in WEIGHTS[:3]])]
    found = predict.predictions(cut, study()).drop_duplicates("writer").set_index("writer")
    assert found["n"].to_dict() == {"own": 6, "all": 10}
    assert len(predict.predictions(cut.head(9), study())) == 0


def test_a_policy_is_asked_and_its_loss_taken(tiny_profile, tmp_path, monkeypatch):
    monkeypatch.setattr(predict, "ASKED", Measure("validation", "sampled", 1, samples=2))
    monkeypatch.setattr(predict, "KS", (1, 2))
    lab = Lab({"mini": tiny_profile}, tmp_path, held_out_traces=4)
    found = predict.known_before(Arm("base"), lab)
    assert list(found) == ["n", "pass_at_1", "pass_at_2", "trace_loss"]
    records = predict.records_of(predict.ASKED)
    free = {row["source"] for row in records if row["source"] in predict.SHARED and "options" not in row["question"]}
    assert 1 <= found["n"] <= len(free) and 0 <= found["pass_at_1"] <= found["pass_at_2"] <= 1
    assert 3 < found["trace_loss"] < 12  # of random weights: about the log of the vocabulary


@pytest.fixture
def arms(monkeypatch):
    """The plan's arms, with policies that nothing has to be trained for."""
    asked = []

    def known_before(arm, lab):
        asked.append((arm.name, arm.seed))
        row = known((arm.name.split()[0],), (arm.seed,))
        return row[row["arm"] == arm.name].iloc[0][["n", *predict.PREDICTORS]].to_dict()

    monkeypatch.setattr(predict, "known_before", known_before)
    monkeypatch.setattr(predict, "arm_digest", lambda arm, lab: f"d{arm.name}{arm.seed}")
    monkeypatch.setattr(predict, "is_trained", lambda arm, lab: (arm.name, arm.seed) != ("own dft", 1))
    return asked


def test_the_command_measures_what_is_trained_and_goes_on(arms, tmp_path, capsys):
    study().to_csv(tmp_path / "prepare.csv.gz", index=False)
    options = ["--runs", str(tmp_path), "--tables", str(tmp_path)]
    predict.main(options)
    assert len(arms) == 41 and ("own dft", 1) not in arms and ("writer", 9) not in arms
    tables = [pd.read_csv(tmp_path / f"prepare_{name}.csv") for name in ("predictors", "predictions")]
    assert len(tables[0]) == 41 and tables[1]["n"].drop_duplicates().tolist() == [6, 7, 13]
    assert "pass_at_16" in capsys.readouterr().out
    old = tables[0].assign(policy=tables[0]["policy"].replace("down trsft0", "dother"))
    old.to_csv(tmp_path / "prepare_predictors.csv", index=False)
    predict.main(options)
    assert arms[41:] == [("own trsft", 0)], "of another training"
    assert len(pd.read_csv(tmp_path / "prepare_predictors.csv")) == 41


def test_the_command_says_what_is_missing(arms, tmp_path, capsys):
    with pytest.raises(SystemExit):
        predict.main(["--runs", str(tmp_path), "--tables", str(tmp_path)])
    assert "prepare.csv.gz; run the study first, and ship it" in capsys.readouterr().err
    table = study()
    table[~table["arm"].str.startswith("blind")].to_csv(tmp_path / "prepare.csv.gz", index=False)
    names = {arm.name for arm in load_study(PLANS / "prepare.yaml").study.arms}
    assert {f"own {name}" for name in WEIGHTS} <= names
    predict.main(["--runs", str(tmp_path), "--tables", str(tmp_path)])
    assert {name.split()[0] for name, _ in arms} == {"own"}
