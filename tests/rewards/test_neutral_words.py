"""Words that may stand beside an answer: the neutral ones and the question's, never those that change a number."""

import pytest

from vlaa_helpers.rewards.neutral_words import question_words, words_of


@pytest.mark.parametrize("word", ["dog", "dogs", "box", "boxes", "shelf"])
def test_a_question_s_words_in_singular_and_plural(word):
    assert word in question_words("How many dogs and boxes are on the shelf?")


@pytest.mark.parametrize("word", ["not", "more", "than", "half", "or", "minus", "short"])
def test_words_that_change_a_number_are_not_taken_from_a_question(word):
    assert word not in question_words("Are not half or more short than minus one?")


def test_words():
    assert words_of("It’s 3 Äpfel, isn't it?") == ["it's", "äpfel", "isn't", "it"]
