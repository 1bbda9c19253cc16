import pytest

from vlaa_helpers.rewards.hedges import is_hedged, is_negated


@pytest.mark.parametrize("text", ["not 3", "It isn't 3", "never", "all but B", "anything but B", "B is wrong", "no, 3"])
def test_what_is_taken_back(text):
    assert is_negated(text) and is_hedged(text)


@pytest.mark.parametrize(
    "text",
    [
        "more than 3",
        "at least 3",
        "up to 3",
        "over 3",
        "about three",
        "3 or so",
        "roughly 3",
        "larger than 3",
        "below 3",
    ],
)
def test_what_is_bounded_or_inexact(text):
    assert is_hedged(text) and not is_negated(text)


@pytest.mark.parametrize(
    "text",
    ["There are 3", "3 above the line", "3 around the big cube", "3 larger cubes", "north 3", "notes: 3", "3 most"],
)
def test_what_says_a_number_all_the_same(text):
    assert not is_hedged(text)
