"""Counts of what must be taken away to get some number of things."""

import pytest

from vlaa_helpers.rewards.digit import read_count

QUESTION = "How many big cubes must be removed to get 2 big cubes?"


@pytest.mark.parametrize(
    ("answer", "count"),
    [
        ("There are 8 big cubes. To get 2 big cubes, 8 - 2 = 6 must be removed.", 6),
        ("There are 8 big cubes. 8 - 6 = 2. So 6 must be removed.", 6),
        ("We need to remove 6 big cubes to get 2 big cubes.", 6),
        ("To get 2 big cubes, you must remove 6 cubes.", 6),
        ("There are 8 big cubes, so 6 big cubes need to be removed to have 2 left.", 6),
    ],
)
def test_what_must_be_taken_away_is_counted(answer, count):
    assert read_count(answer, QUESTION) == count


@pytest.mark.parametrize(
    "answer",
    [
        "To get 6 big cubes, 2 must be added.",
        "There are 6 big cubes. To get 1 big cube, some must be removed.",
        "6 small cubes must be removed to get 2 big cubes.",
        "There are 8 big cubes. 8 - 2 = 5 must be removed.",
    ],
)
def test_other_counts_are_not(answer):
    assert read_count(answer, QUESTION) not in (2, 5, 6)
