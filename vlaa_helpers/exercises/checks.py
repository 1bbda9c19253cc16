"""Check an answer to an exercise: right, or what the likely mistake is."""

from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from .exercise import Exercise


def check_exercise(name: str, *answer: Any) -> None:
    """Print whether an answer to an exercise is right, or what its mistake most likely is.

    Args:
        name: chapter and exercise, such as "06 seeds".
        answer: what the exercise asks for, a function mostly. One that raises an error is told so.

    Raises:
        ValueError: no such exercise.

    >>> check_exercise("06 seeds", lambda gap, spread: 2)
    not yet: 2 seeds are too few for 4 points ...
    """
    print(judged(name, *answer))


def judged(name: str, *answer: Any) -> str:
    """What `check_exercise` prints."""
    known = exercises()
    if name not in known:
        raise ValueError(f"no exercise {name!r}; expected one of {', '.join(known)}")
    try:
        mistake = known[name].mistake_in(*answer)
    except Exception as error:  # the reader's code may raise anything
        return f"not yet: it raises {type(error).__name__}: {error}"
    return f"not yet: {mistake}" if mistake else f"right: {known[name].right}"


@cache
def exercises() -> dict[str, Exercise]:
    """All exercises, by chapter and name."""
    chapters = sorted(Path(__file__).parent.glob("chapter_*.py"))
    found = {path.stem[-2:]: import_module(f".{path.stem}", __package__).EXERCISES for path in chapters}
    return {f"{chapter} {name}": each for chapter, those in found.items() for name, each in those.items()}
