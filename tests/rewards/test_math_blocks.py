"""Ground truths that Math-Verify cannot read: unions of named sets, functions by cases; and matrices, which it can."""

import pytest
from reward_samples import said

from vlaa_helpers.rewards.math_sets import set_verdict
from vlaa_helpers.rewards.mathematics import check_math, math_reward

CASES = r"\begin{cases} x & x > 0 \\ -x & x \le 0 \end{cases}"


@pytest.mark.parametrize("name", ["pmatrix", "bmatrix", "vmatrix"])
def test_matrices_load(name):
    gt = rf"\begin{{{name}}} 1 & 2 \\ 3 & 4 \end{{{name}}}"
    assert check_math(gt) is None
    assert math_reward(said(f"The answer is ${gt}$."), gt).value == 1
    assert math_reward(said(gt.replace("4", "5")), gt).value == 0


@pytest.mark.parametrize("gt", [CASES, f"f(x) = {CASES}", r"\begin{cases} x + y = 3 \\ x - y = 1 \end{cases}"])
def test_cases_load(gt):
    assert check_math(gt) is None
    assert math_reward(said(gt), gt).value == 1


def test_a_broken_case_is_refused():
    assert "is not mathematics" in check_math(r"\begin{cases} nothing here & x > 0 \end{cases}")


@pytest.mark.parametrize(
    "answer",
    ["x", "-x, x", CASES.replace("-x", "2x"), CASES.replace(r"\le", "<"), CASES + " or 5", "2" + CASES, "-" + CASES],
)
def test_other_cases(answer):
    assert math_reward(said(answer), CASES).value == 0


@pytest.mark.parametrize(
    ("gold", "answer", "verdict"),
    [
        (r"A \cup B", r"B \cup A", "same"),
        (r"A \cup (B \cap C)", r"(A \cup B) \cap (A \cup C)", "same"),
        (r"A \cup B", r"A \cap B", "different"),
        (r"A \setminus B", r"B \setminus A", "different"),
        (r"A \cup B", r"A \cup B \cup C", "different"),
        (r"\overline{A \cup B}", r"A' \cap B'", "same"),
        (r"A^c \cap B", r"B \setminus A", "same"),
        (r"A \cup B", "A + B", "unreadable"),
        (r"A \cup B", r"A \cup", "unreadable"),
        (r"A \cup B", r"(A \cup B", "unreadable"),
        (r"A \cup B \cap C", "A", None),  # which sign goes first is not said
        (r"(1, 2) \cup (3, 4)", "(1, 2)", None),
    ],
)
def test_named_sets(gold, answer, verdict):
    assert set_verdict(gold, answer) == verdict


def test_named_sets_load():
    assert check_math(r"A \cup B") is None
    assert math_reward(said("$B ∪ A$"), r"A \cup B").value == 1
    assert math_reward(said("5"), r"A \cup B").value == 0
