"""What an exercise is: its time and difficulty, the check of an answer, and the mistakes that the check knows."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

RIGHT, NOT_YET, NOT_BEGUN = "right", "not yet", "not begun"
DIFFICULTIES = ("easy", "medium", "hard")


@dataclass(frozen=True)
class Mistake:
    """A typical mistake.

    Attributes:
        name: short, for the tests.
        says: one plain sentence that names it to who made it.
        gives: functions that make it. An answer that gives what one of them gives has made it too. Left out where the
            check finds it in another way.
    """

    name: str
    says: str
    gives: tuple[Callable[..., Any], ...] = ()


def wrongly(function: Callable[..., Any], *hows: str) -> tuple[Callable[..., Any], ...]:
    """`function`, told to do the one thing wrongly that each of `hows` names: what a `Mistake` gives."""
    return tuple(partial(function, how=how) for how in hows)


@dataclass(frozen=True)
class Verdict:
    """What a check says: its `status`, the whole `message`, and the name of the `mistake` that it recognised."""

    status: str
    message: str
    mistake: str | None = None


@dataclass(frozen=True)
class Exercise:
    """One exercise of a chapter.

    Attributes:
        name: chapter and name, "04.normaliser".
        minutes: how long it takes, about.
        difficulty: one of `DIFFICULTIES`.
        right: what is said of a right answer; it adds something that the task did not say.
        check: tries an answer; it is given the exercise and the answer.
        mistakes: those that the check names, the more special first.
    """

    name: str
    minutes: int
    difficulty: str
    right: str
    check: Callable[["Exercise", Any], Verdict] = field(repr=False)
    mistakes: tuple[Mistake, ...] = ()

    def is_right(self) -> Verdict:
        return Verdict(RIGHT, f"Right: {self.right}")

    def not_yet(
        self, mistake: str | Mistake, *, case: str = "", seen: object = None, expected: object = None
    ) -> Verdict:
        """The verdict on a wrong answer.

        Args:
            mistake: one of this exercise's, by its name; or a sentence where none is recognised.
            case, seen, expected: what shows it, in words; without a case none of them is printed.
        """
        known = next((each for each in self.mistakes if each is mistake or each.name == mistake), None)
        lines = [f"Not yet: {known.says if known else mistake}"]
        if case:
            lines += [f"  {case}", f"  seen      {seen}", f"  expected  {expected}"]
        return Verdict(NOT_YET, "\n".join(lines), known.name if known else None)

    def not_begun(self, what: str = "the answer") -> Verdict:
        advice = "Write your code in place of the dots and run this cell again."
        return Verdict(NOT_BEGUN, f"Not begun yet: {what} gives nothing so far. {advice}")


def judge(exercise: Exercise, answer: Any) -> Verdict:
    """What the check of an exercise says of an answer; an untouched stub, None or `...`, is "not begun"."""
    return exercise.not_begun() if answer is None or answer is ... else exercise.check(exercise, answer)
