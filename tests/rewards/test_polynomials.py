from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlaa_helpers.rewards.math_compare import by_math_verify
from vlaa_helpers.rewards.polynomials import same_polynomial


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("2x + 1", "1+2x", True),
        ("2x + 1", "2x - 1", False),
        ("(x + 1)^2", "x^2 + 2x + 1", True),
        ("-x^2", "(-x)^2", False),
        ("x ^2 y", "y x^2", True),
        ("3(x - 2)(x + 2)", "3x^2 - 12", True),
        ("12", "21", False),
        ("7", "7", True),
    ],
)
def test_plain_ones(a, b, same):
    assert same_polynomial(a, b) is same


@pytest.mark.parametrize(
    "odd",
    [
        "", " ", "x = 1", "f(x)", "xy", "sin x", "0.5", "1/2", "x^12", "x^{2}", "2^3^2", "x2", "1 000", "x - -1", "x*",
        ")x(", "e", "i", "X", "\\pi", "x^2(3)", "(", "()", "05", "٣", "x\n+1", "(" * 150 + "x" + ")" * 150,
        "1+" * 120 + "1",
    ],
)  # fmt: skip
def test_what_is_not_plain_is_left_to_others(odd):
    assert same_polynomial("x", odd) is None
    assert same_polynomial(odd, "x") is None


def written(rng: Random, depth: int = 2) -> str:
    """A random polynomial as a person may write it."""
    if depth == 0:
        term = f"{rng.randint(2, 9)}{rng.choice('xy')}"
        return rng.choice((str(rng.randint(0, 12)), rng.choice("xyk"), term, "x^2"))
    a, b = written(rng, depth - 1), written(rng, depth - 1)
    return rng.choice(
        (f"{a} + {b}", f"{a} - {b}", f"{a}+{b}", f"({a})({b})", f"({a})*({b})", f"-({a})", f"{a} - ({b})")
    )


def test_it_agrees_with_math_verify_wherever_it_decides():
    rng, decided, equal = Random(4), 0, 0
    for _ in range(150):
        a = written(rng)
        b = rng.choice((written(rng), f"({a}) + 0", f"x - x + {a}", f"1({a})", f"{a} + 1"))
        mine = same_polynomial(a, b)
        if mine is not None:
            decided, equal = decided + 1, equal + mine
            assert by_math_verify(a, b) == ("same" if mine else "different"), (a, b)
    assert decided > 100 and 30 < equal < decided - 30


@given(st.text(alphabet="xy2 +-*()^9", max_size=40))
def test_it_never_raises(text):
    same_polynomial(text, "x")
