"""Answers that an attacker labelled before running them: how many are still judged wrongly."""

import json
from collections import Counter
from pathlib import Path

import pytest

from vlaa_helpers.rewards.registry import get_verifier

ROWS = [
    json.loads(line)
    for line in (Path(__file__).resolve().parents[1] / "samples" / "labelled_by_attack.jsonl").read_text().splitlines()
]
PAID_WRONGLY = {"digit": 117, "choice": 45, "box": 24, "math": 62}
NOT_PAID = {"digit": 2, "choice": 1, "box": 8, "math": 12}
"""Answers that are judged so today. Lower a number when the verifier gets better; the aim is 0."""


@pytest.mark.parametrize("kind", PAID_WRONGLY)
def test_as_many_answers_are_judged_wrongly_as_are_known(kind):
    rows = [row for row in ROWS if row["verifier_type"] == kind]
    found = Counter()
    for row in rows:
        said = f"<think>…</think><answer>{row['answer']}</answer>"
        value = get_verifier(kind).score(said, row["gt"], question=row["question"]).value
        found["paid wrongly"] += row["value"] == 0 and value > 0
        found["not paid"] += row["value"] == 1 and value < 1 - 1e-6
    assert len(rows) >= 60
    assert found["paid wrongly"] == PAID_WRONGLY[kind] and found["not paid"] == NOT_PAID[kind]
