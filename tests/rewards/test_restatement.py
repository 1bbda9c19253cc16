"""Words that say again what a question asks for, in whole phrases and with their links."""

import pytest

from vlaa_helpers.rewards.phrases import phrases_of
from vlaa_helpers.rewards.restatement import MAX_PHRASES, asked_phrases, asking_sentence, restates

CAR = "What is the colour of the car to the left of the tree?"
GIRL = "the girl who is not wearing a red hat"
EITHER = "How many objects are either red cubes or metal spheres?"


@pytest.mark.parametrize(
    ("asked", "again", "other"),
    [
        (
            CAR,
            ["The car", "The color of the car", "The car left of the tree", "the car's colour", "the car by the tree"],
            [
                "The tree",
                "The colour of the tree",
                "The car right of the tree",
                "The left tree",
                "the car and the tree",
            ],
        ),
        (GIRL, ["the girl", "girl without a hat"], ["the hat", "the girl wearing a red hat", "the girl not in a hat"]),
        (
            EITHER,
            ["objects", "objects that are either red cubes or metal spheres"],
            ["red cubes", "metal spheres", "objects that are red cubes"],
        ),
        ("How many red or blue cubes are there?", ["cubes"], ["red cubes", "red"]),
        ("How many more red cubes than blue cubes are there?", ["more", "more red cubes"], ["red cubes", "more blue"]),
        (
            "Which country had the lowest GDP in 2015?",
            ["had the lowest GDP", "in 2015"],
            ["in 2016", "the highest GDP"],
        ),
        ("How many days are between Monday and Friday?", ["between Monday and Friday"], ["between Monday", "Friday"]),
        ("", [""], ["the car"]),
    ],
)
def test_phrases_that_are_said_again(asked, again, other):
    said = {words: restates(phrases_of(words), asked_phrases(asked)) for words in again + other}
    assert said == dict.fromkeys(again, True) | dict.fromkeys(other, False)


def test_the_first_phrase_alone_and_a_part():
    asked = asked_phrases("the helmet of the tall cyclist")
    assert restates(phrases_of("the cyclist"), asked)
    assert not restates(phrases_of("the cyclist"), asked, first_alone=True)
    assert restates(phrases_of("the cyclist's helmet"), asked, first_alone=True)
    sales = asked_phrases("In which year were sales highest?")
    assert restates(phrases_of("sales"), sales, in_part=True) and not restates(phrases_of("sales"), sales)


def test_a_long_text_says_nothing_again():
    assert not restates(phrases_of("the car, " * (MAX_PHRASES + 1)), asked_phrases(CAR))


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("A car stands here. What is it? Answer with a letter.", "What is it?"),
        ("AB = 3. Find the value of x. Choices:", "Find the value of x."),
        ("The highest bar", "The highest bar"),
        ("", ""),
    ],
)
def test_the_sentence_that_asks(question, sentence):
    assert asking_sentence(question) == sentence
