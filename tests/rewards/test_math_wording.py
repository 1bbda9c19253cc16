"""Sentences that say the same in other words, units in steps, JSON, and the numbers of figures."""

import pytest
from reward_samples import said

from vlaa_helpers.rewards.math_arithmetic import value_of
from vlaa_helpers.rewards.mathematics import math_reward


@pytest.mark.parametrize(
    ("gt", "answer", "question"),
    [
        ("130°", "The angle AOB is found to be 130°.", "Find ∠AOB."),
        ("50°", "∠ACB measures 50°.", "Find ∠ACB."),
        (r"5\sqrt{2}", "The diagonal AC is 5 times the square root of 2.", "Find the diagonal AC."),
        ("70°", '{"angle_C": "70°"}', "Find ∠C."),
        ("18.5", '{"answer": 18.5}', "What is the average?"),
        ("24", "3 cm × 8 cm = 24 cm²", "What is the area?"),
        ("24", "24 cm2", "What is the area?"),
        ("10", "hypotenuse AB = 10", "What is the length of the hypotenuse?"),
        ("2", "The inscribed circle has a radius of 2.", "What is the radius of the inscribed circle?"),
        ("43", "6 × 8 = 48, and 48 − 5 = 43 apples are good.", "5 of 48 apples are rotten. How many apples are good?"),
        (
            "15",
            r"The area of a trapezoid is ½ × (a + b) × h = ½ × (4 + 6) × 3 = 15.",
            "Find the area of the trapezoid.",
        ),
        ("x = 2", "x = -b/(2a) = 4/2 = 2", "What is the axis of symmetry?"),
        ("25%", "The value increased by 25% from 2010 to 2015.", "What is the percentage increase from 2010 to 2015?"),
        ("5 cm", "r = 31.4 / (2 × 3.14) = 5 cm", "What is its radius?"),
        ("180°", "∠1 + ∠2 = 180°", "Find the sum of the measures of angles 1 and 2."),
        ("f^{-1}(x) = (x + 4)/2", "f^{-1}(x) = \\frac{x}{2} + 2", "Find the inverse of f(x) = 2x - 4."),
        ("1 or 7", "The distance between the chords is 1 or 7.", "Find the distance between the chords."),
        ("x < 1", "The graph is above the x-axis when x < 1.", "For which x is the graph above the x-axis?"),
    ],
)
def test_other_words_for_the_same(gt, answer, question):
    assert math_reward(said(answer), gt, question=question).value == 1


@pytest.mark.parametrize(
    ("gt", "answer", "question"),
    [
        ("5", "step 5", "Find x."),
        ("5", "Figure 5", "Find x."),
        ("5", "2 < x < 5", "Find x."),
        ("(2, -3)", "[2, -3]", "What is the vertex?"),
        ("24", "3 cm × 8 cm = 22 cm²", "What is the area?"),
        ("25%", "The value decreased by 25%.", "What is the percentage increase?"),
        ("70°", '{"angle_C": "60°"}', "Find ∠C."),
        ("24", '{"area": 20, "perimeter": 24}', "What is the area?"),
    ],
)
def test_other_values_in_other_words(gt, answer, question):
    assert math_reward(said(answer), gt, question=question).value == 0


@pytest.mark.parametrize("text", ["2^3", "1/0", "5 cm", "", "1" * 100, "__import__('os')", "2**9"])
def test_what_is_no_plain_arithmetic_has_no_value(text):
    assert value_of(text) is None
