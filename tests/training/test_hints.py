"""When hints are given: TRAPO's table, and settings that cannot be."""

import re
from functools import partial

import pytest

from vlaa_helpers import Hints, MicroGroup, hint_schedule, token_weights
from vlaa_helpers.training.hints import TRAPO

CODE = (MicroGroup(4, 0, 0), MicroGroup(2, 0.25, 2 / 4), MicroGroup(1, 0.5, 4 / 6), MicroGroup(1, 1.0, 7 / 7))
"""The rule of TRAPO's released code: sums of returns below 2 of 4, 4 of 6, 7 of 7."""


@pytest.mark.parametrize(
    ("returns", "length"),
    [
        ([], 0.0),
        ([0, 0, 0, 0], 0.2),
        ([1, 0, 0, 0.9], 0.2),
        ([1, 1, 0, 0], 0.0),  # 0.5 is not below 0.5
        ([1, 1, 1, 1], 0.0),
        ([1, 1, 0, 0, 1, 1], 0.5),  # 4/6: below 0.7, as the code's rule does not see it
        ([1, 1, 1, 0, 1, 1], 0.0),
        ([0] * 7, 1.0),
        ([1, 1, 1, 1, 1, 1, 0], 1.0),  # 6/7 is below 0.9
        ([1] * 7, 0.0),
    ],
)
def test_the_papers_rule(returns, length):
    assert hint_schedule(returns) == length


@pytest.mark.parametrize("right", range(8))
def test_the_codes_rule_is_a_table_too(right):
    returns = [1] * right + [0] * (7 - right)
    assert hint_schedule(returns[:4], CODE) == (0.25 if sum(returns[:4]) < 2 else 0)
    assert hint_schedule(returns[:6], CODE) == (0.5 if sum(returns[:6]) < 4 else 0)
    assert hint_schedule(returns, CODE) == (1.0 if sum(returns) < 7 else 0)


def test_an_easy_question_never_gets_a_hint_and_a_hopeless_one_always():
    for solved, lengths in ((1.0, [0, 0, 0, 0]), (0.0, [0, 0.2, 0.5, 1.0])):
        returns = []
        for group, length in zip(TRAPO, lengths, strict=True):
            assert hint_schedule(returns) == length
            returns += [solved] * group.size


def test_the_mean_of_no_returns_is_zero():
    always = (MicroGroup(2, 0.3, 0.1), MicroGroup(2, 0.0, 0.0))
    assert hint_schedule([], always) == 0.3 and hint_schedule([0.0, 0.0], always) == 0


@pytest.mark.parametrize("count", [1, 5, 8])
def test_returns_of_a_part_of_a_micro_group_are_refused(count):
    with pytest.raises(ValueError, match=f"^{count} returns; expected 0 or 4 or 6 or 7, .* whole micro-groups"):
        hint_schedule([0.0] * count)


def test_returns_that_are_no_numbers_are_refused():
    with pytest.raises(ValueError, match=r"returns \[0, nan, 0, 0\]; expected finite"):
        hint_schedule([0, float("nan"), 0, 0])


def test_hints_are_trapos_and_take_plain_tuples():
    assert Hints().micro_groups == TRAPO and Hints().generations == 8
    own = Hints([(2, 0, 0), (2, 0.5, 0.5)])
    assert own.micro_groups[1] == MicroGroup(size=2, length=0.5, below=0.5) and own.generations == 4
    assert own == Hints(((2, 0, 0), (2, 0.5, 0.5))) and own.stages == own.micro_groups


def test_groups_without_hints_are_sampled_at_once():
    assert Hints([(4, 0, 1), (2, 0, 1)]).stages == (MicroGroup(6, 0.0, 0.0),)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"micro_groups": ()}, "micro-groups: got none; expected a size of 1 or more"),
        ({"micro_groups": [(0, 0.5, 1)]}, "MicroGroup(size=0, length=0.5, below=1); expected a size of 1 or more"),
        (
            {"micro_groups": [(4, 0, 1), (1, 1.2, 1)]},
            "length=1.2, below=1); expected a size of 1 or more, and a length",
        ),
        ({"token_weights": "trsft2"}, "unknown weighting 'trsft2'"),
        ({"token_weights": "pear_token"}, "'pear_token' reads how likely the expert was"),
        ({"token_weights": partial(token_weights, "pear_token")}, "reads how likely the expert was"),
        ({"token_weights": partial(token_weights, "trsft", alpha=5)}, "alpha is a probability above 0, up to 1; got 5"),
        ({"micro_groups": [(2.5, 0, 0), (2.5, 0.5, 0.5)]}, "MicroGroup(size=2.5, length=0, below=0); expected a size"),
        ({"micro_groups": [(2, 0, 0), (2, 0.5, float("nan"))]}, "below=nan); expected a size of 1 or more"),
    ],
)
def test_hints_that_cannot_be(settings, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        Hints(**settings)
