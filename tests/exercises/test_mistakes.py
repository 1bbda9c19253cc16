"""Each typical mistake, planted once more as a learner would write it, is named by its own message."""

import importlib

import pytest

from vlaa_helpers.exercises.by_cases import ByCases, outcome
from vlaa_helpers.exercises.checking import chapters, exercises_of, find_exercise
from vlaa_helpers.exercises.exercise import judge

PLANTED = {key: answer for n in chapters() for key, answer in importlib.import_module(f"planted_{n}").PLANTED.items()}
KNOWN = [
    (exercise, mistake) for chapter in chapters() for exercise in exercises_of(chapter) for mistake in exercise.mistakes
]


def test_every_mistake_is_planted_and_no_other():
    assert set(PLANTED) == {(exercise.name, mistake.name) for exercise, mistake in KNOWN}
    for chapter in chapters():
        for exercise in exercises_of(chapter):
            assert len({mistake.says for mistake in exercise.mistakes}) == len(exercise.mistakes), exercise.name


@pytest.mark.parametrize(("exercise", "mistake"), PLANTED, ids=".".join)
def test_a_planted_mistake_is_named(exercise, mistake):
    verdict = judge(find_exercise(exercise), PLANTED[exercise, mistake])
    (says,) = (each.says for each in find_exercise(exercise).mistakes if each.name == mistake)
    assert (verdict.status, verdict.mistake) == ("not yet", mistake), verdict.message
    first, case, seen, expected = verdict.message.splitlines()
    assert first == f"Not yet: {says}"
    assert case.startswith("  ") and seen.startswith("  seen      ") and expected.startswith("  expected  ")
    assert seen.split()[1:] != expected.split()[1:]


@pytest.mark.parametrize(
    ("exercise", "mistake"), [(e, m) for e, m in KNOWN if m.gives], ids=lambda each: getattr(each, "name", "")
)
def test_what_gives_a_mistake_is_taken_for_it(exercise, mistake):
    for function in mistake.gives:
        assert judge(exercise, function).mistake == mistake.name


CASES = [exercise for n in chapters() for exercise in exercises_of(n) if isinstance(exercise.check, ByCases)]


@pytest.mark.parametrize("exercise", CASES, ids=lambda exercise: exercise.name)
def test_no_case_is_idle(exercise):
    """Each case has something to say, and what is right there is no error."""
    cases = exercise.check.cases() if callable(exercise.check.cases) else exercise.check.cases
    assert judge(exercise, exercise.check.solve).status == "right"
    for case in cases:
        assert case.asks.endswith("."), case
        assert "Raised" not in type(outcome(exercise.check.solve, case)).__name__
