"""A gate in front of a reward: what it lets through, and that metrics of the reward stay whole."""

import pytest

from vlaa_helpers import GatedReward, MixedReward

STRICT = "<think>2 + 1</think><answer>3</answer>"
TEXTS = [STRICT, "<answer>3</answer>", "3", "<think>2</think><answer>4</answer>"]
COLUMNS = {"verifier_type": ["digit"] * 4, "gt": ["3"] * 4}


def ones(completions, **columns):
    return [1.0] * len(completions)


@pytest.mark.parametrize(
    ("gate", "values"), [("answer", [1, 1, 0, 1]), ("strict", [1, 0, 0, 1]), ("correct", [1, 1, 0, 0])]
)
def test_what_a_gate_lets_through(gate, values):
    assert GatedReward(ones, gate)(TEXTS, **COLUMNS) == values
    chats = [[{"role": "assistant", "content": text}] for text in TEXTS]
    assert GatedReward(ones, gate)(chats, **COLUMNS) == values


def test_what_could_not_be_scored_stays_so():
    assert GatedReward(lambda completions, **_: [None, 0.5], "answer")([STRICT, "3"]) == [None, 0.0]


def test_the_reward_sees_all_completions_and_columns():
    seen = {}
    gated = GatedReward(MixedReward(), "strict")
    values = gated(TEXTS, **COLUMNS, log_metric=seen.__setitem__)
    assert values == [1, 0, 0, 0] and seen["reward/digit"] == 0.5 and gated.__name__ == "mixed_reward_if_strict"


def test_an_unknown_gate_is_told_the_known_ones():
    with pytest.raises(ValueError, match="unknown gate 'format'; expected one of answer, strict, correct"):
        GatedReward(ones, "format")
