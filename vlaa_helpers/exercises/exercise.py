"""What an exercise is."""

from collections.abc import Callable
from dataclasses import dataclass

LEVELS = ("easy", "middle", "hard")


@dataclass(frozen=True)
class Exercise:
    """An exercise of a chapter.

    Attributes:
        minutes: how long it takes.
        level: one of `LEVELS`.
        mistake_in: what is wrong with an answer, in words that help, or "" where nothing is.
        right: what is said of a right answer.
    """

    minutes: int
    level: str
    mistake_in: Callable[..., str]
    right: str
