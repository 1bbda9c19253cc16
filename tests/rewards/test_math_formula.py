r"""The one formula in an answer: signs, prose, code and blocks; and what must not be read."""

import pytest
from cpu_budget import cpu_budget

from vlaa_helpers.rewards.math_formula import read_formula
from vlaa_helpers.rewards.math_signs import latex_signs
from vlaa_helpers.rewards.math_units import is_numeric, split_unit


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("3√2", r"3\sqrt{2}"),
        ("√(x+(y))", r"\sqrt{x+(y)}"),
        ("3²", "3^{2}"),
        ("x⁻¹²", "x^{-12}"),
        ("a₁", "a_{1}"),
        ("2½", r"(2+\frac{1}{2})"),
        ("⅜", r"\frac{3}{8}"),
        ("a − b·c", r"a - b\cdot c"),
        ("2π", r"2\pi "),
        ("10^-3", "10^{-3}"),
        ("x^12", "x^{12}"),
        ("2^((3)(4))", r"2^{(3) \cdot (4)}"),
        ("1e-3", r"1 \cdot 10^{-3}"),
        ("1,234,567", "1234567"),
        ("(1,234)", "(1,234)"),
        ("2 1/2", r"(2+\frac{1}{2})"),
        ("2(3)", r"2 \cdot (3)"),
        ("x>=3", r"x\ge 3"),
        ("sin x", r"\sin x"),
    ],
)
def test_signs_become_latex(text, latex):
    assert latex_signs(text) == latex


@pytest.mark.parametrize("text", ["5 ☃", "∯x", "三", "2 3", r"2\,3", r"5 \quad 6"])
def test_what_would_be_dropped_or_added_is_not_read(text):
    assert latex_signs(text) is None


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("The answer is $2x+1$.", ["2x+1"]),
        ("`2x+1`", ["2x+1"]),
        ("```latex\ny = 2x+1\n```", ["y", "2x+1"]),
        (r"\begin{align} y &= 2x+1 \end{align}", ["y", "2x+1"]),
        (r"\begin{align*} y &= x+x+1 \\ &= 2x+1 \end{align*}", ["y", "x+x+1", "2x+1"]),
        (r"Thus \boxed{2x+1}", ["2x+1"]),
        (r"4 + \boxed{5}", ["4 + (5)"]),
        (r"y = \boxed{2x+1}", ["y", "2x+1"]),
        ("The equation of the line is y = 2x + 1", ["y", "2x + 1"]),
        ("Area = 5", ["5"]),
        ("= 5", ["5"]),
        ("5 apples", ["5"]),
        (r"The value of \( x \) is \( 5 \).", ["x", "5"]),
        (r"The function's equation is \( y = 2x+1 \).", ["y", "2x+1"]),
        (r"x \;=\; 5", ["x", "5"]),
        ("{2, 3}", [r"\{2, 3\}"]),
        (r"\int_0^1 2x \, dx", [r"\int_0^{1} 2x \, dx"]),
    ],
)
def test_what_stands_round_a_formula_is_removed(text, parts):
    assert list(read_formula(text).pieces[0].parts) == parts


@pytest.mark.parametrize(
    "text",
    ["", "$", "a line", "not 5", "about 5", "more than $5$", "half of 5", "the inverse of 5", "minus -5", "5 dozen"]
    + ["$5$ and $6$", r"\boxed{5} \boxed{6}", r"\approx 5", "y ≈ 5", "y =", "5 because 2 + 3 = 5", "five", "5 squared"]
    + ["it can't be 5", "anything but 5", r"\boxed{5", "other than 5", "two plus 5"]
    + [r"\int_0^1 5", r"\int m", r"\( 5 \) or \( 6 \)"],
)
def test_what_has_no_one_formula(text):
    assert read_formula(text) is None


@pytest.mark.parametrize(
    ("text", "number", "unit"),
    [
        ("3 hours", "3", "h"),
        ("3 hrs", "3", "h"),
        ("5 km", "5", "km"),
        (r"5\,km", "5", "km"),
        ("36\\pi cm^{3}", "36\\pi", "cm^3"),
        ("36 cubic centimeters", "36", "cm^3"),
        ("5 m/s", "5", "m/s"),
        ("5 metres per second", "5", "m/s"),
        (r"30^{\circ}", "30", "degree"),
        ("2x", "2x", ""),
        ("2x m", "2x m", ""),
        ("x", "x", ""),
    ],
)
def test_units(text, number, unit):
    assert split_unit(text) == (number, unit)


def test_numbers_without_letters():
    assert is_numeric(r"\frac{3}{4}") and is_numeric("2\\pi") and not is_numeric("2x") and not is_numeric("+")


@pytest.mark.parametrize(
    "text", ["\\text{" * 80, "$" * 499, "(" * 499, "a " * 249, "\\boxed{" * 70, "`" * 499, "or " * 160]
)
def test_hostile_text_is_soon_read(text):
    with cpu_budget(2):
        read_formula(text)
