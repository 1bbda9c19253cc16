"""Words that may stand beside an answer: the neutral ones and the question's, never those that change a number."""

import pytest

from vlaa_helpers.rewards.neutral_words import change_nothing, question_words, words_of


@pytest.mark.parametrize("word", ["dog", "dogs", "box", "boxes", "shelf"])
def test_a_question_s_words_in_singular_and_plural(word):
    assert word in question_words("How many dogs and boxes are on the shelf?")


@pytest.mark.parametrize("word", ["not", "more", "than", "half", "or", "minus", "short"])
def test_words_that_change_a_number_are_not_taken_from_a_question(word):
    assert word not in question_words("Are not half or more short than minus one?")


def test_a_question_s_words_do_not_hedge_together():
    question = "At least how many dogs are there?"
    assert change_nothing(["dogs", "least"], "3 dogs, the least", frozenset({"the"}), question)
    assert not change_nothing(["at", "least"], "at least 3", frozenset(), question)


def test_words():
    assert words_of("It’s 3 Äpfel, isn't it?") == ["it's", "äpfel", "isn't", "it"]
    assert change_nothing(["the", "dogs"], "the 3 dogs", frozenset({"the"}), "How many dogs?")
    assert not change_nothing(["cats"], "3 cats", frozenset({"the"}), "How many dogs?")
