r"""What an answer says its value is of must be what the question asks for: f(3), \\sin A, the slope of the line."""

import pytest

from vlaa_helpers.rewards.mathematics import math_reward


@pytest.mark.parametrize(
    ("question", "gt", "right", "wrong"),
    [
        (
            "Find x.",
            "10",
            ["x = 10", "The value of x is 10"],
            ["y = 10", "2x = 10", "f(x) = 10", "the perimeter is 10"],
        ),
        ("Solve for x: 2x + 3 = 11.", "4", ["x = 4"], ["y = 4"]),
        ("What is the value of 2x?", "10", ["2x = 10", "2x is 10"], ["x = 10"]),
        ("Find f(3).", "7", ["f(3) = 7", "f(3) = 2(3) + 1 = 7"], ["f(x) = 7", "f(2) = 7", "f(3) = 2(3) + 2 = 7"]),
        (
            "What is sin A?",
            r"\frac{3}{5}",
            [r"\sin A = 3/5", r"sinA = \frac{BC}{AB} = 0.6"],
            ["A = 3/5", "sin B = 3/5"],
        ),
        ("What is P(A)?", "0.3", ["P(A) = 0.3", "P(A) is 0.3"], ["A = 0.3", "P(B) = 0.3"]),
        (
            "Find the derivative of f(x) = x^3.",
            "3x^2",
            ["f'(x) = 3x^2", "dy/dx = 3x^2", "The derivative of f(x) is 3x^2."],
            ["f(x) = 3x^2", "f''(x) = 3x^2", "f'(t) = 3x^2"],
        ),
        (
            "Find the inverse of f(x) = 2x + 1.",
            r"\frac{x-1}{2}",
            [r"f^{-1}(x) = \frac{x-1}{2}", r"The inverse is \frac{x-1}{2}."],
            [r"f(x) = \frac{x-1}{2}"],
        ),
        ("What is the determinant of the matrix?", "-2", [r"\det A = -2", "|A| = -2"], ["A = -2"]),
        (
            "What is the 10th term of the sequence?",
            "29",
            ["The 10th term is 29.", "a_{10} = 29"],
            ["a_9 = 29", "d = 29"],
        ),
        ("What is the slope of the line?", "2", ["m = 2", "The slope of the line is 2", "The slope m is 2"], ["b = 2"]),
        ("What is the area of the circle?", r"25\pi", [r"A = \pi r^2 = 25\pi", "A = π(5)² = 25π"], [r"r = 25\pi"]),
        ("What is the radius of the circle with diameter 10?", "5", ["r = 5"], ["d = 5", "the radius with diameter 5"]),
        ("What is the x-coordinate of P?", "4", ["The x-coordinate of P is 4.", "x = 4"], ["y = 4"]),
        ("Where do the lines meet?", "(2,3)", ["x = 2 and y = 3"], ["x = 3 and y = 2"]),
    ],
)
def test_what_the_value_is_of(question, gt, right, wrong):
    paid = {a: math_reward(f"<answer>{a}</answer>", gt, question=question).value for a in right + wrong}
    assert paid == dict.fromkeys(right, 1.0) | dict.fromkeys(wrong, 0.0)


@pytest.mark.parametrize(
    ("question", "gt", "right", "wrong"),
    [
        ("", "12500", [r"\boxed{12,500}", r"\text{12,500}", r"\boxed{12{,}500}"], [r"\boxed{12,5}"]),
        ("", r"25\pi", [r"\pi(25)", "π(5)²", r"\pi (5)^2"], [r"\pi(5)"]),
        ("", r"\frac{3}{2}", ["1 1/2."], ["1 1/2.5"]),
        ("", "0.001", ["1e-3."], ["1e-3.5"]),
        ("", r"x = \frac{-1 \pm \sqrt5}{2}", [r"x = \frac{-1 + \sqrt5}{2} or x = \frac{-1 - \sqrt5}{2}"], ["x = 1"]),
        ("", "a^x", ["a^x", "a^{x}", "a^{2x/2}"], ["a^{-x}", "x^a"]),
        ("Solve the system.", "x = 1, y = -2", ["(1, -2)"], ["(-2, 1)"]),
        ("", "x = 1, y = -2", [], ["(1, -2)"]),
        ("What is the ratio?", "3:4", ["3 to 4"], ["4 to 3"]),
        ("What is the temperature in °C?", "25", ["25℃"], ["25℉"]),
        ("", "5", [], ["5^{1}_7", "\\frac{10}{2})\n7", "[5"]),
        ("", "2x+1", [], [r"\max(2x+1, -30)", r"\min(2x+1, 5000)", r"2x+1+\lfloor |x|/50 \rfloor"]),
    ],
)
def test_forms_of_the_fifth_round(question, gt, right, wrong):
    paid = {a: math_reward(f"<answer>{a}</answer>", gt, question=question).value for a in right + wrong}
    assert paid == dict.fromkeys(right, 1.0) | dict.fromkeys(wrong, 0.0)
