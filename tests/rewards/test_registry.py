"""The registry of verifiers: names, what a new one must be, and that everything asks it when it is called."""

import json

import pytest
from reward_samples import said

from vlaa_helpers.rewards import registry
from vlaa_helpers.rewards.mixed import MixedReward, is_correct
from vlaa_helpers.rewards.registry import BUILT_IN, Verifier, get_verifier, register_verifier, verifier_names
from vlaa_helpers.rewards.score import Reason, Score


@pytest.fixture(autouse=True)
def only_built_in(monkeypatch):
    """A test starts with the five, and what it registers is forgotten after it."""
    monkeypatch.setattr(registry, "_registered", {verifier.name: verifier for verifier in BUILT_IN})


def yes_no_reward(response, gt, *, question="", meta=""):
    return Score(float(gt in response), Reason.CORRECT if gt in response else Reason.WRONG)


def test_the_five_come_first_and_in_order():
    assert verifier_names()[:5] == ("digit", "choice", "math", "box", "open_ended")
    register_verifier(Verifier("yes_no", yes_no_reward))
    assert verifier_names()[-1] == "yes_no"


def test_a_sixth_verifier_can_be_added():
    reward = MixedReward()  # made before: it asks when it is called
    register_verifier(Verifier("yes_no", yes_no_reward))
    assert reward([said("yes"), said("no"), said("3")], ["yes_no", "yes_no", "digit"], ["yes", "yes", "3"]) == [1, 0, 1]
    with pytest.raises(ValueError, match="expected one of .*open_ended.*, yes_no"):
        reward([said("yes")], ["vibes"], ["yes"])


def test_its_scores_reach_the_trainer_s_metrics():
    register_verifier(Verifier("yes_no", yes_no_reward))
    metrics = {}
    MixedReward()([said("yes"), said("no")], ["yes_no"] * 2, ["yes"] * 2, log_metric=metrics.__setitem__)
    assert metrics["reward/yes_no"] == 0.5 and metrics["reason/wrong"] == 0.5


def test_a_cell_that_is_run_again_replaces_one_s_own():
    for value in (0.25, 0.75):
        register_verifier(Verifier("mine", lambda response, gt, value=value, **_: Score(value, Reason.PARTIAL)))
    assert verifier_names().count("mine") == 1 and MixedReward()([said("3")], ["mine"], ["3"]) == [0.75]


@pytest.mark.parametrize("name", ["digit", "choice", "math", "box", "open_ended", "mcq", "iou"])
def test_built_in_names_stay_what_they_are(name):
    with pytest.raises(ValueError, match=f"'{name}' is taken by a built-in verifier; give yours another, such as 'my_"):
        register_verifier(Verifier(name, yes_no_reward))


@pytest.mark.parametrize("name", ["", "Unit", "a unit", "a-unit", "größe", "unit\n"])
def test_a_name_is_one_that_rows_can_say(name):
    with pytest.raises(ValueError, match="expected small letters, digits and _ alone"):
        register_verifier(Verifier(name, yes_no_reward))


@pytest.mark.parametrize(
    "score", [lambda answer: None, lambda response, gt: None, lambda response, gt, *, question="": None, 3]
)
def test_a_score_that_cannot_be_called_is_refused(score):
    with pytest.raises(
        TypeError, match=r"the score of verifier 'unit' .*\(response, gt, \*, question, meta\) -> Score"
    ):
        register_verifier(Verifier("unit", score))
    assert "unit" not in verifier_names()


def test_an_unknown_name_is_told_how_to_become_known():
    with pytest.raises(ValueError, match=r"'vibes'; expected one of digit, .*: register_verifier\(Verifier\('vibes'"):
        get_verifier("vibes")
    with pytest.raises(ValueError, match="unknown verifier_type None"):
        get_verifier(None)


@pytest.mark.parametrize(("word", "name"), [("mcq", "choice"), ("iou", "box")])
def test_the_release_s_words_are_told_their_names(word, name):
    with pytest.raises(ValueError, match=rf"'{word}'; .*The release calls it '{word}'; here it is '{name}': load_rec"):
        MixedReward()([said("B")], [word], ["B"])


def test_the_question_and_the_meta_reach_a_verifier():
    seen = []

    def watching(response, gt, *, question, meta):
        seen.append((response, gt, question, meta))
        return Score(1.0, Reason.CORRECT)

    register_verifier(Verifier("watching", watching))
    MixedReward()([said("3")], ["watching"], ["3"], question=["How many?"], meta=['{"a": 1}'], images=[["image"]])
    assert seen == [(said("3"), "3", "How many?", '{"a": 1}')]


def test_a_batch_form_gets_all_of_its_samples_at_once_and_no_other():
    calls = []

    def batch(responses, gts, questions):
        calls.append((responses, gts, questions))
        return [Score(float(k), Reason.PARTIAL) for k in range(len(responses))]

    register_verifier(Verifier("asked", yes_no_reward, score_batch=batch))
    kinds, metas = ["asked", "digit", "asked"], [json.dumps(k) for k in range(3)]
    values = MixedReward()(
        [said("3")] * 3, kinds, ["a", "3", "c"], meta=metas, question=["p", "q", "r"], images=[["i"], None, ["k"]]
    )
    assert values == [0.0, 1.0, 1.0] and len(calls) == 1
    responses, gts, questions = calls[0]
    assert list(responses) == [said("3")] * 2 and list(gts) == ["a", "c"]
    assert [(q.text, q.meta, q.images) for q in questions] == [("p", "0", ("i",)), ("r", "2", ("k",))]


@pytest.mark.parametrize("result", [1.0, None, True])
def test_what_is_no_score_is_named(result):
    register_verifier(Verifier("odd", lambda response, gt, **_: result))
    with pytest.raises(
        TypeError, match=rf"verifier 'odd' gave \[{result}\] for 1 responses; expected for each a Score"
    ):
        MixedReward()([said("3")], ["odd"], ["3"])


def test_a_batch_of_another_length_is_named():
    register_verifier(Verifier("short", yes_no_reward, score_batch=lambda *_: []))
    with pytest.raises(TypeError, match=r"verifier 'short' gave \[\] for 2 responses"):
        MixedReward()([said("3")] * 2, ["short"] * 2, ["3"] * 2)


def test_an_unknown_type_is_found_before_anything_is_scored():
    register_verifier(Verifier("paid", yes_no_reward, score_batch=lambda *_: pytest.fail("asked a model")))
    with pytest.raises(ValueError, match="'vibes'"):
        MixedReward()([said("3")] * 2, ["paid", "vibes"], ["3"] * 2)


def test_a_verifier_says_what_counts_as_right():
    register_verifier(Verifier("lenient", yes_no_reward, is_correct=lambda score: score.value > 0.2))
    register_verifier(Verifier("plain", yes_no_reward))
    score = Score(0.3, Reason.PARTIAL)
    assert is_correct(score, "lenient") and not is_correct(score, "plain")
    assert not is_correct(Score(None, Reason.NOT_SCORED), "lenient")  # without a value nothing is asked
