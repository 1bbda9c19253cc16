import numpy as np
import pytest

from vlaa_helpers import MixedReward, load_policy, make_scenes, preflight
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
