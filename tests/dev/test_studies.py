"""Studies on a small model: each arm is run once, another digest runs it again, and a kill costs no finished arm."""

import hashlib
import json
from dataclasses import replace

import pandas as pd
import pytest

from vlaa_helpers.dev.studies import catalogue
from vlaa_helpers.dev.studies import run as studies
from vlaa_helpers.dev.studies.__main__ import main
from vlaa_helpers.dev.studies.catalogue import STUDIES, Study, arms_of
from vlaa_helpers.dev.studies.choice import choice_rows
from vlaa_helpers.dev.studies.pass_at import pass_rows
from vlaa_helpers.evaluation.eval_report import EvalReport
from vlaa_helpers.policy.profiles import Profile
from vlaa_helpers.study import measures, runner, training
from vlaa_helpers.study.arms import Arm, Lab, arm_digest
from vlaa_helpers.study.measures import Measure, measured_digest
from vlaa_helpers.study.stages import Grpo, Sft
from vlaa_helpers.study.traces import Traces

BASE = Arm("base")
SHORT = BASE.then("2 x 1", Sft(Traces("blind", 2)), seed=3)
LONG = BASE.then("4 x 2", Sft(Traces("blind", 4), 2), seed=3)
THEN = SHORT.then("2 x 1, GRPO", Grpo(("digit", "choice"), steps=1), log="then_seed_3")
FEW = (Measure("test", "greedy", 1), Measure("test", "sampled", 1, samples=2), Measure("text", "greedy", 1))


@pytest.fixture
def lab(tiny_profile, tmp_path):
    profile = tiny_profile.replace(sft_batch_size=2)
    return Lab({"mini": profile}, tmp_path / "runs", tmp_path / "tables", 6, 6, 5)


@pytest.fixture
def study(monkeypatch):
    """A study of these arms: put into the catalogue."""

    def put(*arms, **settings):
        made = Study("?", lambda profile, seed: list(arms), **({"measures": FEW} | settings))
        monkeypatch.setitem(STUDIES, "small", made)
        return list(arms)

    return put


@pytest.fixture
def trained(monkeypatch):
    """The arms that were trained, in order."""
    names, train = [], training._train
    monkeypatch.setattr(training, "_train", lambda arm, lab, folder: (names.append(arm.name), train(arm, lab, folder)))
    return names


def test_an_arm_is_run_once_and_again_when_what_it_depends_on_changes(lab, study, trained, tiny_profile):
    arms = study(BASE, SHORT, LONG)
    table = studies.run_study("small", arms, lab)
    assert trained == ["2 x 1", "4 x 2"]
    assert table.groupby("arm").size().to_dict() == {"base": 21, "2 x 1": 21, "4 x 2": 21}
    everything = table[(table["source"] == "all") & (table["set"] == "test")].set_index(["arm", "decoding"])
    assert (everything["n"] == 6).all() and everything["accuracy"].between(0, 1).all()
    assert (everything.loc["base", "change"] == 0).all()
    assert everything["steps"].groupby("arm").first().to_dict() == {"base": 0, "2 x 1": 1, "4 x 2": 4}
    assert studies.run_study("small", arms, lab).equals(table) and len(trained) == 2

    hotter = BASE.then("2 x 1", Sft(Traces("blind", 2), rate=0.5), seed=3)
    after = studies.run_study("small", study(BASE, hotter, LONG), lab)
    assert trained == ["2 x 1", "4 x 2", "2 x 1"] and len(after) == 63
    assert (after.loc[after["arm"] == "2 x 1", "rate"] == 0.5).all()


def test_a_digest_follows_from_the_training_and_not_from_its_name(lab, tiny_profile):
    named = BASE.then("other", SHORT.stage, seed=3)
    assert arm_digest(named, lab) == arm_digest(SHORT, lab)
    others = [LONG, THEN, BASE, BASE.then("2 x 1", SHORT.stage, seed=4)]
    assert len({arm_digest(arm, lab) for arm in (SHORT, *others)}) == 5
    slower = replace(lab, profiles={"mini": lab.profiles["mini"].replace(sft_learning_rate=1e-9)})
    assert arm_digest(SHORT, slower) != arm_digest(SHORT, lab)
    assert arm_digest(THEN, slower) != arm_digest(THEN, lab), "an arm depends on the one that it starts from"
    fewer = replace(lab, profiles={"mini": lab.profiles["mini"].replace(num_generations=2)})
    assert arm_digest(SHORT, fewer) == arm_digest(SHORT, lab), "SFT does not depend on settings of GRPO"


