"""Brackets, signs of logic, the imaginary unit and what is no mathematics, as answers and as ground truths."""

import pytest
from reward_samples import said

from vlaa_helpers.rewards.math_brackets import is_interval, other_brackets
from vlaa_helpers.rewards.mathematics import check_math, math_reward


@pytest.mark.parametrize(
    ("gold", "other", "found"),
    [
        ("(1, 2)", r"\left\{1, 2\right\}", True),
        ("{1, 2}", "[1, 2]", True),
        ("3", "[3, 3]", True),
        (r"x \in (1, 2)", r"\{1, 2\}", True),
        ("[1, 2]", "(1, 2)", True),
        ("[1, 2]", "[1, 2)", False),
        (r"\{3\}", "3", False),
        ("(2)(3)", r"\{1, 2\}", False),
        ("f(1, 2)", r"\{1, 2\}", False),
    ],
)
def test_other_brackets(gold, other, found):
    assert other_brackets(gold, other) is other_brackets(other, gold) is found


def test_what_is_surely_an_interval():
    texts = ["[1, 2)", r"\left(-\infty, 2\right)", r"x \in (1, 2)", "(1, 2)", "[1]", r"\{1, \infty\}"]
    assert [is_interval(text) for text in texts] == [True, True, True, False, False, False]


@pytest.mark.parametrize(
    ("gt", "answer", "value"),
    [
        ("(1,2)", r"\{1,2\}", 0),
        (r"\{1,2\}", "(1,2)", 0),
        ("x = 3", "[3,3]", 0),
        ("3", "(3,3]", 0),
        (r"\{3\}", "3", 1),
        (r"x = \pm 3", "(3, -3)", 0),
        (r"x = \pm 3", "3, -3", 1),
        ("[1,2]", r"1 \le x \le 2", 1),
        ("[1,2]", r"1 < x \le 2", 0),
        (r"(3,\infty)", "x > 3", 1),
        (r"(3,\infty)", r"x \ge 3", 0),
        (r"p \land q", r"q \land p", 1),
        (r"p \land q", r"p \lor q", 0),
        ("1 and 2", "1 or 2", 1),
        (r"e^{i\pi}", "-1", 1),
        (r"e^{i\pi}", "1", 0),
        ("i", r"\sqrt{-1}", 1),
        ("2i", "-2i", 0),
        ("-1", "i^2", 1),
        ("5", r"x = \boxed{not}", 0),
    ],
)
def test_kinds_of_mathematics(gt, answer, value):
    assert math_reward(said(answer), gt).value == value


@pytest.mark.parametrize("gt", ["1st", "N/A", "nan", "1.000,5", "$1.000,50$"])
def test_what_is_no_mathematics(gt):
    assert "is not mathematics" in check_math(gt)


@pytest.mark.parametrize("gt", ["1,000.5", "(1.5, 2.5)", "3:4", r"\frac{N}{A}", "1000,5", "2nt"])
def test_what_is(gt):
    assert check_math(gt) is None


@pytest.mark.parametrize(
    ("question", "answer", "value"),
    [
        ("How long is AB?", "12 km", 1),
        ("How long is AB in cm?", "12 km", 0),
        ("How long is AB in cm?", "12 centimetres", 1),
        ("How many apples are there?", "12 apples", 1),
        ("How many apples are there?", "12 kg", 0),
        ("What is the speed in miles per hour?", "12 mph", 1),
        ("What is the speed in miles per hour?", "12 km/h", 0),
        ("How large is the angle in A?", "12 degrees", 1),
        ("How many degrees is x?", "12°", 1),
    ],
)
def test_a_unit_that_the_question_asks_for(question, answer, value):
    assert math_reward(said(answer), "12", question=question).value == value
