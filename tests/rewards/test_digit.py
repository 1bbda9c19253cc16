"""Counts: one number, in digits or words, and nothing else."""

import pytest
from reward_samples import said

from vlaa_helpers.rewards.digit import digit_reward
from vlaa_helpers.rewards.score import Reason, Score


@pytest.mark.parametrize(
    "answer",
    [
        "3",
        " 3 ",
        "3.",
        "3.0",
        "+3",
        "03",
        "three",
        "Three.",
        "There are 3",
        "3 objects",
        "There are three left.",
        "**3**",
    ],
)
def test_digit_accepts_one_number_whatever_stands_round_it(answer):
    assert digit_reward(said(answer), "3") == Score(1.0, Reason.CORRECT)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("4", "wrong"),
        ("-3", "wrong"),
        ("3.01", "wrong"),
        (".3", "wrong"),
        ("33", "wrong"),
        ("0 1 2 3 4 5", "ambiguous"),
        ("3 or 4", "ambiguous"),
        ("2, 3", "ambiguous"),
        ("2 + 2 = 3", "ambiguous"),
        ("the one on the left is 3", "ambiguous"),
        ("three, no, 3", "ambiguous"),
        ("thirty", "wrong"),
        ("none", "wrong"),
        ("-", "unreadable"),
        ("I looked at the picture again and again, and I think that it is 3", "unreadable"),
    ],
)
def test_digit_refuses_everything_else(answer, reason):
    assert digit_reward(said(answer), "3") == Score(0.0, Reason(reason))


def test_digit_reads_a_truth_written_with_a_decimal():
    assert digit_reward(said("3"), "3.0").value == 1


@pytest.mark.parametrize("gt", ["", "three", "B", "3 objects"])
def test_a_count_that_is_no_number_is_an_error(gt):
    with pytest.raises(ValueError, match="is not a number; mend the record"):
        digit_reward(said("3"), gt)


@pytest.mark.parametrize(
    ("question", "answer", "value"),
    [
        ("How many cubes are left?", "3 cubes", 1),
        ("How many cubes are left?", "3 objects", 1),
        ("How many cubes are left?", "3 spheres", 0),
        ("How many cubes are left?", "three red", 0),
        ("How many red cubes are left?", "three red", 1),
        ("How many red objects are left?", "3 blue objects", 0),
        ("How many objects are left?", "3 objects (spheres and cubes)", 1),
        ("How many objects are left?", "3 spheres", 0),
        ("How many are left?", "3 spheres", 1),
    ],
)
def test_what_is_counted_is_what_the_question_asks_for(question, answer, value):
    assert digit_reward(said(answer), "3", question=question).value == value


def test_a_long_answer_is_not_read():
    assert digit_reward(said("3" + " " * 2000 + "."), "3").reason == Reason.UNREADABLE
