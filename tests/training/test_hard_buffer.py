"""The buffer of hard questions: who is in it, once, and with a response that is right."""

import pandas as pd
import pytest

from vlaa_helpers import MixedReward, hard_questions, make_scenes
from vlaa_helpers.training import hard_records


def rollouts(rewards, kind="digit"):
    """Four completions a question, in the order of a run: a question may come again."""
    rows = [(name, kind, reward) for name, several in rewards for reward in several]
    return pd.DataFrame(rows, columns=["id", "verifier_type", "reward"])


RUN = [("e", [0, 0, 0, 1]), ("a", [0, 0, 1, 0]), ("b", [1, 1, 0, 0]), ("c", [0, 0, 0, 0]), ("d", [1, 1, 1, 1])]


@pytest.mark.parametrize(
    ("at_most", "expected"), [(0, "c"), (0.24, "c"), (0.25, "eac"), (0.5, "eabc"), (0.99, "eabc"), (1, "eabcd")]
)
def test_at_most_that_share_was_right(at_most, expected):
    assert "".join(hard_questions(rollouts(RUN), at_most=at_most).index) == expected


def test_a_question_is_in_it_once_with_all_of_its_rollouts():
    found = hard_questions(rollouts([*RUN, ("a", [1, 1, 1, 1]), ("c", [0, 0, 0, 1])]), at_most=0.25)
    assert found.index.tolist() == ["e", "c"]  # a was right five times in eight
    assert found["n"].tolist() == [4, 8] and found["right"].tolist() == [1 / 4, 1 / 8]


def test_what_is_right_is_the_verifier_s_word():
    boxes = rollouts([("near", [0.6, 0.5, 0.7, 0.9]), ("far", [0.4, 0.2, 0.49, 0])], kind="box")
    assert hard_questions(boxes, at_most=0).index.tolist() == ["far"]
    open_ended = rollouts([("better", [0.1, 0, 0, 0]), ("worse", [0, 0, 0, 0])], kind="open_ended")
    assert hard_questions(open_ended, at_most=0).index.tolist() == ["worse"]
    assert hard_questions(rollouts([("half", [0.5, 0.9, 0.5, 0.5])]), at_most=0).index.tolist() == ["half"]


def test_what_could_not_be_scored_does_not_count():
    found = hard_questions(rollouts([("a", [None, None, 1.0, 0.0]), ("b", [None] * 4), ("c", [None, 0.0, 0.0, 0.0])]))
    assert found.index.tolist() == ["c"] and found["n"].tolist() == [3]


def test_a_rollout_that_went_on_from_a_hint_says_nothing_of_the_policy_alone():
    found = rollouts([("a", [0, 0, 1, 1]), ("b", [1, 1, 0, 0])]).assign(hint=[0.0, 0.0, 0.5, 1.0, 0.0, None, 0.0, 0.2])
    hard = hard_questions(found, at_most=0.25)
    assert hard.index.tolist() == ["a"] and hard["n"].tolist() == [2] and hard["right"].tolist() == [0]


def test_of_several_rewards_the_mixed_one_says_what_is_right():
    """A bonus for the format makes the sum of a wrong answer as large as full marks."""
    run = rollouts([("a", [1.0, 1.0]), ("b", [2.0, 2.0]), ("c", [0.0, 1.0])])
    several = run.assign(**{"reward/strict": [1, 1, 1, 1, 0, 1], "reward/mixed_reward": [0, 0, 1, 1, 0, None]})
    hard = hard_questions(several, at_most=0)
    assert hard.index.tolist() == ["a", "c"] and hard["n"].tolist() == [2, 1]
    own = several.rename(columns={"reward/mixed_reward": "reward/mine"})
    with pytest.raises(ValueError, match=r"rewards strict, mine; .*'reward/mixed_reward'.*column='reward/strict'"):
        hard_questions(own)
    assert hard_questions(own, at_most=0, column="reward/mine").equals(hard)


def test_nobody_asked_is_an_empty_buffer():
    assert len(hard_questions(rollouts([]))) == 0


@pytest.fixture(scope="module")
def records(with_traces):
    return with_traces(make_scenes(12, sources=["blocks", "angles"]))


def of(records, places, reward=0.0):
    ids, kinds = records["id"][:], records["verifier_type"][:]
    rows = [(ids[k], kinds[k], reward) for k in places]
    return pd.DataFrame(rows, columns=["id", "verifier_type", "reward"])


def test_the_records_of_hard_questions_in_the_order_asked(records):
    found = hard_records(records, of(records, [7, 2, 7, 0]))
    assert found["id"][:] == [records["id"][k] for k in (7, 2, 0)]
    assert found[0] == records[7]
    assert len(hard_records(records, of(records, [7, 2], reward=1.0))) == 0


def test_a_response_that_is_wrong_or_none_teaches_nothing(records):
    wrong, empty, broken = (records["id"][k] for k in (0, 1, 2))
    changed = {wrong: "<think>\nwell\n</think>\n<answer>99</answer>", empty: "", broken: "<think>\nwell"}
    spoilt = records.map(
        lambda row: {"response": changed.get(row["id"], row["response"]), "reasoning": ""}, load_from_cache_file=False
    )
    found = hard_records(spoilt, of(records, range(4)), reward=MixedReward())
    assert found["id"][:] == [records["id"][3]]


def test_what_does_not_belong_together_is_refused(records):
    with pytest.raises(ValueError, match="at_most is 0 to 1 of a question's rollouts, got 25; 0.25 is the default"):
        hard_questions(rollouts(RUN), at_most=25)
    with pytest.raises(ValueError, match="5 questions of the rollouts are not among the 12 records, such as 'e'; give"):
        hard_records(records, rollouts(RUN), at_most=1)
    with pytest.raises(ValueError, match="1 records share an id with another; give each its own"):
        hard_records(records.select([0, 1, 0]), rollouts([]))
