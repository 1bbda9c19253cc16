"""A process that only compares mathematics, so that one which takes too long can be ended: see `math_compare`.

Reads lines of JSON [kind, gold, said, seconds] and answers each with "same", "different", "unreadable", "bad_gold" or
"too_long", a blank and the seconds of processor time that it took. It is run as a file, imports nothing of the package,
and may use no more than `MEMORY` bytes. What Math-Verify calls the same is looked at again: at random points, to 50
digits.
"""

import json
import logging
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from random import Random

MEMORY = 2 * 2**30
DIGITS = 50
ROUNDED = 1e-5
"""How far two values may lie apart, relative to them, where one is a decimal: 0.333333 is 1/3."""
_CLOSE = 1e-30
_POINTS = 6


class TooLong(BaseException):
    """Not an Exception: Math-Verify and SymPy catch those and go on."""


@contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """Raises `TooLong` in it after four fifths of so many seconds of processor time, again shortly after if caught.

    After all of them the system ends the process, whatever it does. Needs Unix.
    """
    if not hasattr(signal, "setitimer"):
        yield
        return
    signal.signal(signal.SIGVTALRM, _ring)
    signal.setitimer(signal.ITIMER_VIRTUAL, 0.8 * seconds, 0.05)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)  # which is to end the process
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.setitimer(signal.ITIMER_PROF, 0)


def _ring(*_: object) -> None:
    raise TooLong


@lru_cache(maxsize=4096)
def read(text: str) -> tuple:
    """What Math-Verify reads in LaTeX without guessing: no unit removed, no number taken from what it cannot read."""
    import math_verify
    from latex2sympy2_extended import NormalizationConfig

    normalization = NormalizationConfig(
        basic_latex=True, units=False, malformed_operators=True, nits=True, boxed="none", equations=False
    )
    latex = math_verify.LatexExtractionConfig(normalization_config=normalization, boxed_match_priority=-1)
    try:
        return tuple(
            math_verify.parse(f"${text}$", parsing_timeout=None, extraction_config=[latex], fallback_mode="no_fallback")
        )
    except Exception:  # SymPy raises nearly anything on odd input
        return ()


def same_expression(gold: str, said: str) -> bool:
    """Whether values at random points agree, and are there at all of them or Math-Verify says the same.

    The points are asked first: they are much faster where two expressions differ.
    """
    import math_verify

    a, b = read(gold)[0], read(said)[0]
    try:
        if identical(a, b):
            return True
        return agree(a, b) and math_verify.verify(list(read(gold)), list(read(said)), timeout_seconds=None)
    except Exception:
        return False


def identical(a: object, b: object) -> bool:
    """Whether two expressions with the same variables have the same values at every point, or none: x and 2x/2.

    A value must be there at half of the points (a^x has none for a negative a).
    i is the imaginary unit, which Math-Verify reads as a variable: e^{i\\pi} is -1.
    """
    from sympy import Expr, I

    if not isinstance(a, Expr) or not isinstance(b, Expr):
        return False
    units = {name: I for name in a.free_symbols | b.free_symbols if str(name) == "i"}
    is_complex = bool(units) or a.has(I) or b.has(I)
    a, b = a.subs(units), b.subs(units)
    if a.free_symbols != b.free_symbols or not (a.free_symbols or is_complex):
        return False
    if a.has(_symbolic()) or b.has(_symbolic()) or _has_decimal(a) or _has_decimal(b):
        return False
    places, values = points(a, b), 0
    for point in places:
        x, y = value(a, point, is_complex), value(b, point, is_complex)
        if (x is None) != (y is None) or (x is not None and abs(x - y) > _CLOSE * max(abs(x), abs(y))):
            return False
        values += x is not None
    return 2 * values >= len(places)


