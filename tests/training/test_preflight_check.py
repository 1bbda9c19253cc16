import itertools

import numpy as np
import pytest

from vlaa_helpers import MixedReward, load_policy, make_scenes, preflight, train_grpo
from vlaa_helpers.training import preflight_check
from vlaa_helpers.training.preflight_check import _report


@pytest.fixture(scope="module")
def policy(tiny_profile):
    return load_policy(tiny_profile)


def responses(values, **changes):
    """Groups of four responses with these rewards, or None."""
    return [
        {
            "response": "r",
            "tokens": 5,
            "truncated": False,
            "reward": value,
            "reason": "wrong",
            "verifier_type": "digit",
            **changes,
        }
        for value in values
    ]


def test_numbers_by_hand():
    report = _report(responses([1, 0, 0, 1, 0, 0, 0, 0, 1, 1, 1, 0, None, None, 1, 1]), 4)
    assert (report.prompts, report.generations) == (4, 4)
    assert report.reward == pytest.approx(7 / 14)
    spreads = [np.std([1, 0, 0, 1]), 0, np.std([1, 1, 1, 0]), 0]
    assert report.spread == pytest.approx(np.mean(spreads)) and report.zero_variance == 0.5
    assert report.reasons == {"wrong": 1.0} and report.by_verifier == {"digit": pytest.approx(0.5)}
    assert len(report.examples) == 5 and report.will_learn


@pytest.mark.parametrize(
    ("values", "changes", "words"),
    [
        ([0] * 16, {"reason": "no_answer"}, "no answer tags. Fine-tune first"),
        (
            [0] * 16,
            {"reason": "no_answer", "truncated": True},
            "truncated at the token limit.*Raise max_completion_length",
        ),
        ([0] * 16, {"reason": "out_of_range"}, "another frame"),
        ([0] * 16, {}, "hardly ever right. Take easier records"),
        ([1] * 16, {"reason": "correct"}, "right already. Take harder records"),
        ([1] * 8 + [0] * 8, {}, "too easy or too hard. Mix difficulties"),
        ([None] * 16, {"reason": "not_scored"}, "no response could be scored"),
    ],
)
def test_where_nothing_can_be_learned_the_cause_is_named(values, changes, words):
    report = _report(responses(values, **changes), 4)
    assert not report.will_learn
    import re

    assert re.search(words, report.verdict), report.verdict


def test_a_verifier_type_that_teaches_nothing_is_named():
    """A fifth of the prompts are boxes in another frame: as a share of all responses nobody would see it."""
    report = _report(responses([1, 0, 0, 1] * 8) + responses([0] * 8, verifier_type="box", reason="out_of_range"), 4)
    assert report.will_learn and report.zero_variance == 0.2
    assert "But box prompts, 20% of all, would be paid for in vain: in 100% of their groups" in report.verdict
    assert "100% of the responses for the reason out_of_range" in report.verdict and "box_frame=" in report.verdict
    hard = responses([1, 0, 0, 1] * 8) + responses([0] * 8 + [None] * 4, verifier_type="math")
    assert "But math prompts, 27%" in _report(hard, 4).verdict and "box_frame" not in _report(hard, 4).verdict
    assert "But" not in _report(responses([1, 0, 0, 1] * 8), 4).verdict


def test_a_profile_and_a_recipe_decide_what_is_not_named(policy, tiny_profile, monkeypatch):
    asked = []

    def batches(model, processor, rows, sampling, *, batch_size, words):
        asked.append((sampling.samples, sampling.temperature, sampling.max_new_tokens, batch_size))
        yield rows[:1], [("r", 1, False)] * sampling.samples

    monkeypatch.setattr(preflight_check, "response_batches", batches)
    planned = tiny_profile.replace(prompts_per_step=2, num_generations=4, max_completion_length=7)
    for options in ({}, {"profile": planned}, {"profile": planned, "recipe": "vlaa"}):
        preflight(*policy, make_scenes(2), MixedReward(), **options)
    named = {"generations": 2, "temperature": 0.5, "max_new_tokens": 3, "batch_size": 6}
    preflight(*policy, make_scenes(2), MixedReward(), profile=planned, recipe="vlaa", **named)
    assert asked == [(8, 1.0, 128, 64), (4, 1.0, 7, 8), (4, 0.8, 7, 8), (2, 0.5, 3, 6)]


