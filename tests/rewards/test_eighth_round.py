"""Faults that two readers found after the seventh round: each was judged otherwise before."""

import pytest

from vlaa_helpers import math_reward
from vlaa_helpers.rewards.box_questions import asked_thing


@pytest.mark.parametrize(
    ("gold", "question", "answer", "value"),
    [
        ("x = 3", "Solve the equation 2x + 5 = 11.", "2x + 5 = 11", 0),  # the question's own equation
        ("x = 3", "Solve the equation 2x + 5 = 11.", "2x = 6", 0),
        ("x = 3", "Solve the equation 2x + 5 = 11.", "3 = x", 1),
        ("x = 3", "Solve the equation 2x + 5 = 11.", r"2x + 5 = 11 \\ 2x = 6 \\ x = 3", 1),
        ("y = 2x + 1", "What is the equation of the line?", "2x - y + 1 = 0", 1),
        ("f(2) = -3", "What is the value of the function at x = 2?", "-3", 1),
        ("f(2) = -3", "What is the value of the function at x = 2?", "f(3) = -3", 0),
        ("-3", "Find f(3).", "f(2) = -3", 0),
        ("13", "The legs are 5 cm and 12 cm. Find the hypotenuse.", "13 km", 0),
        ("13", "The legs are 5 cm and 12 cm. Find the hypotenuse.", "13 cm", 1),
        ("13", "On a map of scale 1 : 100000 it is 13 cm. What is the actual length?", "13 km", 1),
        ("5/12", "What is the probability of red?", "5 out of 12", 1),
        ("24√3", "The side of the regular hexagon is 4. What is its area?", "The area of the hexagon is 24√3.", 1),
        ("24√3", "The side of the regular hexagon is 4. What is its area?", "The side of the hexagon is 24√3.", 0),
    ],
)
def test_mathematics(gold, question, answer, value):
    assert math_reward(f"<answer>{answer}</answer>", gold, question=question).value == value


@pytest.mark.parametrize(
    ("question", "thing"),
    [
        (
            "Please provide the bounding box coordinate of the region this sentence describes, normalized between 0 "
            "and 1 in [x1, y1, x2, y2]: white plate on the table",
            "white plate on the table",
        ),
        (
            "Please provide the bounding box coordinate of the region this sentence describes: a green light. Give its "
            "box as [x1, y1, x2, y2] in fractions of the image's width and height, from 0 to 1.",
            "green light.",
        ),
        ("Find the box of the red car with coordinates in 0-1 range.", "red car"),
    ],
)
def test_how_a_box_is_to_be_written_is_not_the_thing(question, thing):
    assert asked_thing(question) == thing
