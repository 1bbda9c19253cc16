"""Traces of studies: each kind says what its name says, of the same questions, and the same each time."""

import pytest

from vlaa_helpers import ScriptedTeacher
from vlaa_helpers.core.answers import parse_response
from vlaa_helpers.evaluation.eval_report import EvalReport
from vlaa_helpers.rewards.mixed import MixedReward
from vlaa_helpers.study import traces as made
from vlaa_helpers.study.arms import Lab
from vlaa_helpers.study.stages import Grpo, grpo_records
from vlaa_helpers.study.traces import Traces


@pytest.fixture
def lab(tiny_profile, tmp_path):
    return Lab({"mini": tiny_profile}, tmp_path)


@pytest.fixture
def able(monkeypatch):
    """A base whose every second response is right, in place of one with random weights."""
    asked = []
    teacher = ScriptedTeacher(omissions=0, hallucinations=0, slips=0)

    def answer(model, processor, records, *, samples, **options):
        asked.append(len(records))
        rows = []
        for k, row in enumerate(records.remove_columns("image")):
            text = teacher.ask("reason", row, {"caption": teacher.ask("caption", row, {}).text}).text
            rows += [{"id": row["id"], "correct": k % 2 == 0, "is_strict": True, "response": text}] * samples
        return EvalReport(tuple(rows), samples)

    monkeypatch.setattr("vlaa_helpers.evaluation.runner.evaluate", answer)
    return asked


def test_kinds_of_traces_differ_in_what_they_say(lab):
    told = {kind: made.describe(made.make_traces(Traces(kind, 60), None, 0, lab)) for kind in made.TEACHERS}
    assert told["look"]["false_claim"] == 0 < told["blind"]["false_claim"] < 0.3
    assert told["wrong"]["false_claim"] > 0.6
    assert told["cues"]["cue"] == 1 and all(told[kind]["cue"] == 0 for kind in ("look", "blind", "wrong"))
    assert told["cues"]["words"] > 1.2 * told["blind"]["words"]


@pytest.mark.parametrize("kind", made.TEACHERS)
def test_every_trace_was_verified(lab, kind):
    reward = MixedReward()
    for row in made.make_traces(Traces(kind, 30), None, 0, lab).remove_columns("image"):
        score = reward.score(
            row["response"], row["gt"], row["verifier_type"], question=row["question"], meta=row["meta"]
        )
        assert score.value and parse_response(row["response"]).think, row["response"]


def test_fewer_traces_are_the_first_of_more_and_nothing_is_made_twice(lab, monkeypatch):
    eight = made.make_traces(Traces("blind", 8), None, 0, lab)
    assert len(set(eight["source"][:])) == 5 and "angles" not in eight["source"][:]
    monkeypatch.setattr(made, "_draft", None)
    assert made.make_traces(Traces("blind", 3), None, 0, lab)["id"][:] == eight["id"][:3]


def test_shared_traces_are_of_the_same_questions(lab, able, tiny_profile):
    kinds = {kind: made.make_traces(Traces(kind, 12, shared=True), tiny_profile, 0, lab) for kind in ("look", "own")}
    assert kinds["look"]["id"][:] == kinds["own"]["id"][:] and len(able) == 1
    assert kinds["look"]["response"][:] != kinds["own"]["response"][:]
    mixed = made.make_traces(Traces("look", 12, shared=True, angles=True), tiny_profile, 0, lab)
    assert mixed["source"][:].count("angles") == 2 and mixed["id"][:10] == kinds["look"]["id"][:10]


def test_a_base_that_is_never_right_is_an_error(lab, tiny_profile, monkeypatch):
    monkeypatch.setattr(made, "_CHUNK", 4)
    with pytest.raises(ValueError, match="the base of mini gave no right response in strict format to 4"):
        made.make_traces(Traces("look", 2, shared=True), tiny_profile, 0, lab)


def test_unknown_traces_are_told_the_known_ones(lab):
    with pytest.raises(ValueError, match="no traces 'own'; expected one of look, blind, wrong, cues, or shared ones"):
        made.make_traces(Traces("own", 2), None, 0, lab)


def test_every_choice_of_verifiers_gets_as_many_records(tiny_profile, tmp_path):
    lab = Lab({"mini": tiny_profile}, tmp_path, grpo_records=12)
    for kinds in (("digit",), ("choice",), ("digit", "choice", "math", "box", "open_ended")):
        records = grpo_records(Grpo(kinds), 0, lab)
        assert len(records) == 12 and set(records["verifier_type"]) == set(kinds)
