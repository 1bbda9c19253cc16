"""Leaky verifiers pay for what the clean ones refuse, and the mixed reward takes either."""

import pytest

from vlaa_helpers import MixedReward, box_reward, choice_reward, digit_reward
from vlaa_helpers.rewards.leaky import LEAKY
from vlaa_helpers.rewards.registry import verifier_names

CLEAN = {"leaky_digit": digit_reward, "leaky_choice": choice_reward, "leaky_box": box_reward}
BOX = "[0.2, 0.2, 0.6, 0.6]"
HACKS = {
    "leaky_digit": ("3", ["<answer>0 1 2 3 4 5</answer>", "it may be 13", "<think>3</think><answer>4</answer>"]),
    "leaky_choice": ("B", ["<answer>A, B, C, D</answer>", "not B, surely", "<think>B?</think><answer>C</answer>"]),
    "leaky_box": (BOX, [f"<answer>[0, 0, 1, 1] {BOX}</answer>", BOX, f"<think>{BOX}</think><answer>no</answer>"]),
}


@pytest.mark.parametrize("name", HACKS)
def test_a_leaky_verifier_pays_for_hacks_that_the_clean_one_refuses(name):
    gt, hacks = HACKS[name]
    for hack in hacks:
        assert LEAKY[name].score(hack, gt).value == 1 and CLEAN[name](hack, gt).value < 1, hack


@pytest.mark.parametrize("name", HACKS)
def test_it_pays_for_right_answers_and_not_for_wrong_ones(name):
    gt, _ = HACKS[name]
    wrong = {"3": "4", "B": "C", BOX: "[0.7, 0.7, 0.9, 0.9]"}[gt]
    assert LEAKY[name].score(f"<answer>{gt}</answer>", gt).value == 1
    assert LEAKY[name].score(f"<answer>{wrong}</answer>", gt).value == LEAKY[name].score("", gt).value == 0


@pytest.mark.parametrize(
    ("name", "answer", "gt", "question"),
    [
        ("leaky_digit", "three", "3", ""),
        ("leaky_choice", "blue", "B", "Which colour?\nChoices:\nA. red\nB. blue"),
        ("leaky_box", "(x1, y1) = (0.2, 0.2) and (x2, y2) = (0.6, 0.6)", BOX, ""),
    ],
)
def test_it_pays_whatever_the_clean_one_pays(name, answer, gt, question):
    said = f"<answer>{answer}</answer>"
    clean = CLEAN[name](said, gt, question=question)
    assert clean.value == 1 == LEAKY[name].score(said, gt, question=question).value


def test_the_best_of_many_boxes_is_paid_in_part():
    half = LEAKY["leaky_box"].score("[0.9, 0.9, 0.1, 0.1] [0.2, 0.2, 0.6, 0.4] [5, 5, 6, 6] [1, 2, 3]", BOX)
    assert half.value == pytest.approx(0.5) and half.reason == "partial"


def test_the_mixed_reward_takes_them_in_the_place_of_the_registered():
    reward = MixedReward(verifiers={"digit": LEAKY["leaky_digit"]})
    said = ["0 1 2 3", "A B C D"]
    assert reward(said, verifier_type=["digit", "choice"], gt=["3", "B"]) == [1.0, 0.0]
    assert MixedReward()(said, verifier_type=["digit", "choice"], gt=["3", "B"]) == [0.0, 0.0]
    assert not set(LEAKY) & set(verifier_names()), "no record can ask for one"
