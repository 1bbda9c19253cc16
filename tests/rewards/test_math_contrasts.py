"""A value of the counterpart of what is asked for is not paid, and its own is."""

import pytest
from reward_samples import said

from vlaa_helpers.rewards.mathematics import math_reward


@pytest.mark.parametrize(
    ("question", "gt", "right", "wrong"),
    [
        (
            "What is the ratio of boys to girls?",
            "3:4",
            "The ratio of boys to girls is 3:4.",
            "The ratio of girls to boys is 3:4.",
        ),
        ("A tree is 6 m tall. How tall is the tower?", "30 m", "The tower is 30 m tall.", "The tree is 30 m tall."),
        (
            "What is the y-intercept of the line?",
            "-4",
            "The line crosses the y-axis at y = -4.",
            "The x-intercept is -4.",
        ),
        ("What is the new price?", "60", "The new price is 60.", "The old price is 60."),
        ("Find the area of the sector.", "6", "The area of the sector is 6.", "The area of the circle is 6."),
        (
            "then the lateral area of the cone is ( )",
            "60",
            "The lateral area is 60.",
            "The total area of the cone is 60.",
        ),
        ("How much larger is A than B?", "20", "A is 20 larger than B.", "A is 20."),
        ("What is the domain?", "[-2, 3]", "The domain is [-2, 3].", "The range is [-2, 3]."),
        ("Find the diagonal AC of square ABCD.", "5", "The diagonal AC is 5.", "The side of the square is 5."),
        (
            "What is the difference of the highest and lowest sales?",
            "35",
            "The difference is 35.",
            "The lowest sales are 35.",
        ),
        ("Find the distance from A to BC, with AB = 4.", "3", "AD = 3", "AB = 3"),
        ("Find the distance from D to AC.", "3", "The distance from D to AC is 3.", "The distance from A to D is 3."),
        ("5 apples are rotten. How many apples are good?", "43", "43 apples are good.", "43 apples are rotten."),
        ("Find the measure of the angle marked y.", "42°", "y = 42°", "x = 42°"),
        ("Given tan θ = 1, what is θ in degrees?", "45", "θ = 45°", "tan θ = 45"),
        ("What is the slope of the tangent at x = 1?", "2", "The slope at x = 1 is 2.", "x = 2"),
        ("then the length of BD is ( )", "8", "The length of BD is 8.", "The length of AC is 8."),
    ],
)
def test_the_counterpart_is_not_paid(question, gt, right, wrong):
    assert math_reward(said(right), gt, question=question).value == 1
    assert math_reward(said(wrong), gt, question=question).value == 0
