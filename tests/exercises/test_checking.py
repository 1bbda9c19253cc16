"""`check_exercise` and the check by cases: what they say of right, wrong, broken and missing answers."""

import numpy as np
import pytest

from vlaa_helpers import Reason, Score, check_exercise
from vlaa_helpers.exercises.by_cases import ByCases, Case, show
from vlaa_helpers.exercises.checking import chapters, exercises_of, find_exercise
from vlaa_helpers.exercises.exercise import Exercise, Mistake, judge


def double(numbers):
    return [2 * number for number in numbers]


DOUBLE = Exercise(
    name="99.double",
    minutes=5,
    difficulty="easy",
    right="done.",
    check=ByCases(
        double,
        (Case(([1.0, 2.0],), "each is doubled."), Case(([],), "nothing is nothing."), Case(([-1.0],), "signs stay.")),
    ),
    mistakes=(
        Mistake("square", "it squares.", (lambda numbers: [number**2 for number in numbers],)),
        Mistake("absolute", "it drops the sign.", (lambda numbers: [abs(2 * number) for number in numbers],)),
        Mistake("divides", "it divides by nothing.", (lambda numbers: [number / 0 for number in numbers],)),
    ),
)


def said_of(answer):
    return judge(DOUBLE, answer)


def test_right_answers_may_be_lists_tuples_and_arrays():
    assert said_of(double).message == "Right: done."
    assert said_of(lambda numbers: tuple(2 * n for n in numbers)).status == "right"
    assert said_of(lambda numbers: 2 * np.array(numbers)).status == "right"


def test_a_score_counts_by_its_value(capsys):
    def strict(response, gt):
        score = find_exercise("00.strict_reward").check.solve(response, gt)
        return Score(score, Reason.CORRECT if score else Reason.WRONG)

    check_exercise("00.strict_reward", strict)
    assert capsys.readouterr().out.startswith("Right: ")


def test_a_mistake_is_named_with_the_case_that_shows_it():
    def squares(numbers):
        return [number * number for number in numbers]

    verdict = said_of(squares)
    assert verdict.mistake == "square"
    assert verdict.message.splitlines() == [
        "Not yet: it squares.",
        "  squares([1, 2])",
        "  seen      [1, 4]",
        "  expected  [2, 4]",
    ]


def test_right_numbers_in_another_shape_are_called_that():
    assert said_of(lambda numbers: [[2 * number for number in numbers]]).message.startswith(
        "Not yet: the numbers are right, their shape is not.\n"
    )


def test_a_mistake_is_named_only_where_it_explains_all_that_is_wrong():
    verdict = said_of(lambda numbers: [abs(2 * number) if number < 0 else 3 * number for number in numbers])
    assert verdict.mistake is None
    assert verdict.message.startswith("Not yet: each is doubled.\n")


def test_of_two_mistakes_the_first_one_that_shows_is_named():
    verdict = said_of(lambda numbers: [abs(number * number if number > 0 else 2 * number) for number in numbers])
    assert verdict.mistake == "square"


def test_an_error_is_told_and_recognised():
    assert said_of(lambda numbers: [number / 0.0 for number in numbers]).mistake == "divides"
    verdict = said_of(lambda numbers: numbers["a"])
    assert verdict.message.startswith("Not yet: it stops with TypeError.\n")
    assert "list indices must be integers" in verdict.message
    verdict = said_of(lambda: 3)
    assert "TypeError" in verdict.message and "positional argument" in verdict.message


@pytest.mark.parametrize("answer", [None, ..., lambda numbers: None, lambda numbers: ...])
def test_what_gives_nothing_is_not_begun(answer):
    verdict = said_of(answer)
    assert verdict.status == "not begun" and verdict.message.startswith("Not begun yet: ")


def test_what_gives_something_somewhere_is_begun():
    assert said_of(lambda numbers: None if numbers else []).status == "not yet"


def test_a_result_in_the_place_of_the_function_is_told():
    assert said_of([2.0, 4.0]).message == (
        "Not yet: the check takes the function itself, without brackets after its name; it got [2, 4]."
    )


def test_an_answer_cannot_change_the_cases():
    def eats(numbers):
        doubled = double(numbers)
        numbers.clear()
        return doubled

    assert said_of(eats).status == "right" and said_of(eats).status == "right"


def test_true_is_not_text_and_nan_is_nan():
    check = ByCases(double, ())
    assert check.same(float("nan"), float("nan")) and not check.same(float("nan"), 0.0)
    assert not check.same("3", 3) and not check.same([1], [1, 2]) and not check.same(None, False)
    assert check.same(True, 1.0) and check.same({"a": [1.0]}, {"a": [1.00001]})


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (-0.0, "0"),
        (0.86591, "0.8659"),
        ([1.0, None, True], "[1, None, True]"),
        ("a", "'a'"),
        ({"k": 2.5}, "{'k': 2.5}"),
    ],
)
def test_values_are_shown_short(value, shown):
    assert show(value) == shown


def test_an_unknown_name_is_told_the_known_ones():
    with pytest.raises(ValueError, match=r"no exercise '00.advantage'; chapter 00 has .* Did you mean 00.advantages\?"):
        check_exercise("00.advantage", double)
    with pytest.raises(ValueError, match="chapter 'normaliser' has none. Chapters with exercises: 00, 01"):
        check_exercise("normaliser", double)


def test_every_message_is_one_plain_sentence_or_two():
    for chapter in chapters():
        for exercise in exercises_of(chapter):
            for text in (exercise.right, *(mistake.says for mistake in exercise.mistakes)):
                assert text.endswith((".", "?")) and not text[0].isupper(), (exercise.name, text)
                assert len(text.split()) <= 30, (exercise.name, text)
            assert len(exercise.mistakes) >= 3, exercise.name
