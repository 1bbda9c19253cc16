"""What holds for each verifier: the gate before it, full marks for the right answer, a share for any text."""

import pytest
from hypothesis import example, given, settings
from reward_samples import RIGHT, length_scorer, responses, said

from vlaa_helpers.rewards.open_ended import open_ended_reward
from vlaa_helpers.rewards.registry import BUILT_IN
from vlaa_helpers.rewards.score import Reason, Score

RULES = {verifier.name: verifier.score for verifier in BUILT_IN if verifier.name != "open_ended"}

assert set(RULES) == set(RIGHT), "give each verifier a right answer in tests/reward_samples.py"


def all_verifiers():
    yield from ((name, verify, RIGHT[name]) for name, verify in RULES.items())
    yield "open_ended", lambda r, gt, **more: open_ended_reward(r, gt, scorer=length_scorer, **more), "a"


# ---- the gate ----

NO_ANSWER = [
    "",
    "{}",
    "the answer is {}",
    "<think>I look.</think>{}",
    "<think>I look. <answer>{}</answer></think>",
    "<think>I look.</think><answer></answer>",
    "<think>I look.</think><answer> \n </answer>",
    "<think>I look.</think><answer>{}",
    "<think>I look. <answer>{}</answer>",
    "<think>I look.</think><answer>{}</answer><answer>{}</answer>",
    "<think>I look.</think><answer><answer>{}</answer></answer>",
]


@pytest.mark.parametrize("template", NO_ANSWER)
@pytest.mark.parametrize(("name", "verify", "right"), list(all_verifiers()), ids=[v[0] for v in all_verifiers()])
def test_without_an_answer_nothing_is_worth_anything(name, verify, right, template):
    assert verify(template.replace("{}", right), right) == Score(0.0, Reason.NO_ANSWER)


@pytest.mark.parametrize("name", RULES)
def test_the_right_answer_gets_full_marks_whatever_the_thinking_says(name):
    for think in ("so it is", "7, no, A) and [0, 0, 1, 1] and x^2", "I give up"):
        assert RULES[name](said(RIGHT[name], think), RIGHT[name]) == Score(1.0, Reason.CORRECT)


# ---- any text ----


@pytest.mark.parametrize("name", [name for name in RULES if name != "math"])
@settings(max_examples=200)
@given(response=responses)
@example(response=said("9" * 5000))
@example(response=said("٣"))
@example(response=said("a) " * 3000 + "!"))
def test_any_text_gets_a_share(name, response):
    score = RULES[name](response, RIGHT[name])
    assert 0 <= score.value <= 1 and isinstance(score.reason, Reason)
    assert (score.value > 0) == (score.reason in {Reason.CORRECT, Reason.PARTIAL})
