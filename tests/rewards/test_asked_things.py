"""What is counted, or chosen, must be what the question asks for, with its negation."""

import pytest

from vlaa_helpers.rewards.choice import choice_reward
from vlaa_helpers.rewards.digit import digit_reward

BALLS = "There are 4 red balls and 2 blue balls. Subtract 2 red balls, how many red balls are left?"


@pytest.mark.parametrize(
    ("question", "gt", "right", "wrong"),
    [
        (
            "How many people are not wearing hats?",
            "2",
            ["2", "2 people", "There are 2 people.", "2 people are not wearing hats."],
            ["2 people are wearing hats.", "2 wearing hats", "There are 2 people wearing hats."],
        ),
        (
            "How many students did not pass?",
            "3",
            ["3 students", "3 students did not pass."],
            ["3 students did pass", "3 pass"],
        ),
        (
            "How many of the 5 dogs are without a collar?",
            "3",
            ["3 dogs", "3 dogs are without a collar"],
            ["3 have a collar", "3 with a collar"],
        ),
        (
            "How many more red cubes than blue cubes are there?",
            "3",
            ["3", "The answer is 3."],
            ["There are 3 red cubes", "3 blue cubes"],
        ),
        (BALLS, "2", ["2 red balls", "There are 2 balls left."], ["There are 2 blue balls.", "2 blue"]),
        (
            "Subtract all cylinders. How many cubes are left?",
            "2",
            ["2 cubes", "2 cubes are left", "The number of cubes left is 2.", "2 are cubes", "2 are left"],
            ["2 cylinders", "The number of cylinders is 2.", "2 are cylinders"],
        ),
        (
            "How many apples are on the table?",
            "7",
            ["7 apples", "7 apples on the table", "There are 7 on the table.", "7 are on the table"],
            ["7 tables", "The table is 7"],
        ),
        ("How many cm long is the pencil?", "7", ["The pencil is 7 cm long."], []),
        (
            "How many yellow things are there?",
            "0",
            ["None", "none of them", "No yellow things.", "There are no yellow things in the picture."],
            [
                "None of these answers is correct.",
                "none is right",
                "None is the answer",
                "none of the images",
                "no yellow answer",
                "No yellow picture is visible",
            ],
        ),
        ("How many cars?", "0", ["No cars"], ["No car answer"]),
        ("How many of these options are correct?", "0", ["None of these options is correct", "no options"], []),
    ],
)
def test_only_what_is_asked_for_is_counted(question, gt, right, wrong):
    paid = {answer: digit_reward(f"<answer>{answer}</answer>", gt, question=question).value for answer in right + wrong}
    assert paid == dict.fromkeys(right, 1.0) | dict.fromkeys(wrong, 0.0)


@pytest.mark.parametrize(
    ("question", "answer", "value"),
    [
        ("Which bar is not the highest? A) red B) blue", "B, the highest bar", 0),
        ("Which bar is not the highest? A) red B) blue", "B, the blue bar", 1),
        ("Which bar is the highest? A) red B) blue", "B, the highest bar", 1),
        ("Which animal is NOT a mammal? A) dog B) shark", "B) mammal", 0),
        ("Which animal is NOT a mammal? A) dog B) shark", "B) shark", 1),
    ],
)
def test_a_negation_of_the_question_is_not_dropped(question, answer, value):
    assert choice_reward(f"<answer>{answer}</answer>", "B", question=question).value == value


@pytest.mark.parametrize(
    ("question", "gt", "right", "wrong"),
    [
        (
            "Subtract all balls. How many objects are left?",
            "3",
            ["3 objects", "3 blue objects"],
            ["3 balls left", "3 (balls)"],
        ),
        (
            "How many students scored above 80?",
            "5",
            ["5 students scored above 80."],
            ["above 5", "5 students scored above 90"],
        ),
        ("How many of the 12 eggs are broken?", "5", ["5 of the 12 eggs are broken"], ["5 of 11 eggs", "5 dozen eggs"]),
        (
            "How many people are in the boat?",
            "2",
            ["The boat has 2 people.", "2 people on the boat"],
            ["Boat number 2"],
        ),
        ("How many cars are left of the tree?", "2", ["2 cars to the left of the tree"], ["2 trees", "the tree has 2"]),
        (
            "What is the difference between the number of cats and dogs?",
            "2",
            ["The difference between the number of cats and dogs is 2."],
            ["2 cats", "The number of dogs is 2"],
        ),
        (
            "Add 3 balls. How many balls are there?",
            "6",
            ["After adding 3 balls, there are 6 balls."],
            ["3 balls, 6 balls"],
        ),
    ],
)
def test_a_count_beside_words_of_the_question(question, gt, right, wrong):
    paid = {a: digit_reward(f"<answer>{a}</answer>", gt, question=question).value for a in right + wrong}
    assert paid == dict.fromkeys(right, 1.0) | dict.fromkeys(wrong, 0.0)
