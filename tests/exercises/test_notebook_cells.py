"""Each exercise as its notebook has it: the stub runs untouched and says so, and the folded solution is right.

Stub and solution are read out of the notebook's cells, so what a reader sees is what is run here.
"""

import re

import pytest
from exercise_cells import exercises_in

from vlaa_helpers.exercises.checking import chapters, exercises_of, find_exercise
from vlaa_helpers.exercises.exercise import DIFFICULTIES

NAMES = [exercise.name for chapter in chapters() for exercise in exercises_of(chapter)]
TRAINS = {"04.leaky_reward"}
QUICK = [name for name in NAMES if name not in TRAINS]


def cells_of(name):
    return next(cells for cells in exercises_in(name[:2]) if cells.name == name)


@pytest.mark.parametrize("chapter", chapters())
def test_a_chapter_has_the_exercises_that_its_notebook_shows(chapter):
    names = [exercise.name for exercise in exercises_of(chapter)]
    assert [cells.name for cells in exercises_in(chapter)] == names
    assert len(names) >= 3 and len(set(names)) == len(names)
    assert all(re.fullmatch(rf"{chapter}\.[a-z_]+", name) for name in names)


@pytest.mark.parametrize("name", NAMES)
def test_time_and_difficulty_stand_in_the_task(name):
    exercise = find_exercise(name)
    number = [cells.name for cells in exercises_in(name[:2])].index(name) + 1
    told = rf"\*\*{number}\. [^*]+\*\* \({exercise.minutes} minutes, {exercise.difficulty}\) "
    assert re.match(told, cells_of(name).task), cells_of(name).task[:80]
    assert exercise.difficulty in DIFFICULTIES


@pytest.mark.parametrize("name", NAMES)
def test_an_untouched_stub_runs_alone_and_is_told_to_begin(name, capsys):
    cells = cells_of(name)
    exec(cells.stub, {"__name__": "__main__"})
    said = capsys.readouterr().out
    assert said.splitlines()[-1].startswith("Not begun yet: ")
    assert said.endswith("Write your code in place of the dots and run this cell again.\n")
    assert cells.shown == said, "the stored output is another one"


def check_solution(name, capsys):
    cells, space = cells_of(name), {"__name__": "__main__"}
    assert cells.hint and cells.hint not in cells.solution
    exec(cells.stub, space)
    capsys.readouterr()
    exec(cells.solution, space)
    capsys.readouterr()
    exec(cells.check, space)
    return capsys.readouterr().out


@pytest.mark.parametrize("name", QUICK)
def test_the_solution_is_right(name, capsys):
    assert check_solution(name, capsys).startswith("Right: ")


@pytest.mark.slow
@pytest.mark.timeout(900)  # two runs of 24 steps: a minute and a half by themselves, more beside other tests
@pytest.mark.parametrize("name", sorted(TRAINS))
def test_the_solution_that_trains_is_right(name, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert check_solution(name, capsys).startswith("Right: ")


@pytest.mark.parametrize("name", NAMES)
def test_lines_fit_a_page(name):
    cells = cells_of(name)
    long = [line for line in f"{cells.stub}\n{cells.solution}".splitlines() if len(line) > 88]
    assert not long and len(cells.stub.splitlines()) <= 25 and len(cells.task.split()) <= 120
