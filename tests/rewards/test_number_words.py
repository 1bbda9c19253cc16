import pytest

from vlaa_helpers.rewards.number_words import find_numbers, number_value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("three", 3), ("twenty-one", 21), ("twenty one", 21), ("a hundred", 100), ("one hundred and five", 105),
        ("two thousand three hundred", 2300), ("twelve hundred", 1200), ("three million", 3_000_000), ("a dozen", 12),
        ("two dozen", 24), ("none", 0), ("1,234", 1234), ("1e3", 1000), (".5", 0.5), ("Seven", 7),
    ],
)  # fmt: skip
def test_numbers(text, value):
    assert float(number_value(text)) == value
    assert [float(found) for _, _, found in find_numbers(f"There are {text} left")] == [value]


@pytest.mark.parametrize("text", ["two one", "twenty twenty", "one and two", "hundred", "twenty eleven", "one twenty"])
def test_words_that_give_no_one_number(text):
    assert number_value(text) is None


@pytest.mark.parametrize("text", ["the red one", "this one", "which big one", "another one", "the one on the left"])
def test_a_pronoun_is_no_number(text):
    assert [value for _, _, value in find_numbers(text)] == [None]


@pytest.mark.parametrize("text", ["the answer is one", "the number of cubes is one", "one", "just one cube"])
def test_one_is_a_number_elsewhere(text):
    assert [value for _, _, value in find_numbers(text)] == [1]


@pytest.mark.parametrize("text", ["someone", "often", "phone", "none of them", "weight", "no"])
def test_words_that_only_hold_a_number(text):
    assert not list(find_numbers(text))
