"""Where the planted mistakes of a chapter are gathered."""

from collections.abc import Callable
from typing import Any

Planted = dict[tuple[str, str], Any]


def planter(planted: Planted) -> Callable[[str, str], Callable]:
    """A decorator `plant(exercise, mistake)` that keeps a function in `planted`."""

    def plant(exercise: str, mistake: str) -> Callable:
        def keep(answer: Callable) -> Callable:
            planted[exercise, mistake] = answer
            return answer

        return keep

    return plant