def test_numbers_that_are_not_finite_are_an_error(tiny_profile):
    """What float16 may do on a T4: in training the loss scaler would skip such steps in silence."""
    import torch

    model, processor = load_policy(tiny_profile)
    with torch.no_grad():
        model.get_base_model().model.language_model.norm.weight.fill_(float("inf"))
    with pytest.raises(RuntimeError, match=r"scores with nan or inf.*in float16.*profile\.replace\(dtype="):
        preflight(model, processor, make_scenes(2), MixedReward(), prompts=1, generations=2, max_new_tokens=2)


def test_records_that_no_verifier_can_score_are_said_first(policy, tiny_profile, tmp_path):
    """Of the release docvqa, vizwiz and allava_laion are open-ended: the first step would end a run."""
    scenes = make_scenes(6)
    records = scenes.remove_columns("meta").add_column("meta", ["{}"] * 6)
    said = r"1 of 6 records \(of \w+\) are open-ended without scene facts.*sources=.*RewardModelScorer"
    with pytest.raises(ValueError, match=said):
        preflight(*policy, records, MixedReward())
    with pytest.raises(ValueError, match=said):
        train_grpo(*policy, records, tiny_profile, reward_funcs=[MixedReward()], output_dir=str(tmp_path))
    MixedReward().check_records(scenes)
    MixedReward(lambda questions, answers: [0.0] * len(answers)).check_records(records)


def test_truncated_responses_are_mentioned_even_where_there_is_a_signal():
    report = _report(responses([1, 0, 0, 1] * 4, truncated=True), 4)
    assert report.will_learn and "raise max_completion_length" in report.verdict


def test_a_random_policy_gets_no_rewards_and_is_told_why(policy):
    model, processor = policy
    model.train()
    report = preflight(model, processor, make_scenes(12), MixedReward(), prompts=6, generations=3, max_new_tokens=8)
    assert (report.prompts, report.generations, report.reward) == (6, 3, 0.0) and not report.will_learn
    assert model.training and set(report.reasons) == {"no_answer"}
    shown = str(report)
    assert "6 prompts, 3 responses each" in shown and report.verdict in shown


def test_any_reward_of_trl_will_do(policy):
    model, processor = policy
    report = preflight(
        model, processor, make_scenes(4), lambda completions, **_: [float(k) for k, _ in enumerate(completions)],
        prompts=4, generations=2, max_new_tokens=4,
    )  # fmt: skip
    assert report.will_learn and report.reasons == {} and report.spread == pytest.approx(0.5)


@pytest.mark.parametrize(("n", "generations", "words"), [(0, 4, "no records"), (3, 1, "at least 2 generations, got 1")])
def test_what_cannot_be_tried_is_said(policy, n, generations, words):
    with pytest.raises(ValueError, match=words):
        preflight(*policy, make_scenes(n), MixedReward(), generations=generations)


def test_an_interrupted_preflight_goes_on(policy, tmp_path, monkeypatch):
    options = {"prompts": 5, "generations": 2, "batch_size": 4, "max_new_tokens": 4}
    scenes, reward = make_scenes(8), MixedReward()
    whole = preflight(*policy, scenes, reward, **options)
    sampled = preflight_check.response_batches

    def two_batches(*args, **more):
        return itertools.islice(sampled(*args, **more), 2)

    with monkeypatch.context() as patch:
        patch.setattr(preflight_check, "response_batches", two_batches)
        preflight(*policy, scenes, reward, out=tmp_path, **options)
    asked = []
    monkeypatch.setattr(
        preflight_check, "response_batches", lambda *args, **more: asked.append(len(args[2])) or sampled(*args, **more)
    )
    assert preflight(*policy, scenes, reward, out=tmp_path, **options) == whole and asked == [1]
    assert preflight(*policy, scenes, reward, out=tmp_path, **options) == whole and asked == [1, 0]
    with pytest.raises(ValueError, match="holds another pre-flight: its samples differ"):
        preflight(*policy, scenes, reward, out=tmp_path, **options | {"generations": 3})
