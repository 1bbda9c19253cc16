"""Sentences that repeat the question, and writings of an option's text that mean the same."""

import pytest

from vlaa_helpers.rewards.choice import choice_reward

MAMMAL = "Which of these is NOT a mammal? A) dog B) shark C) cat"
CUBE = "Look at the image. Is the red cube left of the blue ball?\nA) Yes\nB) No\nC) Cannot be determined"
LENGTH = "What is the length? A. 5 cm B. 5 m C. 50 cm D. 0.5 cm"
FRACTION = r"What is x? A. $\frac{1}{2}$ B. $\frac{1}{3}$ C. $\frac{2}{3}$ D. $2$"
ANGLE = "Find ∠ABC. Choices:\nA:30°\nB:60°\nC:90°\nD:120°"
CHANGE = "Which? A) increases B) decreases C) does not change"


@pytest.mark.parametrize(
    ("question", "gt", "right", "wrong"),
    [
        (
            MAMMAL,
            "B",
            ["The shark is not a mammal.", "Shark is not a mammal", "shark"],
            ["The shark is a mammal", "The dog is not a mammal.", "shark is not", "B) is not", "the mammal is shark"],
        ),
        (
            CUBE,
            "A",
            ["Yes, the red cube is left of the blue ball.", "Yes"],
            [
                "Yes, the red cube is not left of the blue ball",
                "No, the red cube is not left of the blue ball.",
                "Yes, the blue ball is left of the red cube",
                "The blue ball is left of the red cube",
                "No, yes",
            ],
        ),
        (
            CUBE,
            "B",
            ["No, the red cube is not left of the blue ball.", "No, the red cube isn't left of the blue ball."],
            ["No, the red cube is left of the blue ball.", "No, the red cube is not not left of the blue ball."],
        ),
        ("Does the ratio increase? A) Yes B) No", "A", ["Yes, the ratio increases."], ["Yes, the ratio decreases."]),
        ("Are there 3 cubes? A) Yes B) No", "A", ["Yes, there are 3 cubes."], ["Yes, there are 4 cubes."]),
        (
            LENGTH,
            "A",
            ["5cm", "A. 5cm", r"$5 \text{ cm}$", r"5 \, cm", "5 cm"],
            ["5", "5m", "5mm", r"$5 \text{ m}$", "50cm", "0.5cm", "A. 5m", r"-5 \text{ cm}", r"\frac{5}{5} cm"],
        ),
        (
            FRACTION,
            "B",
            ["1/3", "B. 1/3", r"x = \frac{1}{3}", r"$x = \dfrac{1}{3}$", r"The value of x is $\frac{1}{3}$."],
            ["2/3", "B. 2/3", r"2\frac{1}{3}", r"y = \frac{1}{3}", r"x = \frac{2}{3}", r"x = \frac{1}{3} or 2", "-1/3"],
        ),
        (
            ANGLE,
            "C",
            ["∠ABC = 90°", r"\angle ABC = 90^\circ", "The measure of ∠ABC is 90°.", "The measure of angle ABC is 90."],
            ["∠ABD = 90°", "∠AB = 90°", "AB = 90", "∠ABC = 60°", "∠ABC = -90°", "∠ABC < 90°"],
        ),
        (CHANGE, "A", ["It increases.", "increases"], ["It decreases.", "It never increases", "It increases or so"]),
        (
            "How many? A) one B) two C) two or three",
            "B",
            ["There are two."],
            ["There are two or three.", "There are one"],
        ),
        ("Which animal does NOT fly? A) bird B) dog", "B", ["dog"], ["It dog", "There is dog"]),
    ],
)
def test_sentences_and_writings(question, gt, right, wrong):
    paid = {a: choice_reward(f"<answer>{a}</answer>", gt, question=question).value for a in right + wrong}
    assert paid == dict.fromkeys(right, 1.0) | dict.fromkeys(wrong, 0.0)
