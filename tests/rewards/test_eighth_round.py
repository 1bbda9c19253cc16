"""Faults that two readers found after the seventh round: each was judged otherwise before."""

import pytest

from vlaa_helpers import choice_reward, digit_reward, math_reward
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
        ("(x+5)(x-2)", "Factor x^2 + 3x - 10.", "x^2 + 3x - 10", 0),  # the question's formula, nothing worked out
        ("x^2 - 4", "Expand (x-2)(x+2).", "(x-2)(x+2)", 0),
        ("3/4", "Simplify the fraction 18/24.", "18/24", 0),
        ("2x", "2x + 1 is how much more than 1?", "x \\cdot 2", 1),
        ("x + x", "2x + 1 is how much more than 1?", "2x", 1),  # a part of a formula is no copy
        ("30x/2", "1.5x grows tenfold. What is it?", "15x", 1),
        ("120", "What is 5!?", "5!", 0),
        ("2", r"Evaluate $\log_2 4$.", r"\log_2 4", 0),
        ("x > 3", "Solve 2x > 6.", "2x > 6", 0),
        ("y = 2x + 1", "Rewrite 4x - 2y + 2 = 0 in slope-intercept form.", "4x - 2y + 2 = 0", 0),
        ("x^2 + 1", "Which is it?\nA. x^2 + 1\nB. x^2", "x^2+1", 1),
        (r"12\pi", "What is the area?", r"1\infty 2\pi", 0),  # was paid by chance
        ("5/12", "What is the probability of red?", "P(blue) = 5/12", 0),
        ("5/12", "What is the probability of red?", "P(red) = 5/12", 1),
        ("5", "Solve for x: 2x + 5 = 15.", "x = 5\nor x = 6", 0),
        ("5", "Solve for x: 2x + 5 = 15.", "5. Or 6.", 0),
        ("5", "Solve for x: 2x + 5 = 15.", "x = 5. Another solution is x = 6.", 0),
        ("7", "What is the mode?", "7, because it appears 4 times, more than any other value.", 1),
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


LINES = ("y = 2x + 1", "y = 2x - 1")


@pytest.mark.parametrize(
    ("golds", "question", "answer"),
    [
        (
            ("y = 2x + 1", "y = 2x - 1"),
            "Find the equation of the line.",
            "The graph is y = 2x + 1. The line is y = 2x - 1.",
        ),
        (("y = 2x + 1", "y = 2x - 1"), "Find the equation of the line.", "f(x) = 2x + 1\ng(x) = 2x - 1"),
        (("12", "15"), "Solve for x.", "2x = 24\n3x = 45"),
        (("12", "15"), "Solve for x.", "The side is 12. The base is 15."),
        (("12", "15"), "Solve for x.", "12\n\n3 × 5 = 15"),
        (("3", "5"), "Find the length of BC.", "a = 3\nb = 5"),
        (("80", "100"), "Find angle C.", "The triangle is 80°. The line is 100°."),
        (("1/2", "1/3"), "What is the probability of red?", "P(red) = 1/2. P(blue) = 1/3."),
        (("12", "80"), "Find angle C.", "It is 12. C = 80."),
    ],
)
def test_two_values_are_not_paid_under_both_ground_truths(golds, question, answer):
    assert sum(math_reward(f"<answer>{answer}</answer>", gold, question=question).value for gold in golds) <= 1


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        ("blue. green.", 0), ("blue\ngreen", 0), ("B. Another candidate is the green bar.", 0),
        ("B. The green bar is a candidate.", 0), ("B. The graph contradicts this.", 0), ("blue.", 1),
        ("B. The blue bar is the highest.", 1),
    ],
)  # fmt: skip
def test_choices(answer, value):
    question = "Which bar is the highest?\nA) red\nB) blue\nC) green"
    assert choice_reward(f"<answer>{answer}</answer>", "B", question=question).value == value


@pytest.mark.parametrize(
    ("gold", "question", "answer", "value"),
    [
        ("4", "How many people are sitting at the table?",
         "There are four people in the image: three sitting at the table and one standing.", 0),
        ("2", "How many red cubes are left of the green cylinder?",
         "There are 2 red cubes: 1 to the left of the green cylinder and 1 to the right.", 0),
        ("3", "How many objects are left?", "There are 3 objects. Or there are 4.", 0),
        ("3", "How many objects are left?", "3 objects: two cubes and a ball", 1),
    ],
)  # fmt: skip
def test_counts(gold, question, answer, value):
    assert digit_reward(f"<answer>{answer}</answer>", gold, question=question).value == value
