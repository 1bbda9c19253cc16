"""Arithmetic statements: what is one, whether it holds, and the many things that only look like one."""

from fractions import Fraction

import pytest
from cpu_budget import cpu_budget
from hypothesis import given
from hypothesis import strategies as st

from vlaa_helpers.pseudo_reasoning.arithmetic import find_arithmetic

HOLD = """
5 - 2 = 3
3 + 4 is 7
3 plus 4 equals 7
8 - 3 leaves 5
12 divided by 4 gives 3
3 times 4 makes 12
2 + 2 are 4
7 = 3 + 4
3 × 4 = 12
3 x 4 = 12
3 * 4 = 12
3·4=12
12 ÷ 4 = 3
12 / 4 = 3
3 − 1 = 2
-2 + 5 = 3
5 + -2 = 3
2^3 = 8
2 * (3 + 4) = 14
2(3 + 4) = 14
0.1 + 0.2 = 0.3
1/2 + 1/4 = 3/4
10/3 = 3.33
2/3 = 0.667
17/3 ≈ 6
1,000 + 500 = 1,500
$5 + $3 = $8
40° + 50° = 90°
40 degrees + 50 degrees = 90 degrees
50% + 25% = 75%
200 * 10% = 20
\\frac{1}{2} + \\frac{1}{4} = \\frac{3}{4}
5 \\cdot 2 = 10
90^\\circ - 36^\\circ = 54^\\circ
""".strip().splitlines()
FAIL = """
5 - 2 = 4
3 + 4 is 8
70 + 50 = 150
0.1 + 0.2 = 0.4
10/3 = 3.34
17/3 = 6
5 / 0 = 0
2 * (3 + 4) = 10
40° + 50° = 80°
1/2 + 1/4 = 2/6
""".strip().splitlines()


@pytest.mark.parametrize("text", HOLD)
def test_a_statement_that_holds(text):
    (found,) = find_arithmetic(f"So, {text}. Next")
    assert found.holds and found.text == text


@pytest.mark.parametrize("text", FAIL)
def test_a_statement_that_does_not_hold(text):
    (found,) = find_arithmetic(f"So, {text}. Next")
    assert not found.holds and found.text == text


NONE = """
x + 3 = 7
2x + 3 = 7
x - 3 + 5 = 4
x -3 + 5 = 4
3 + 4 = 7x
3 + 4 = 7 x
the total - 3 + 5 = 2
f(3 + 4) = 9
sin 30 + 1 = 2
half of 6 + 4 = 7
\\sqrt{16} + 1 = 5
2^n + 1 = 9
angle 1 + 2 = 90
3 cm + 4 cm = 7 cm
5 = 5
a is 3
(0, 1) and (1, 3)
y goes from -3 to 0
Is 3 + 4 = 8?
3 + 4 is not 8
3 + 4 ≠ 8
3 + 4 = 8 is wrong
3 - 2 is 1 more than 0
3 + 4 <= 8
2020-2021 is 1 year
10:30 - 9:30 = 1
7 - = 3
5 - 6 + 3. Then
2 - 2 =02x
9^9^9 = 1
((((9^20)^20)^20)^20)^20 = 1
""".strip().splitlines()


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_statement(text):
    assert find_arithmetic(text) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1 + 2 + 1 = 4", [("1 + 2 + 1 = 4", True)]),
        ("3 + 4 = 7 = 5 + 2", [("3 + 4 = 7", True), ("7 = 5 + 2", True)]),
        ("7 - 2 = 5 - 1 = 4", [("7 - 2 = 5 - 1", False), ("5 - 1 = 4", True)]),  # a chain says that its sides are equal
        ("x = 3 + 4 = 8", [("3 + 4 = 8", False)]),
        ("x^2 = 9 - 5 = 4", [("9 - 5 = 4", True)]),
        ("110 + 50 = 160. 180 - 160 = 20.", [("110 + 50 = 160", True), ("180 - 160 = 20", True)]),
        ("(so 5 - 2 = 3)", [("5 - 2 = 3", True)]),
        ("1. 5 - 1 = 4 objects", [("5 - 1 = 4", True)]),
        ("**5 + 3 = 8**, 6 + 2 = 9, near 8", [("5 + 3 = 8", True), ("6 + 2 = 9", False)]),
        ("<think>5 - 2 = 3.</think>", [("5 - 2 = 3", True)]),
        ("", []),
    ],
)
def test_statements_in_a_text(text, found):
    assert [(each.text, each.holds) for each in find_arithmetic(text)] == found
    assert all(text[each.start : each.end] == each.text for each in find_arithmetic(text))


numbers = st.integers(-999, 999)


@given(numbers, st.sampled_from("+-*/"), numbers, st.integers(-3, 3))
def test_any_two_numbers(a, sign, b, off):
    value = {"+": a + b, "-": a - b, "*": a * b, "/": Fraction(a, b) if b else Fraction(0)}[sign] + off
    (found,) = find_arithmetic(f"({a}) {sign} ({b}) = {value}")
    assert found.holds == (off == 0 and not (sign == "/" and b == 0))


@given(
    st.one_of(
        st.text(), st.text(alphabet="0123456789 +-*/=^().,x%\\$°is"), st.lists(st.sampled_from(HOLD)).map(" ".join)
    )
)
def test_any_text_is_read(text):
    for found in find_arithmetic(text):
        assert text[found.start : found.end] == found.text and isinstance(found.holds, bool)


@pytest.mark.parametrize(
    "unit", ["1 + ", "1", "(", "1 = ", "= ", "x = 1 ", "1 is ", "9^", "1,000,", "-", " ", "\\frac{1}{", "$"]
)
def test_a_long_hostile_text_takes_linear_time(unit):
    text = unit * (400_000 // len(unit))
    for hostile in (text, text + "= 1"):
        with cpu_budget(30):  # up to 2 s where this was written
            find_arithmetic(hostile)
