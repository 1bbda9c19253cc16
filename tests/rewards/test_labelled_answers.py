"""Answers labelled by reading them, scored as the trainer would.

All of `labelled_before_running.jsonl` was labelled before the code that it tests was run on any of it. At the first run
the verifiers disagreed with 1 of its 194 labels (`|y| = -3x + 7` was paid for `y = -3x + 7`), and were mended.
"""

import json
from pathlib import Path

import pytest

from vlaa_helpers.rewards.mixed import MixedReward

SAMPLES = Path(__file__).parents[1] / "samples"
FILES = ("labelled_answers.jsonl", "labelled_before_running.jsonl")
LABELLED = [json.loads(line) for name in FILES for line in (SAMPLES / name).read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("row", LABELLED, ids=lambda row: f"{row['verifier_type']}: {row['why']}")
def test_a_hand_labelled_answer(row):
    score = MixedReward().score(
        row["response"], row["gt"], row["verifier_type"], question=row["question"], meta=row.get("meta", "")
    )
    assert score.value == pytest.approx(row["value"], abs=1e-6), (row, score)


def test_the_tables_are_large_and_cover_every_verifier():
    assert len(LABELLED) >= 600
    assert {"digit", "choice", "math", "box", "open_ended"} == {row["verifier_type"] for row in LABELLED}
    assert 0.25 < sum(row["value"] > 0 for row in LABELLED) / len(LABELLED) < 0.75
