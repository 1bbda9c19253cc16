"""Ground truths in plain text: read as what they mean, or refused at loading."""

import pytest

from vlaa_helpers.rewards.mathematics import check_math, math_reward


@pytest.mark.parametrize(
    ("gt", "right", "wrong"),
    [
        ("log2(8)", "3", r"\log(16)"),
        ("y = 3*log10(x) + 1", r"y = 3\log_{10}(x) + 1", r"y = 3\log(10x) + 1"),
        ("x1 + x2", "x_2 + x_1", "3x"),
        ("x1 = 2, x2 = 5", "x_{1} = 2, x_{2} = 5", "x_1 = 5, x_2 = 2"),
        ("max(2, 3)", "3", "2"),
        ("min(2,3)", "2", "3"),
        ("gcd(4,6)", "2", "24"),
        ("3 x 10^5", "300000", r"3x \cdot 10^5"),
        ("abs(3*x+2)", "|3x + 2|", "3x + 2"),
        ("floor(2*x)", r"\lfloor 2x \rfloor", "2x"),
        ("y = sinx", r"y = \sin(x)", r"y = \cos x"),
        ("y = 2sinxcosx", r"y = 2\sin x \cos x", r"y = 2\sin x"),
        ("y = lnx", r"\ln x", r"\ln(2x)"),
        ("theta = 30", r"\theta = 30", r"\alpha = 30"),
        ("alpha + beta", r"\beta + \alpha", r"\beta - \alpha"),
    ],
)
def test_plain_text_is_read_as_what_it_means(gt, right, wrong):
    assert check_math(gt) is None
    assert math_reward(f"<answer>{right}</answer>", gt).value == 1
    assert math_reward(f"<answer>{wrong}</answer>", gt).value == 0


@pytest.mark.parametrize(
    ("gt", "kind"),
    [
        ("10 x 20", "sizes"),
        (r"4 \times 4 matrix", "sizes"),
        ("H2O", "chemistry"),
        ("CO2", "chemistry"),
        ("Q1", "a label"),
        ("2024-01-05", "a date"),
        ("3/4/2021", "a date"),
        ("5-7", "a range"),
        ("3-4-5", "a range"),
        ("5C2", "combinations"),
        ("C(5, 2)", "combinations"),
        ("5 pm", "a time"),
        ("9:45", "a time"),
        ("IV", "a Roman number"),
        ("NW", "a direction"),
        ("Figure 3", "a figure"),
        ("1.2.3", "version"),
        ("1990s", "a decade"),
        ("5'6\"", "feet"),
        ("max", "a function"),
        ("lim", "a function"),
    ],
)
def test_what_means_something_else_is_refused_at_loading(gt, kind):
    assert kind in check_math(gt) and "verifier_type" in check_math(gt)


@pytest.mark.parametrize("gt", ["3:4", "5 - 7", "3/4", "2 - x", "AB", "x_1", "10", "4.5", r"10 \times 20", "m", "I"])
def test_mathematics_that_looks_a_little_alike_is_not(gt):
    assert check_math(gt) is None


def test_a_ratio_that_is_asked_for_is_no_time():
    assert check_math("9:45", "What is the ratio of cats to dogs?") is None
