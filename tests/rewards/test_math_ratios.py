"""Ratios of three and more terms: each pair of terms must have the same ratio."""

import pytest

from vlaa_helpers.rewards.mathematics import math_reward


@pytest.mark.parametrize(
    ("gt", "right", "wrong"),
    [
        (
            "1:2:3",
            ["2:4:6", "$1 : 2 : 3$", "1/2 : 1 : 3/2"],
            ["1:6", "1/6", "3:2:1", "1:2:4", "1:2", "1:2:3:4", "0:0:0"],
        ),
        (r"\frac{3}{4}", ["3:4"], ["3:4:1"]),
        (r"\frac{x}{y}", ["x/y"], ["x : y : 1"]),
    ],
)
def test_a_ratio_of_several_terms(gt, right, wrong):
    paid = {answer: math_reward(f"<answer>{answer}</answer>", gt).value for answer in right + wrong}
    assert paid == dict.fromkeys(right, 1.0) | dict.fromkeys(wrong, 0.0)
