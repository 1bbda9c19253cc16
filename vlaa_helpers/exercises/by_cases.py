"""The check of a function: it is called on a few cases, and what it gives is compared with what each mistake gives."""

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .exercise import Exercise, Mistake, Verdict

DIGITS = 4
"""Significant digits of the numbers that a message shows."""


@dataclass(frozen=True)
class Case:
    """Arguments to call an answer with.

    Attributes:
        given: the arguments.
        asks: a sentence that says what this case asks for, where no known mistake explains what is seen.
        shown: the arguments in words, where they are too long to be printed.
    """

    given: tuple
    asks: str = ""
    shown: str = ""

    def call(self, function: Callable) -> str:
        """How the call reads."""
        return f"{getattr(function, '__name__', 'your function')}({self.shown or ', '.join(map(show, self.given))})"


@dataclass(frozen=True)
class Raised:
    """A call that ended in an error."""

    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}" if self.text else self.kind


@dataclass(frozen=True)
class ByCases:
    """Check a function against a right one on cases.

    Where it differs, the mistake is named that gives the same as the answer on every case that went wrong, and of
    several the one that agrees on most of the others.

    Attributes:
        solve: a right function.
        cases: arguments to call both with; or a function that gives them, where they need torch.
        tolerance: numbers this close are the same, absolutely or in parts of the larger.
        also: a last look at an answer that is right on all cases; it gives a verdict, or None.
    """

    solve: Callable[..., Any]
    cases: tuple[Case, ...] | Callable[[], tuple[Case, ...]]
    tolerance: float = 1e-3
    also: Callable[[Exercise, Callable], Verdict | None] | None = None

    def __call__(self, exercise: Exercise, answer: Any) -> Verdict:
        if not callable(answer):
            return exercise.not_yet(
                f"the check takes the function itself, without brackets after its name; it got {show(plain(answer))}."
            )
        cases = self.cases() if callable(self.cases) else self.cases
        seen = [outcome(answer, case) for case in cases]
        if all(each is None for each in seen):
            return exercise.not_begun(f"{getattr(answer, '__name__', 'your function')}(…)")
        expected = [outcome(self.solve, case) for case in cases]
        wrong = [k for k, (a, b) in enumerate(zip(seen, expected, strict=True)) if not self.same(a, b)]
        if not wrong:
            return (self.also and self.also(exercise, answer)) or exercise.is_right()
        mistake = self._explain(exercise.mistakes, cases, seen, wrong)
        place = wrong[0]
        said: str | Mistake = mistake or cases[place].asks or "it gives something else here."
        if mistake is None and isinstance(seen[place], Raised):
            said = f"it stops with {seen[place].kind}."
        elif mistake is None and self.same(_flat(seen[place]), _flat(expected[place])):
            said = "the numbers are right, their shape is not."
        told = {"case": cases[place].call(answer), "seen": show(seen[place]), "expected": show(expected[place])}
        return exercise.not_yet(said, **told)

    def _explain(
        self, mistakes: tuple[Mistake, ...], cases: tuple[Case, ...], seen: list, wrong: list[int]
    ) -> Mistake | None:
        """The mistake that gives what is seen wherever the answer is wrong, at best everywhere.

        Where several together explain all that is wrong, the one that explains the first wrong case.
        """
        agreeing = []  # (cases where it agrees, the wrong ones among them, mistake)
        for mistake in mistakes:
            for function in mistake.gives:
                same = {k for k, case in enumerate(cases) if self.same(outcome(function, case), seen[k])}
                agreeing.append((len(same), same & set(wrong), mistake))
        if set().union(*(explained for _, explained, _ in agreeing)) != set(wrong):
            return None
        found = [each for each in agreeing if each[1] == set(wrong)] or [
            each for each in agreeing if wrong[0] in each[1]
        ]
        return max(found, key=lambda each: each[0])[2]

    def same(self, a: Any, b: Any) -> bool:
        """Whether two outcomes are the same: numbers within the tolerance, errors of one kind, all else exactly."""
        if isinstance(a, list) and isinstance(b, list):
            return len(a) == len(b) and all(map(self.same, a, b))
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            return a.keys() == b.keys() and all(self.same(a[key], b[key]) for key in a)
        if isinstance(a, Raised) and isinstance(b, Raised):
            return a.kind == b.kind
        if isinstance(a, int | float) and isinstance(b, int | float):
            both_nan = math.isnan(a) and math.isnan(b)
            return both_nan or math.isclose(a, b, rel_tol=self.tolerance, abs_tol=self.tolerance)
        return type(a) is type(b) and a == b


def _flat(value: Any) -> list:
    """All that is in nested lists, in order."""
    return [each for part in value for each in _flat(part)] if isinstance(value, list) else [value]


def outcome(function: Callable, case: Case) -> Any:
    """What a function gives for a case, in plain Python; an error is an outcome too."""
    try:
        return plain(function(*copy.deepcopy(case.given)))
    except Exception as error:  # whatever the reader's code does wrong is told, not raised
        return Raised(type(error).__name__, str(error))


def plain(value: Any) -> Any:
    """Tensors, arrays and tuples as lists, a `Score` as its value, an untouched body's dots as None."""
    if value is ...:
        return None
    if hasattr(value, "detach"):
        value = value.detach()
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if hasattr(value, "reason") and hasattr(value, "value"):
        return plain(value.value)
    if isinstance(value, Mapping):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value


def show(value: Any) -> str:
    """A value as a message shows it: numbers to a few digits, everything else as Python writes it."""
    value = plain(value)
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, int | float):
        return f"{value + 0.0:.{DIGITS}g}" if isinstance(value, float) else str(value)
    if isinstance(value, list):
        return f"[{', '.join(map(show, value))}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key!r}: {show(each)}' for key, each in value.items())}}}"
    return str(value) if isinstance(value, Raised) else repr(value)
