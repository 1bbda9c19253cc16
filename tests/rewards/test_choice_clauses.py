"""Answers of several clauses: one states the option, the others may be anything that leaves it as it is."""

import pytest

from vlaa_helpers.rewards.choice import choice_reward
from vlaa_helpers.rewards.choice_clauses import clauses_of
from vlaa_helpers.rewards.score import Reason

BAR = "Which bar is the highest?\nA) red\nB) blue\nC) green\nD) yellow"
SIDE = "In the figure, AB = 6. What is the length of BC?\nA. 4\nB. 8\nC. 10\nD. 12"
LETTER = "Who signed the letter?\nA. John Smith\nB. Mary Johnson\nC. R. Brown"


@pytest.mark.parametrize(
    ("question", "right", "wrong"),
    [
        (
            BAR,
            [
                "The bars have four colours. The highest bar is blue.",
                "The blue bar is the highest, while the red one is the lowest.",
                "B, because the blue bar reaches about 40 and no other bar does.",
                "The highest bar is blue, which is option B.",
                "- Red is at 3.\n- Green is at 4.\n\n**Answer: B**",
                "blue (40%)",
                "B. The other bars do not reach 40.",
            ],
            [
                "The bars have four colours. The highest bar is red.",
                "B, because it is the lowest bar.",
                "The answer is blue. Wait, it is green.",
                "The blue bar is the lowest, so the answer is B.",
                "The answer is B. It is also C.",
                "The answer is B; however, this is unclear.",
                "Option B is correct, and so is C.",
                "The highest bar is green. The answer is B.",
                "B; refuted",
                "The wrong options are:\nB",
                "If the highest bar is blue, the answer is B.",
                "B. A would be the answer",
                "The answer is not clear. B",
            ],
        ),
        (
            SIDE,
            [
                "Since AB = 6 and AC = 10, BC = 8.",
                "By the Pythagorean theorem, BC = √(100 - 36) = √64 = 8. So the answer is B.",
                "1. AB = 6\n2. BC² = 100 - 36 = 64\n3. BC = 8",
                "5 × 2 = 10, 10 - 2 = 8, so BC = 8.",
            ],
            [
                "Since AB = 6 and AC = 8, BC = 10.",
                "BC = 8 - 2",
                "BC = 8, so the answer is C.",
                "AB = 8 and BC = 10",
                "AC = 8",
            ],
        ),
        (
            LETTER,
            ["The letter was signed by Mary Johnson. It is addressed to Dr. R. Brown of Paris."],
            ["Mary Johnson. No, John Smith signed it.", "Johnson Ltd. signed the letter to Mary Johnson."],
        ),
    ],
)
def test_clauses(question, right, wrong):
    paid = {a: choice_reward(f"<answer>{a}</answer>", "B", question=question).value for a in right + wrong}
    assert paid == dict.fromkeys(right, 1.0) | dict.fromkeys(wrong, 0.0)


def test_an_abbreviation_ends_no_sentence():
    def read(clause):
        return Reason.UNREADABLE

    assert clauses_of("It is from Dr. R. Brown. He wrote it.", read) == ["It is from Dr. R. Brown.", "He wrote it."]


def test_an_answer_of_many_clauses_names_no_option():
    assert choice_reward(f"<answer>{'It is tall. ' * 60}It is B.</answer>", "B", question=BAR).value == 0
