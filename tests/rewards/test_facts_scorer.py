"""The facts scorer: a point for what was asked for and is true, one less for what is not true."""

import json

import pytest
from reward_samples import META, said

from vlaa_helpers.mini_world.scenes import scene_records
from vlaa_helpers.rewards.mixed import MixedReward
from vlaa_helpers.rewards.score import Reason, Score
from vlaa_helpers.rewards.scorers import FactsScorer, Question


@pytest.mark.parametrize(
    ("answer", "points"),
    [
        ("", 0),
        ("Something pretty.", 0),
        ("A red circle at the top left.", 1),
        ("A red circle at the top left. A blue star at the top right. It is day.", 3),
        ("A red circle at the top left. A red circle at the top left.", 1),  # repeating gains nothing
        ("A green square at the bottom left.", 0),  # true, but not what was asked for
        ("A red star at the top left.", -1),
        ("A red star at the top left. A red star at the top left.", -1),
        ("It is night.", -1),
        ("It is day. It is night.", 0),
        ("A red circle at the top left. A blue star at the top left.", 0),
    ],
)
def test_facts_scorer_on_a_hand_made_scene(answer, points):
    assert FactsScorer()([Question("", META)], [answer]) == [points]


@pytest.mark.parametrize("meta", ["", "{}", "null", "[]", "3", "not json", '{"task": {}}', '{"task": {"wanted": []}}'])
def test_facts_scorer_says_when_there_are_no_facts(meta):
    with pytest.raises(ValueError, match=r"no scene facts in its meta.*MixedReward\(scorer=RewardModelScorer"):
        FactsScorer()([Question("", meta)], ["It is day."])


def test_in_the_mini_world_everything_asked_for_beats_the_reference():
    for row in scene_records(20, sources=["stories"], seed=5):
        full = " ".join(json.loads(row["meta"])["task"]["wanted"])
        reward = MixedReward()
        best = reward.score(said(full), row["gt"], "open_ended", meta=row["meta"])
        same = reward.score(said(row["gt"]), row["gt"], "open_ended", meta=row["meta"])
        assert best.value > 0 and same == Score(0.0, Reason.NOT_BETTER)
