"""Boxes in sentences, labelled before they were run: eighteen sets of some 150 answers, each from another angle.

A label says whether two careful teachers would call the box found: IoU 0.5 or more with the true one, and said of the
thing that is asked for. Before the first set the reader knew only single phrases. At their first runs the sets agreed
with 114, 131, 135, 140, 121, 141, 145, 145, 145, 148, 137 (of 151), 147, 124, 146, 143, 149, 148 and 145 of their
labels, and 0, 2, 2, 1, 2, 5, 2, 2, 2, 1, 3, 0, 1, 2, 2, 0, 2 and 3 wrong answers were paid. Each set was run once, and
what it showed was mended before the next. The eleventh set's first run ended in an error, at "the number 7"; its count
is that of the run after that one mend.
"""

import json
from pathlib import Path

from vlaa_helpers.rewards.box import half_overlaps
from vlaa_helpers.rewards.mixed import MixedReward

SAMPLES = Path(__file__).parents[1] / "samples"
ROWS = [json.loads(line) for line in (SAMPLES / "labelled_seventh_box.jsonl").read_text(encoding="utf-8").splitlines()]
STILL_REFUSED = {
    "The mailbox is in front of the house at [0.62, 0.51, 0.70, 0.74].",  # of the house, or of the mailbox
    "The man surfing the wave is located at [0.38, 0.29, 0.62, 0.74].",
    "The zebra looking at the camera is located at [0.33, 0.24, 0.58, 0.91].",
    "The skier is at [0.52, 0.40, 0.60, 0.58].",
    "The striped umbrella is located at [0.27, 0.18, 0.56, 0.42].",
    "The blue striped umbrella is at [0.27, 0.18, 0.56, 0.42].",
    "The laptop computer is at [0.39, 0.45, 0.66, 0.72].",
    "The blue bag is the backpack at [0.58, 0.49, 0.71, 0.69].",
    "The rider of the motorcycle is the person at [0.42, 0.16, 0.61, 0.67].",
    "The turned on lamp is at [0.81, 0.20, 0.93, 0.44].",
    "The remote is at [0.45, 0.67, 0.56, 0.74].",
    "The colorful kite is located at [0.41, 0.06, 0.55, 0.21].",
}
"""Right answers that name the thing in words of their own."""


def test_only_the_known_boxes_are_judged_wrongly():
    rewards = MixedReward()
    refused, paid = set(), set()
    for row in ROWS:
        response = f"<think>…</think><answer>{row['answer']}</answer>"
        found = half_overlaps(rewards.score(response, row["gt"], "box", question=row["question"]))
        if found != bool(row["value"]):
            (paid if found else refused).add(row["answer"])
    assert (refused, paid) == (STILL_REFUSED, set())


def test_the_sets_are_as_large_as_they_are_said_to_be():
    assert len(ROWS) == 2701
    assert {row["set"] for row in ROWS} == set(range(1, 19))
    assert 0.45 < sum(row["value"] for row in ROWS) / len(ROWS) < 0.55
