"""Mathematics: what is the same counts, several values never, and nothing hostile takes long."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from reward_samples import responses, said

from vlaa_helpers.rewards.math_compare import by_math_verify
from vlaa_helpers.rewards.mathematics import math_reward
from vlaa_helpers.rewards.score import Reason, Score


@pytest.mark.parametrize(
    ("answer", "gt"),
    [
        ("y = 1 + 2x", "y = 2x + 1"),
        ("2x + 1", "y = 2x + 1"),
        ("f(x) = 2x + 1", "y = 2x + 1"),
        ("$y = 2x+1$", "y = 2x + 1"),
        (r"\boxed{2x+1}", "y = 2x + 1"),
        (r"2 \cdot x + 1", "2x + 1"),
        ("y=|x|-1", "y = |x| - 1"),
        ("-1 + x^2", "x^2 - 1"),
        (r"\frac{1}{2}", "0.5"),
        (r"\dfrac{10}{2}", "5"),
        (r"12\pi", r"3 \cdot 4 \pi"),
        ("x^3y^2", "y^2x^3"),
        ("(x+1)^{2}(x-1)^{2}", "(x^2-1)^2"),
        ("e^{-x^2/2}", r"e^{-\frac{x^2}{2}}"),
        ("x=3", "3"),
        (r"\int_0^1 x^2 dx", r"\int_0^1 x^2 dx"),
        (r"\[ y = 2x + 1 \]", r"\boxed{y = 2x + 1}"),
        (r"\(2x+1\)", r"$$ 2x + 1 $$"),
        ("y = 2x + 1", r"Output 4: \[ \boxed{y = 2x + 1} \]"),
        ("Answer: 2x + 1.", "y = 2x + 1"),
        ("The final answer is: **2x + 1**", "y = 2x + 1"),
        (r"-5\sin(-5x)", "y = -5 * sin(-5 * x)"),
        (r"2\pi", "2 * pi"),
        (r"\boxed{\frac{1}{2}}", "0.5"),
    ],
)
def test_math_accepts_what_is_the_same(answer, gt):
    assert math_reward(said(answer), gt) == Score(1.0, Reason.CORRECT)


@pytest.mark.parametrize(
    "answer",
    ["6", "-5", "50", "4 or 5", "5 or 6", "4, 5", "5, 6", "{4, 5}", "4 5", "5 4", "$5$ and $4$", "[4, 6]", "x > 4"]
    + [r"\boxed{4}, \boxed{5}", r"\boxed{5} \boxed{4}", r"\pm 5", "x = 5 or x = 6", "1 = 2 = 5 = 3"],
)
def test_math_gives_nothing_for_another_value_or_for_several(answer):
    score = math_reward(said(answer), "5")
    assert score.value == 0 and score.reason in {Reason.WRONG, Reason.AMBIGUOUS, Reason.UNREADABLE}


@pytest.mark.parametrize("answer", ["$", r"\\", "{}", "?", "∑"])
def test_math_that_cannot_be_read(answer):
    assert math_reward(said(answer), "5").value == 0


@pytest.mark.parametrize("gt", ["", " ", "$$", "y = "])
def test_a_truth_that_is_not_mathematics_is_an_error(gt):
    with pytest.raises(ValueError, match="is not mathematics; mend the record"):
        math_reward(said("5"), gt)


HOSTILE = [
    "9^{9^{9}}",
    "9^9^9",
    "9**9**9",
    "(((9^{99})^{99})^{99})",
    "10^{9*9*9*9*9*9*9*9*9}",
    "(1, 10^{9*9*9*9*9*9*9*9*9})",
    r"\sqrt[10^{9*9*9*9*9*9*9*9*9}]{3}",
    r"\left(" * 5,
    r"\left(" * 40,
    "(" * 190,
    "{" * 190,
    "{" * 90 + "x" + "}" * 90,
    r"\sqrt{" * 40,
    r"\frac{" * 30,
    "x" * 10_000,
    "9" * 10_000,
    "(" * 10_000,
    "^" * 10_000,
    "99999999!",
    "(99!)!",
    "9!!!",
    "9^{9}!",
    r"\Gamma(99999999)",
    r"\gamma(9999999)",
    r"\binom{99999999}{49999999}",
    r"\exp(\exp(\exp(99)))",
    "(x+y+z+w)^{99}",
    r"(x+y+z+w)^{9\cdot 9}",
    "(a+b)(c+d)(e+f)(g+h)(i+j)(k+l)(m+n)(o+p)(q+r)(s+t)(u+v)(w+z)",
    r"\sum_{i=1}^{999999999} \frac{1}{i}",
    r"\prod_{i=1}^{99999} i",
    r"\int e^{-x^2}\sin(x)^{9} dx",
    r"\begin{pmatrix}1&2\\3&4\end{pmatrix}^{99999999}",
    r"\det\begin{pmatrix}10^{9*9*9*9*9*9*9*9}&2\\3&4\end{pmatrix}",
    r"\frac{1}{0}",
    r"(x+1)^{\frac{1}{0}}",
    "\x00\ud800",
]


@pytest.fixture(scope="module")
def warm():
    """Math-Verify takes a second to import; the limits of tests are not for that."""
    assert math_reward(said("5.0"), "5").value == 1


@pytest.mark.timeout(60)
@pytest.mark.parametrize("answer", HOSTILE, ids=lambda answer: ascii(answer[:24]))
def test_hostile_mathematics_is_worth_nothing_and_is_soon_over(warm, answer):
    assert by_math_verify("5", "6") == "different"  # the process that compares is up again after the one before
    assert math_reward(said(answer), "y = 2x + 1").value == 0


def test_math_works_off_the_main_thread():
    with ThreadPoolExecutor(1) as pool:
        scores = list(pool.map(lambda k: math_reward(said(f"{k} + 4321x"), f"4321x + {k}"), range(3)))
    assert scores == [Score(1.0, Reason.CORRECT)] * 3


@settings(max_examples=150)
@given(response=responses)
def test_any_text_gets_a_share_from_math(warm, response):
    score = math_reward(response, "y = 2x + 1")
    assert score.value in (0, 1) and (score.value == 1) == (score.reason is Reason.CORRECT)