def agree(a: object, b: object) -> bool:
    """False when values of two expressions differ at a random point; True also where there are none to compare."""
    from sympy import Expr, FiniteSet, Interval, Tuple
    from sympy.core.relational import Relational

    if (isinstance(a, Interval) and isinstance(b, Interval)) or (isinstance(a, Relational) and type(a) is type(b)):
        return all(agree(x, y) for x, y in zip(a.args, b.args, strict=True))
    if isinstance(a, (FiniteSet, Tuple)) and isinstance(b, (FiniteSet, Tuple)):
        return all(any(agree(x, y) for y in b.args) for x in a.args)
    if not isinstance(a, Expr) or not isinstance(b, Expr):
        return True
    if a.has(_symbolic()) or b.has(_symbolic()):
        return True
    near = ROUNDED if _has_decimal(a) or _has_decimal(b) else _CLOSE
    for point in points(a, b):
        x, y = value(a, point), value(b, point)
        if x is not None and y is not None and abs(x - y) > near * max(abs(x), abs(y)):
            return False
    return True


def proportional(gold: str, said: str, *, positive: bool = False) -> bool:
    """Whether two expressions, neither of them zero, have one ratio at all points where both have a value.

    A `positive` one keeps the direction of an inequality.
    """
    a, b = read(gold)[0], read(said)[0]
    near, ratios = ROUNDED if _has_decimal(a) or _has_decimal(b) else _CLOSE, []
    for point in points(a, b):
        x, y = value(a, point), value(b, point)
        if x is not None and y is not None and abs(y) > _CLOSE and abs(x) > _CLOSE:
            ratios.append(x / y)
    if len(ratios) < 2 or (positive and ratios[0] < 0):
        return False
    return all(abs(ratio - ratios[0]) <= near * abs(ratios[0]) for ratio in ratios)


def points(a: object, b: object) -> list[dict]:
    """Random values between -3 and 3 for the variables, always the same ones, so that a verdict does not change.

    Where one expression may be another one far away, such as max(x, -30), also values up to 10,000.
    """
    from sympy import Abs, Max, Min, Mod, Piecewise, Rational, ceiling, floor

    symbols = sorted(a.free_symbols | b.free_symbols, key=str)
    bounds = [(-3, 3)] * _POINTS
    if any(expression.has(Max, Min, Abs, Mod, Piecewise, floor, ceiling) for expression in (a, b)):
        bounds += [(-100, -50), (50, 100), (-10_000, -5000), (5000, 10_000)]
    return [
        {symbol: Rational(Random(f"{symbol}{k}").randint(low * 10**6, high * 10**6), 10**6) for symbol in symbols}
        for k, (low, high) in enumerate(bounds)
    ]


def value(expression: object, point: dict, is_complex: bool = False) -> object:
    """A real number to `DIGITS` digits, or None; with `is_complex` any number."""
    from sympy import Derivative, Limit
    from sympy.concrete.expr_with_limits import ExprWithLimits

    try:
        number = expression.evalf(DIGITS, subs=point)  # subs alone looks for roots of negative rationals, for seconds
        if not number.is_number and expression.has(ExprWithLimits, Limit, Derivative):
            number = expression.subs(point).doit().evalf(DIGITS)
        return number if number.is_number and number.is_finite and (is_complex or number.is_real) else None
    except Exception:
        return None


def _has_decimal(expression: object) -> bool:
    from sympy import Float

    return expression.has(Float)


def _symbolic() -> type:
    from sympy.core.function import AppliedUndef

    return AppliedUndef


def compare(kind: str, gold: str, said: str) -> str:
    if not read(gold):
        return "bad_gold"
    if kind == "readable":
        same_expression(gold, gold)  # what takes too long here would do so for each answer
        return "same"
    if not read(said):
        return "unreadable"
    try:
        if kind == "expression":
            same = same_expression(gold, said)
        else:
            same = proportional(gold, said, positive=kind == "inequality")
    except Exception:
        same = False
    return "same" if same else "different"


def main() -> None:
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    except (ImportError, ValueError, OSError):  # Windows, or a lower limit already
        pass
    import math_verify  # noqa: F401

    logging.getLogger("math_verify").setLevel(logging.CRITICAL)  # it warns that no timeout is set: that is on purpose
    read("1")
    print("ready", flush=True)
    for line in sys.stdin:
        kind, gold, said, seconds = json.loads(line)
        start = time.process_time()
        try:
            with alarm(seconds):
                verdict = compare(kind, gold, said)
        except TooLong:
            verdict = "too_long"
        except (MemoryError, RecursionError):
            verdict = "unreadable"
        print(f"{verdict} {time.process_time() - start:.6f}", flush=True)


if __name__ == "__main__":
    main()
