"""Other writings of an option's text: shortened, with another ending, its number in full."""

import pytest

from vlaa_helpers.rewards.choice import choice_reward
from vlaa_helpers.rewards.option_texts import cores, in_full

MONEY = "What was the revenue?\nA) $120,000\nB) $200,000"
INSET = "What is the purpose of the inset?\nA) To compare two fits\nB) To magnify the peak"
GROUPS = "Which group is the oldest?\nA) Group 1 (red)\nB) Group 2 (blue)"
KEYS = "Which key holds the class?\nA. sub_label\nB. label_id"
VOLUME = "What is the volume?\nA) 45π cm³\nB) 60π cm³\nC) 60 cm³"


@pytest.mark.parametrize(
    ("question", "right", "wrong"),
    [
        (MONEY, ["200K", "$200K", "200,000 dollars", "0.2 million"], ["200", "20K", "200M", "120K"]),
        (
            INSET,
            ["The inset magnifies the peak.", "To magnify the peak"],
            ["The inset compares two fits.", "To magnify"],
        ),
        (GROUPS, ["Group 2", "Group 2 is the oldest."], ["Group", "Group 1", "Group 2 is the youngest."]),
        (KEYS, ["`label_id`", "The key `label_id` holds the class."], ["labelid", "`sub_label`", "label"]),
        (VOLUME, [r"$60\pi$ cm³", r"$60\pi \text{ cm}^3$", "V = 4 × 15π = 60π cm³"], ["60 cm³", "60π cm²", "45π"]),
    ],
)
def test_writings(question, right, wrong):
    paid = {a: choice_reward(f"<answer>{a}</answer>", "B", question=question).value for a in right + wrong}
    assert paid == dict.fromkeys(right, 1.0) | dict.fromkeys(wrong, 0.0)


def test_a_core_is_what_the_question_does_not_say():
    assert cores({"A": "it rises as the load grows", "B": "no"}, "How does the load change it?") == {
        "A": "rises as the load grows"
    }
    assert in_full("1.5 million") == in_full("1,500,000") == "1500000"
