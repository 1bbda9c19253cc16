"""Find an exercise by its name and say what its check says."""

import pkgutil
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any

from .exercise import Exercise, judge

PREFIX = "chapter_"


def chapters() -> list[str]:
    """The numbers of the chapters that have exercises here, "00" first: one for each file `chapter_NN.py`."""
    names = (module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]))
    return sorted(name.removeprefix(PREFIX) for name in names if name.startswith(PREFIX))


def exercises_of(chapter: str) -> tuple[Exercise, ...]:
    """The exercises of a chapter, in the order of its notebook."""
    return import_module(f".{PREFIX}{chapter}", __package__).EXERCISES


def find_exercise(name: str) -> Exercise:
    """The exercise of that name, "04.normaliser".

    Raises:
        ValueError: there is none; says which there are.
    """
    chapter = name.partition(".")[0]
    known = chapters()
    if chapter not in known:
        raise ValueError(
            f"no exercise {name!r}: chapter {chapter!r} has none. Chapters with exercises: {', '.join(known)}"
        )
    offered = {exercise.name: exercise for exercise in exercises_of(chapter)}
    if name not in offered:
        near = get_close_matches(name, offered, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise ValueError(f"no exercise {name!r}; chapter {chapter} has {', '.join(offered)}.{hint}")
    return offered[name]


def check_exercise(name: str, answer: Any) -> None:
    """Print whether an answer to an exercise is right; if it is not, the likely mistake and the case that shows it.

    Args:
        name: chapter and name, as the exercise gives it: "00.advantages".
        answer: what the exercise asks for: a function, handed over without calling it, or a value.

    Raises:
        ValueError: no such exercise.

    >>> check_exercise("00.advantages", lambda rewards: None)
    Not begun yet: <lambda>(…) gives nothing so far. Write your code in place of the dots and run this cell again.
    """
    print(judge(find_exercise(name), answer).message)
