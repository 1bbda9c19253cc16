"""Answers that hold the ground truth and are not it: none is paid. And the forms of it that are."""

import pytest
from reward_samples import said

from vlaa_helpers.rewards.mathematics import math_reward
from vlaa_helpers.rewards.polynomials import proportional

NEVER = {
    "5": [
        "5 =", "5=x^2", "5 or", "5 and", "5-", "5+", "5?", "5!", "5'", "5_x", "x_5", "#5", "5.5.5", "5 mod 7", "not5",
        r"\text{not } 5", r"\neg 5", "no: 5", r"5 \text{ or } 6", r"5\text{ is wrong}", "5 is wrong", "5?? maybe 6",
        "5th",
        r"\overline{5}", "5 to 6", "5...6", "5~6", "x=5 y=6", "(5, 6)", "5 million", "5k", "5 plus", "5 minus 1",
        "5ths",
        "5 times 2", "5 out of 10", "5 squared", "1 less than 5", "5 base 7", "5 hundredths", "5 tenths", "5 per cent",
        "multiples of 5", "divisible by 5", r"\frac{5}", "5^{}", "5^", "the opposite of $5$", "minus $5$", "-$5$",
        "$-$5",
        r"- \boxed{5}", r"\sqrt{\boxed{5}}", r"2\boxed{5}", r"\boxed{5}2", r"\boxed{5}\%", r"\boxed{5}^2",
        r"1/\boxed{5}",
        r"\boxed{5} or more", r"at least \boxed{5}", r"not \boxed{5}", "$5$%", "$5$ hundred", "$5$ or so", "$5$^2",
        "log $5$", "wrong: 5", r"x \ne 5", "x != 5", "x >= 5", "5 < 6", "-x = 5", "2x = 5", "n!=5",
        r"\operatorname{foo}5",
    ],
    "x^2": ["x2", "xx x", "2x", "x^-2", "x^2 + C", "±x^2", "x^2 or -x^2", "|x|", "x = x^2", "x^2 = 0", "f'(x)=x^2",
        "y^2"],
    "y = 2x + 1": [
        "y=2x+1=0", "2x+1=0", "y = 2x + 1, slope 2", "y' = 2x+1", "dy/dx = 2x+1", r"\ln y = 2x+1", "y! = 2x+1",
        "yy = 2x+1",
        "y_1 = 2x+1", "f^{-1}(x) = 2x+1", "(y-2x-1)^2=0", "(y-2x-1)x=0", "0(y-2x-1)=0", "y-2x-1", "y<=2x+1",
        "it is false that y=2x+1", "y = 2x + 1 is false",
        "f(t) = 2x+1", "f(y) = 2x+1", "y(y) = 2x+1", "y(t) = 2x+1", "x(x) = 2x+1",
    ],
    "f(x) = 3x": ["f(t) = 3x", "f(y) = 3x"],
    "2x": ["f(t) = 2x", "x(t) = 2x"],
    "x = 2 or x = 3": [
        "x=2", "x=2 or x=2", "x=2 or x=3 or x=4", "y=2 or y=3", "x=2 or y=3",
        "x_1 = 2", "x_1 = 2, y_2 = 3", "x_1 = 2, x_2 = -3", "x_1 = 2, x_2 = 3, x_3 = 4",
    ],
    "x_1 = 2, x_2 = 3": ["x_1 = 3, x_2 = 2"],
    "2, 3": ["{2, 4}", "x_2 = 2, x_1 = 4"],
}  # fmt: skip
PAID = {
    "5": ["=5", "+5", "(5)", "5.0", "5.", "25/5", r"\sqrt{25}", "-(-5)", "5 = 5", "f = 5", "'5'", r"\boxed{5} cm"],
    "y = 2x + 1": ["y=2x+1;", "y+y=4x+2", "g(x) = 2x + 1", "y=1+2x+0"],
    "x = 2 or x = 3": [
        "x=3 or x=2",
        "2, 3",
        "2 and 3",
        r"\{2,3\}",
        "x_1 = 2, x_2 = 3",
        "$x_1 = 3$, $x_2 = 2$",
        "x₁ = 2 and x₂ = 3",
        "The solutions are x = 2 and x = 3.",
        r"The solutions are \( x = 2 \) and \( x = 3 \).",
        r"\( x = 2 \) or \( x = 3 \)",
    ],
    "x_1 = 2, x_2 = 3": ["x_2 = 3, x_1 = 2"],
    "2, 3": ["{2, 3}", "The solutions are 2 and 3.", "x_1 = 2, x_2 = 3"],
    "f(x) = 3x": ["y = 3x", "3x"],
    "f(x) = 5": ["f(t) = 5"],
    "\\frac{1}{3}": ["0.333333", "1:3", "3^{-1}", "1÷3"],
}


@pytest.mark.parametrize(("gt", "answer"), [(gt, answer) for gt, answers in NEVER.items() for answer in answers])
def test_what_is_never_paid(gt, answer):
    assert math_reward(said(answer), gt).value == 0


@pytest.mark.parametrize(("gt", "answer"), [(gt, answer) for gt, answers in PAID.items() for answer in answers])
def test_what_is_paid(gt, answer):
    assert math_reward(said(answer), gt).value == 1


DEBATABLE = [  # docs/matchers.md says so
    ("8", r"\{8\}", 1), ("5", "[5]", 1), ("5", "5:1", 1), (r"\infty", r"2\infty", 1),
    ("y = 2x + 1", "g(x) = 2x + 1", 1), ("2x", "t = 2x", 1), ("y = 2x", r"\frac{y}{x} = 2", 0),
    (r"\frac{\pi}{3}", "60°", 0),
]  # fmt: skip


@pytest.mark.parametrize(("gt", "answer", "value"), DEBATABLE)
def test_what_can_be_argued_about(gt, answer, value):
    assert math_reward(said(answer), gt).value == value


def test_an_order_that_is_asked_for_holds():
    asked = "Find the next three terms of the sequence."
    assert math_reward(said("3, 5, 7"), "3, 5, 7", question=asked).value == 1
    assert math_reward(said("7, 5, 3"), "3, 5, 7", question=asked).value == 0
    assert math_reward(said("7, 5, 3"), "3, 5, 7", question="Solve the equation.").value == 1


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("y - 2x", "2x - y", True),
        ("y - 2x", "3y - 6x", True),
        ("y - 2x", "y + 2x", False),
        ("y - 2x", "0", False),
        ("0", "0", False),
        ("y - \\pi", "y", None),
    ],
)
def test_equations_of_polynomials(a, b, same):
    assert proportional(a, b) is same
