"""Open-ended answers: the formula, and what the scorer is asked."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reward_samples import length_scorer, responses, said

from vlaa_helpers.rewards.mixed import MixedReward
from vlaa_helpers.rewards.open_ended import open_ended_reward
from vlaa_helpers.rewards.score import Reason, Score
from vlaa_helpers.rewards.scorers import Question


def by_number(questions, answers):
    return [float(answer) for answer in answers]


@pytest.mark.parametrize(
    ("margin", "beta", "value"),
    [(1, 0.2, 0.181269246922), (2, 0.2, 0.329679953964), (5, 0.2, 0.632120558829), (3, 1.0, 0.950212931632)],
)
def test_open_ended_formula_by_hand(margin, beta, value):
    score = open_ended_reward(said(str(10 + margin)), "10", scorer=by_number, beta=beta)
    assert (score.value, score.reason) == (pytest.approx(value, abs=1e-11), Reason.PARTIAL)
    assert score.value == pytest.approx(1 - math.exp(-beta * margin))


def test_the_default_beta_is_the_cited_one():
    assert open_ended_reward(said("1"), "0", scorer=by_number).value == pytest.approx(1 - math.exp(-0.2))
    assert MixedReward().beta == 0.2


@pytest.mark.parametrize("answer", ["10", "9.5", "-3", "nan", "-inf"])
def test_an_open_answer_that_is_not_better_gets_nothing(answer):
    assert open_ended_reward(said(answer), "10", scorer=by_number) == Score(0.0, Reason.NOT_BETTER)


@given(st.floats(0.001, 50), st.floats(0.001, 50), st.floats(0.01, 2))
def test_open_ended_grows_with_the_margin_and_stays_a_share(a, b, beta):
    low, high = (open_ended_reward(said(str(m)), "0", scorer=by_number, beta=beta).value for m in sorted((a, b)))
    assert 0 < low <= high <= 1
    assert low < high or high == pytest.approx(1) or a == pytest.approx(b)


def test_the_scorer_sees_the_question_and_the_meta_for_answer_and_reference():
    seen = []

    def scorer(questions, answers):
        seen.extend(zip(questions, answers, strict=True))
        return [1.0, 0.0]

    open_ended_reward(said("cat"), "dog", scorer=scorer, question="what?", meta="m")
    assert seen == [(Question("what?", "m"), "cat"), (Question("what?", "m"), "dog")]


def test_an_open_answer_is_not_scored_without_an_answer():
    def never(questions, answers):
        raise AssertionError("asked to score a response without an answer")

    assert open_ended_reward("I see a cat", "a cat", scorer=never) == Score(0.0, Reason.NO_ANSWER)


@given(response=responses)
def test_any_text_gets_a_share_as_an_open_answer(response):
    assert 0 <= open_ended_reward(response, "It is", scorer=length_scorer).value <= 1
