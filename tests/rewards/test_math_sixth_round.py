"""Coefficients, degrees in chains, numbered angles, points and roots, and a worker that was lost."""

import pytest

from vlaa_helpers.rewards import mathematics
from vlaa_helpers.rewards.choice import choice_reward
from vlaa_helpers.rewards.mathematics import check_math, math_reward

LINE = "What is the equation of the line?"
ANGLE = "Find the measure of angle B."
NUMBERED = "As shown in the figure, AB ∥ CD and ∠1 = 50°. What is the degree of ∠2?"
ROOTS = "What are the roots of the function in the figure?"
POINT = "What are the coordinates of point P?"
TREE = "How tall is the tree?"
CHOICES = "Find the angle x.\nChoices:\nA: 30°\nB: 60°\nC: 75°"
GRAPH = "What type of graph is shown?\nA) Bar graph\nB) Line graph\nC) Pie chart"


@pytest.mark.parametrize(
    ("question", "gt", "right", "wrong"),
    [
        (LINE, "y = 1/2x + 3", [r"y = \frac{1}{2}x + 3", "y = 0.5x + 3"], ["y = 1/(2x) + 3", r"y = \frac{1}{2x} + 3"]),
        (LINE, r"y = -\frac{2}{3}x + 4", ["y = -2/3x + 4", "y = -2/3 x + 4"], ["y = -2/(3x) + 4"]),
        (ANGLE, "70°", ["∠B = 180° - 110° = 70°", "(180° - 40°)/2 = 70°"], ["∠B = 180° - 100° = 70°"]),
        (NUMBERED, "50°", ["∠2 = 50°", "Angle 2 = 50°", r"\angle 2 = 50^\circ", "∠2 = ∠1 = 50°"], ["∠3 = 50°"]),
        ("Find angle C.", "50°", ["50º", "50˚"], ["40º"]),
        (
            ROOTS,
            "-2 and 3",
            ["The roots are -2 and 3.", "x = -2 and x = 3"],
            ["x = -2 and y = 3", "The roots are 2 and 3."],
        ),
        (POINT, "(2, -3)", ["P(2, -3)", "The coordinates of point P are (2, -3)."], ["Q(2, -3)", "P(2, 3)"]),
        (TREE, "8 m", ["8", "8 m", "The tree is 8 m tall."], ["The tree is 8 m wide.", "8 cm"]),
        ("How long is AB?", "5 cm", ["AB is 5 cm long.", "|AB| = 5"], ["AC is 5 cm long."]),
        (CHOICES, "60°", ["B: 60°", "(B) 60°"], ["A: 60°", "B: 30°"]),
    ],
)
def test_what_is_read_and_what_is_not(question, gt, right, wrong):
    paid = {a: math_reward(f"<answer>{a}</answer>", gt, question=question).value for a in right + wrong}
    assert paid == dict.fromkeys(right, 1.0) | dict.fromkeys(wrong, 0.0)


def test_a_ground_truth_is_asked_about_again_when_the_process_was_lost(monkeypatch):
    verdicts = iter(["unreadable"])
    monkeypatch.setattr(mathematics, "compare", lambda *_: next(verdicts, "same"))
    assert check_math("y = -5 * sin(-5 * x)") is None


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        ("A line graph", 1),
        ("B, since the curve rises.", 1),
        ("A pie chart", 0),
        ("B, since a pie chart is shown", 0),
        ("B, because it is not A", 1),  # 0 at first, out of caution; a reader sees B stated, and A ruled out
        ("B, the other one", 0),
        ("B, it is wrong", 0),
        ("B, since I guess", 0),
    ],
)
def test_an_article_and_a_reason(answer, value):
    assert choice_reward(f"<answer>{answer}</answer>", "B", question=GRAPH).value == value
