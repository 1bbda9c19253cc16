"""Values that a sentence names, and points in their three writings."""

import pytest
from reward_samples import said

from vlaa_helpers.rewards.math_names import values_by_name
from vlaa_helpers.rewards.mathematics import math_reward


@pytest.mark.parametrize(
    ("text", "formula"),
    [
        ("The value of x is 5", "x = 5"),
        ("x equals $5$", "x = $5$"),
        ("The measure of angle ABC is 60", r"\angle ABC = 60"),
        ("side AB is 7", "AB = 7"),
        ("The length of AB is 7", "AB = 7"),
        (r"The length of $\overline{AB}$ is 7", r"\overline{AB} = 7"),
        ("The distance between A and B is 7", "AB = 7"),
        ("The distance from A to $B$ is 7", "AB = 7"),
        ("The length of a side is 7", "The length of a side is 7"),
        ("The area of triangle ABC is 24", "The area of triangle is 24"),
        ("negative 7", "-7"),
        ("x = minus 7", "x = -7"),
        ("negative -7", "negative -7"),
        ("The value of x is about 5", "x = about 5"),
        ("The value of 2x is 5", "The value of 2x is 5"),
    ],
)
def test_a_name_and_its_value(text, formula):
    assert values_by_name(text) == formula


@pytest.mark.parametrize(
    ("gt", "answer", "value"),
    [
        ("x = 5", "The value of x is 5", 1),
        ("x = 5", "The value of y is 5", 0),
        ("(2, 3)", "x = 2, y = 3", 1),
        ("(2, 3)", "y = 2, x = 3", 0),
        ("(2, 3)", "x = 2 or y = 3", 0),
        ("x = 1, y = 2", "(x, y) = (1, 2)", 1),
        ("x = 1, y = 2", "(y, x) = (1, 2)", 0),
        ("(2, 3)", "(x, y) = (2, 3)", 1),
        ("2, 3", "x = 2, y = 3, z = 4", 0),
    ],
)
def test_names_and_points(gt, answer, value):
    assert math_reward(said(answer), gt).value == value