def test_grpo_goes_on_from_sft_whose_adapter_was_lost(lab, study, trained):
    table = studies.run_study("small", study(BASE, THEN), lab)
    assert trained == ["2 x 1, GRPO", "2 x 1"]
    last = table[table["arm"] == THEN.name]
    assert (last["start"] == "2 x 1").all() and last[["vs_base", "vs_base_low", "vs_base_p"]].notna().all(axis=None)
    log = pd.read_csv(lab.tables / "then_seed_3.csv")
    assert log["step"].tolist() == [0, 1] and log["held_out/accuracy"].notna().all()
    kept = pd.read_csv(lab.tables / "arms.csv").set_index("arm").loc[THEN.name]
    assert kept["verifiers"] == "digit choice" and kept["number"] == 6 and 0 < kept["seconds"] < 600


def test_a_failure_costs_no_finished_arm(lab, study, trained, monkeypatch):
    arms = study(BASE, SHORT, LONG)
    ask = STUDIES["small"].rows

    def fails(arm, *options):
        if arm is LONG:
            raise KeyboardInterrupt
        return ask(arm, *options)

    study(*arms, rows=fails)
    with pytest.raises(KeyboardInterrupt):
        studies.run_study("small", arms, lab)
    study(*arms)
    table = studies.run_study("small", arms, lab)
    assert trained == ["2 x 1", "4 x 2"] and set(table["arm"]) == {"base", "2 x 1", "4 x 2"}


def test_an_arm_in_another_hand_is_left_to_it(lab, study, trained, monkeypatch):
    from filelock import FileLock

    arms = study(BASE, SHORT)
    folder = training.arm_folder(SHORT, lab)
    folder.mkdir(parents=True)
    other = FileLock(folder / "small.lock")
    other.acquire()
    seen = []

    def dies(seconds):
        seen.append(set(studies.read_table("small", lab)["arm"]))
        other.release()

    monkeypatch.setattr(runner.time, "sleep", dies)
    table = studies.run_study("small", arms, lab)
    assert seen == [{"base"}] and set(table["arm"]) == {"base", "2 x 1"}


def test_settings_are_chosen_by_the_loss_on_held_out_traces(lab, study):
    arms = study(BASE, LONG, rows=choice_rows, measures=(Measure("validation", "greedy", 1),))
    table = studies.run_study("small", arms, lab)
    losses = table.groupby("arm")["trace_loss"].unique()
    assert all(len(loss) == 1 and loss[0] > 0 for loss in losses) and losses["base"] != losses["4 x 2"]
    assert set(table["set"]) == {"validation"}
    assert {measure.held for measure in STUDIES["sft_rates"].measures} == {"validation"}


def test_pass_at_k_beside_what_guessing_reaches(lab, study):
    arms = study(BASE, rows=pass_rows, measures=(Measure("test", "sampled", 2, samples=4),))
    table = studies.run_study("small", arms, lab).set_index(["source", "k"])
    assert sorted(table.loc["all"].index) == [1, 2, 4]
    assert table.loc[("angles", 2), "guess"] == pytest.approx(1 - 0.75**2, abs=1e-4)
    assert table.loc[("all", 1), "guess"] < table.loc[("all", 4), "guess"]
    free = table.loc[(["blocks", "functions", "boxes", "stories"], 4), "pass_at"]
    assert table.loc[("free-form", 4), "pass_at"] == pytest.approx(free.mean(), abs=1e-4)
    assert table.loc[("free-form", 4), "n"] == 8
    assert table["garbled"].nunique() == 1 and table["garbled"].between(0, 1).all()


def test_plan_says_what_is_left(lab, study):
    arms = study(BASE, SHORT, THEN)
    before = studies.plan("small", arms, lab).set_index("arm")
    assert not before["done"].any() and before.loc["2 x 1, GRPO", "minutes"] > before.loc["base", "minutes"]
    studies.run_study("small", arms[:2], lab)
    after = studies.plan("small", arms, lab).set_index("arm")
    assert after["done"].to_dict() == {"base": True, "2 x 1": True, "2 x 1, GRPO": False}
    assert after.loc["2 x 1", "minutes"] == 0 < after.loc["2 x 1, GRPO", "minutes"]


def test_the_command(capsys, tmp_path):
    main(["sft_content", "--plan", "--seeds", "0", "--arms", "own", "wrong", "--tables", str(tmp_path)])
    assert "0 of 2 done" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["sft_content", "--arms", "true"])
    assert "sft_content has no arm true; expected any of base, look, blind" in capsys.readouterr().err
    with pytest.raises(ValueError, match="unknown study 'sft'; expected one of sft_rates"):
        arms_of("sft", ["mini"], [0])


