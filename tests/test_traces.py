import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlaa_helpers.traces import AHA_KEYWORDS, aha_words


@pytest.mark.parametrize("word", AHA_KEYWORDS)
def test_each_keyword_is_found_in_any_case(word):
    assert word in aha_words(f"So, {word.upper()}.")
    assert word in aha_words(f"So, {word.upper()}.", whole_words=True)


@pytest.mark.parametrize(
    ("text", "substring", "whole"),
    [
        ("It stands against the wall.", ["again"], []),
        ("The waiter is waiting.", ["wait"], []),
        ("A checkered floor; checking it.", ["check"], []),
        ("I double-checked.", ["double-check", "check"], []),
        ("Let me double-check.", ["double-check", "check"], ["double-check"]),
        ("Hmm, wait again.", ["wait", "again", "hmm"], ["wait", "again", "hmm"]),
        ("Two mistakes.", ["mistake"], []),
        ("A calm look.", [], []),
        ("", [], []),
    ],
)
def test_substring_and_whole_word_readings(text, substring, whole):
    assert aha_words(text) == substring
    assert aha_words(text, whole_words=True) == whole


@given(st.text())
def test_whole_words_are_among_the_substrings(text):
    assert set(aha_words(text, whole_words=True)) <= set(aha_words(text))
