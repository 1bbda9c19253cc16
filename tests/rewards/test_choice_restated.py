"""Sentences that say the question again in other words, and near ones that say something else."""

import pytest

from vlaa_helpers.rewards.choice import choice_reward

CASES = [
    (
        "Who signed the letter?\nA. John Smith\nB. Mary Johnson",
        ["The letter was signed by Mary Johnson.", "It was signed by Mary Johnson."],
        ["The letter of Mary Johnson", "The letter with Mary Johnson", "The letter to Mary Johnson"]
        + ["The letter was signed for Mary Johnson.", "The letter was sent by Mary Johnson."],
    ),
    (
        "Who is the sender of this memo?\nA) M. Adams\nB) R. Stevens",
        ["The memo was sent by R. Stevens.", "This memo was sent by R. Stevens to M. Adams."],
        ["The memo was sent to R. Stevens.", "The memo was sent to R. Stevens by M. Adams."],
    ),
    (
        "What type of plot is shown in subfigure (c)?\nA. Bar chart\nB. Line graph\nC. Heat map\nD. Table",
        ["Subfigure (c) shows a line graph.", "A line graph is shown in subfigure (c).", "Figure (c) is a line graph."],
        ["Subfigure (d) shows a line graph.", "Subfigure (c) does not show a line graph."],
    ),
    (
        "Which method has the largest error?\nA) SGD\nB) Adam",
        [
            "The largest error is achieved by Adam.",
            "Adam holds the highest error.",
            "The method with the largest error is Adam.",
        ],
        ["The smallest error is achieved by Adam.", "Adam had the second largest error.", "Adam has a large error."],
    ),
    (
        "What is the relationship between x and y?\nA. Linear\nB. Cubic",
        ["x and y have a cubic relationship.", "The relationship between x and y is cubic."],
        ["x and z have a cubic relationship.", "The relationship between x and y is not cubic."],
    ),
    (
        "What is the girl in the red coat doing?\nA. Running\nB. Skating",
        ["She is skating.", "The girl is skating across the lake.", "The girl in the red coat is skating."],
        ["The girl in the blue coat is skating.", "The girl next to the one in the red coat is skating."]
        + ["The girl is skating or running.", "The girl is watching the skating."],
    ),
    (
        "What does the red arrow indicate?\nA) The peak\nB) The threshold",
        ["The threshold is indicated by the red arrow.", "The red arrow marks the threshold."],
        ["The threshold is indicated by the blue arrow.", "The red arrow is above the threshold."],
    ),
    (
        "In the figure, ∠1 = 40° and a ∥ b. What is ∠2?\nA. 40°\nB. 140°",
        ["∠2 = 180° - ∠1 = 180° - 40° = 140°"],
        ["∠1 = 140°", "∠2 = 140° - 100°", "∠3 = 140°", "∠2 = ∠1 + 140°", "∠2 = 140° + ∠1"],
    ),
    (
        "How high does the ladder reach?\nA. 6 m\nB. 8 m",
        ["The ladder reaches a height of 8 m.", "The ladder reaches 8 m high.", "h = √(100 - 36) = 8 m"],
        ["The ladder has a length of 8 m.", "The wall reaches a height of 8 m."],
    ),
    (
        "How many layers does the network have?\nA. 3\nB. 5",
        [
            "There are five layers in the network.",
            "The network has 5 layers: one input, three hidden, one output layer.",
        ],
        ["The network has 5 units in 3 layers.", "There are five units in the network.", "The network has 5 heads."],
    ),
    (
        "How many hours did Tom work?\nA. 6\nB. 8",
        ["8 hours", "Tom worked 8 hours."],
        ["8 minutes", "Tim worked 8 hours."],
    ),
]


@pytest.mark.parametrize(("question", "right", "wrong"), CASES, ids=[case[0].partition("?")[0] for case in CASES])
def test_other_words(question, right, wrong):
    paid = {a: choice_reward(f"<answer>{a}</answer>", "B", question=question).value for a in right + wrong}
    assert paid == dict.fromkeys(right, 1.0) | dict.fromkeys(wrong, 0.0)


def test_a_place_is_no_doer():
    question = "What colour is the car by the tree?\nA) red\nB) blue"
    told = {"The tree is blue": 0, "The car is blue": 1, "The car by the tree is blue": 1}
    for answer, value in told.items():
        assert choice_reward(f"<answer>{answer}</answer>", "B", question=question).value == value