def test_changes_are_from_the_start_and_from_the_base(lab, monkeypatch):
    """The base is right in 1 of 6, the start in 2, the arm in 5."""
    asked = Measure("test", "greedy", 1)
    right = {"base": 1, "2 x 1": 2, THEN.name: 5}
    said = "<think>I see bars: red 1, red 1, blue 2. Wait.</think>"

    def ask(arm, ways, lab):
        rows = [
            {"id": row["id"], "source": row["source"], "response": said, "value": 1.0, "correct": k < right[arm.name]}
            | {"has_answer": True, "is_strict": k < 3, "truncated": False, "garbled": False, "tokens": 4}
            for k, row in enumerate(questions)
        ]
        return {asked: EvalReport(tuple(rows), 1)}

    questions = list(measures.records_of(asked).remove_columns("image"))
    monkeypatch.setattr(measures, "ask", ask)
    row = measures.comparison_rows(THEN, [asked], lab)[-1]
    assert (row["source"], row["n"], row["strict"], row["cues"], row["words"]) == ("all", 6, 0.5, 1.0, 10)
    assert row["change"] == pytest.approx(3 / 6, abs=1e-4) and row["vs_base"] == pytest.approx(4 / 6, abs=1e-4)
    assert "vs_base" not in measures.comparison_rows(SHORT, [asked], lab)[-1]


def test_a_claim_that_is_repeated_counts_once():
    facts = {"style": "bar", "colours": ["red", "blue"], "values": [1, 3]}
    told = measures._claims_true("charts", facts, "<think>I see bars: red 1, red 1, red 1, blue 2.</think>")
    assert told == pytest.approx(2 / 3)


# ---- the catalogue ----

DIGESTS = {
    "sft_rates/0.0003 x 1/0": ("d98ce846c7", "dc007a7a93"),
    "sft_sizes/base/0": ("d450f604d4", "d806bc1db0"),
    "sft_sizes/2048 x 1/0": ("d01ac93675", "de5e15b7d6"),
    "sft_content/own/1": ("d6bc486a9f", "dcd0d73308"),
    "sft_content/look + angles/0": ("d9f23f34a3", "d85c2571f0"),
    "grpo_arms/only digit/2": ("d7190cbfdb", "dff9190a3f"),
    "grpo_pass_at/mixed/1": ("d7bafc5825", "d0d2b9bd0b"),
    "sft_then_grpo/2048 x 1, GRPO/0": ("d1245206e5", "dbc301b869"),
}
"""Digests of policies and of rows that kept tables hold, for weights that are the word "weights"."""
ALL_DIGESTS = "7cc9d52e92f0f0be712eb0b0adce3066636d819ee3bc086f7fe4f28f1fb096b6"
"""SHA-256 of all of them, as JSON."""


def test_digests_of_arms_that_were_run_stay(tmp_path):
    """A digest that changes trains hours again; what is added to an arm must leave those without it as they were."""
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    lab = Lab({"mini": Profile("mini", str(tmp_path), "mini", "cpu", "float32", 112 * 112)}, tmp_path)
    found = {
        f"{name}/{arm.name}/{arm.seed}": [arm_digest(arm, lab), measured_digest(arm, study.measures, lab)]
        for name, study in STUDIES.items()
        for arm in arms_of(name, ["mini"], study.seeds)
    }
    assert {name: tuple(found[name]) for name in DIGESTS} == DIGESTS
    assert hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest() == ALL_DIGESTS


def test_arms_that_see_as_many_examples_have_as_many_steps():
    steps = {}
    for arm in catalogue.sft_sizes("mini", 0)[1:]:
        steps.setdefault(arm.stage.traces.number * arm.stage.passes, []).append(arm.name)
    assert steps[2_048] == ["128 x 16", "512 x 4", "2048 x 1"]
    assert steps[8_192] == ["512 x 16", "2048 x 4", "8192 x 1"]


def test_arms_of_the_content_study_differ_in_the_traces_alone():
    arms = catalogue.sft_content("mini", 1)[1:]
    assert {(arm.stage.traces.number, arm.stage.passes, arm.stage.rate, arm.seed) for arm in arms} == {
        (2048, 1, None, 1)
    }
    assert [arm.name for arm in arms] == ["look", "blind", "wrong", "cues", "own", "look + angles"]


def test_every_verifier_is_left_out_once_and_alone_once():
    arms = {arm.name: set(arm.stage.verifiers) for arm in catalogue.grpo_arms("mini", 0)[1:]}
    kinds = arms["mixed"]
    assert len(kinds) == 5 and all(arms[f"only {kind}"] == {kind} for kind in kinds)
    assert all(kind not in arms[f"w/o {kind}"] for kind in kinds - {"open_ended"})


def test_what_follows_sft_starts_from_the_arms_of_other_studies(lab):
    starts = {arm.name: arm_digest(arm.start, lab) for arm in catalogue.sft_then_grpo("mini", 2)[1:]}
    others = [*catalogue.sft_sizes("mini", 2), *catalogue.sft_content("mini", 2)]
    known = {arm.name: arm_digest(arm, lab) for arm in others}
    assert starts == {f"{name}, GRPO": known[name] for name in ("2048 x 1", "8192 x 1", *list(known)[-6:])}
    assert all(arm.seed == 2 for arm in catalogue.sft_then_grpo("mini", 2)[1:])
