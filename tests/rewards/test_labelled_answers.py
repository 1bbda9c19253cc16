"""A table of answers labelled by hand, scored as the trainer would."""

import json
from pathlib import Path

import pytest

from vlaa_helpers.rewards.mixed import MixedReward

LABELLED = [json.loads(line) for line in (Path(__file__).parents[1] / "samples" / "labelled_answers.jsonl").open()]


@pytest.mark.parametrize("row", LABELLED, ids=lambda row: f"{row['verifier_type']}: {row['why']}")
def test_a_hand_labelled_answer(row):
    score = MixedReward().score(
        row["response"], row["gt"], row["verifier_type"], question=row["question"], meta=row.get("meta", "")
    )
    assert score.value == pytest.approx(row["value"], abs=1e-6), (row, score)


def test_the_table_is_large_and_covers_every_verifier():
    assert len(LABELLED) >= 150
    assert {"digit", "choice", "math", "box", "open_ended"} == {row["verifier_type"] for row in LABELLED}
