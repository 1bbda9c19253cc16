"""Counts that are worked out: sums, steps and lists of things, and what of that gives no count."""

import pytest

from vlaa_helpers.rewards.digit import digit_reward

BALLS = "Subtract all balls. How many objects are left?"
TWO = "Subtract all large cyan cubes. Subtract all tiny rubber cylinders. How many objects are left?"
MATTE = "How many of the objects are left if you take away the matte things?"
MORE = "If 2 more red cubes are added, how many red cubes will there be?"
CUBES = "How many cubes are there?"
RED = "How many red cubes are there if the 2 blue spheres are removed?"


def paid(question: str, gt: str, answers: list[str]) -> list[str]:
    return [
        answer for answer in answers if digit_reward(f"<answer>{answer}</answer>", gt, question=question).value == 1
    ]


@pytest.mark.parametrize(
    ("question", "gt", "answers"),
    [
        (
            BALLS,
            "5",
            [
                "9 - 4 = 5",
                "9 objects − 4 objects = 5 objects",
                "9 objects - 4 balls = 5 objects",
                "There are 9 objects. 5 objects are left.",
                "If you subtract all 4 balls from the 9 objects, 5 objects remain.",
                "1. Total objects: 8\n2. Balls: 3\n3. Objects left: 8 - 3 = 5",
                "There were 9 objects. 4 balls were removed. 5 objects remain.",
                "There are 9 objects in total. 4 of them are balls, so 9 - 4 = 5. So 5 objects are left.",
                "There are 9 objects and 4 balls, leaving 5 objects",
                "There are 5 objects left: 3 cylinders and 2 cubes",
                "Subtracting all balls leaves 5 objects.",
                "The number of objects left after subtracting all balls is 5.",
                "5 (three cubes and two cylinders)",
                "There are five objects left. The answer is 5.",
            ],
        ),
        (
            TWO,
            "5",
            [
                "There are initially 8 objects. Subtracting 2 large cyan cubes and "
                "1 tiny rubber cylinder leaves 5 objects.",
                "8 - 2 - 1 = 5",
                "8 - 2 = 6. 6 - 1 = 5.",
            ],
        ),
        (TWO, "3", ["There are 3 cylinders remaining: one blue, one red and one green."]),
        (MATTE, "1", ["1 (the large blue metal sphere)"]),
        (MATTE, "2", ["There are 2 objects left: a gray cube and a cyan cylinder."]),
        (
            MORE,
            "4",
            [
                "There are 2 red cubes in the image. Adding 2 more gives 2 + 2 = 4 red cubes.",
                "If 2 more red cubes are added, there will be 4 red cubes.",
            ],
        ),
        (
            CUBES,
            "3",
            ["There are 3 cubes, so the answer is 3.", "There are 2 red cubes and 1 blue cube, so there are 3 cubes."],
        ),
    ],
)
def test_the_last_clause_gives_the_count(question, gt, answers):
    assert paid(question, gt, answers) == answers


@pytest.mark.parametrize(
    ("question", "gt", "answers"),
    [
        (
            BALLS,
            "5",
            [
                "9 - 3 = 5",
                "8 - 2 = 5. There are 5 objects left.",
                "7 - 4 = 3. 9 - 4 = 5.",
                "The answer is 3. 5 objects are left.",
                "3 objects left. 5 objects left.",
                "3. 5 left",
                "5 objects are left. There are 8 objects.",
                "5 objects are left. 3 balls are left.",
                "9 - 4 = 5 or 6",
                "9 - 4 = 5?",
                "about 9 - 4 = 5",
                "2 * 9 - 4 = 5",
                "9 - 4 = 5%",
                "9 - 4 = 5 - 1",
                "not 9 - 4 = 5",
                "There are 3 or 4 cubes. There are 5 objects left.",
                "There aren't 8 objects. 5 are left.",
                "Perhaps 9 objects. 5 are left.",
                "There are 5 objects left: 3 cylinders and 1 cube",
                "There are 5 objects left: 3 balls and 2 cubes",
                "5 objects are left if you add all balls",
                "after adding the balls, 5 are left",
                "When all objects are subtracted, 5 are left",
                "5 if all objects are left",
                "5 if you count the balls",
                "5 if",
                "There are 8 objects. If all balls are added, 5 objects are left.",
            ],
        ),
        (RED, "3", ["3 if 2", "if 2, 3", "3 if 2 red cubes are removed"]),
        (CUBES, "3", ["There are 2 cubes. There are 3 cubes.", "2 cubes. So the answer is 3.", "3 cubes: 3 spheres"]),
        (
            "Add 3 balls. How many balls are there?",
            "6",
            ["3 balls, 6 balls", "After adding 2 balls, there are 6 balls."],
        ),
        (TWO, "3", ["There are 3 cylinders remaining: two blue and two green."]),
    ],
)
def test_another_value_a_false_sum_or_a_hedge_gives_none(question, gt, answers):
    assert paid(question, gt, answers) == []
