"""Answers that an attacker labelled before running them, and those labelled like that after each mend.

`labelled_by_attack.jsonl` was written against the verifiers as they were: 248 answers were paid wrongly and 23 right
ones were not paid. `labelled_after_attack.jsonl` has new answers of each class that was mended, labelled by reading.
`labelled_lead_ins.jsonl` has answers as instruction-tuned models give them, and what a second attack found. Its first
466 were labelled before the mends for that attack: 144 were judged wrongly then, 6 at the first run after them. The
next 182 were labelled and run after the mends: 13 were judged wrongly (10 of 90 right ones not paid), and mended since.
`labelled_third_round.jsonl` was labelled by the author of the third round of mends before they were run on it: 164 of
its 165 labels held at the first run (`(3, -3)` was paid for `x = \\pm 3`, and is mended).
`labelled_fourth_round.jsonl` was labelled by a reviewer who had not written the verifiers, before they were run on it:
386 of its 393 labels held at the first run (four wrong answers were paid, three right ones were not), and all do since.
`labelled_fifth_round.jsonl` was labelled by another reviewer before the verifiers were run on it: 353 of its 360 labels
held at the first run (one wrong answer was paid). `labelled_fifth_attacks.jsonl` has the 317 lines that this reviewer's
attack found: 114 wrong answers that were paid and 203 right ones that were not.
`labelled_eighth_round.jsonl` has the answers of three readers, 400 each, labelled before the verifiers were run on
them. At the first run 393 held of the first one's (two wrong answers were paid) and 380 of the second one's (none was
paid; 17 of the 20 hang on one wording of a question for boxes); after the mends for both, 393 of the third one's (none
was paid).
`labelled_ninth_round.jsonl` has four sets of answers of two and three sentences, each labelled by the author of the
mends before its first run: 113 of 122, 101 of 120, 102 of 116 and 103 of 117 held then (three wrong answers were paid),
and each set was mended before the next one was written.
`labelled_tenth_round.jsonl` has the answers of two fresh readers, 400 each, labelled before the verifiers were run on
them: 397 and 395 held at the first run, and none of the 400 wrong ones was paid.
`labelled_sixth_round.jsonl` was labelled by a third reviewer before the verifiers were run on it: 380 of its 400 labels
held at the first run; no wrong answer was paid, and 20 of 200 right ones were refused.
A row with a `note` had another label at first; the note says why it was changed.
"""

import json
from pathlib import Path

import pytest

from vlaa_helpers.rewards.box import half_overlaps
from vlaa_helpers.rewards.mixed import MixedReward

SAMPLES = Path(__file__).parents[1] / "samples"
FILES = tuple(
    f"labelled_{name}.jsonl"
    for name in (
        "by_attack",
        "after_attack",
        "lead_ins",
        "third_round",
        "fourth_round",
        "fifth_round",
        "fifth_attacks",
        "sixth_round",
        "eighth_round",
        "ninth_round",
        "tenth_round",
    )
)
ROWS = [
    json.loads(line) | {"file": name}
    for name in FILES
    for line in (SAMPLES / name).read_text(encoding="utf-8").splitlines()
]
FOUND_OR_NOT = tuple(f"labelled_{name}_round.jsonl" for name in ("sixth", "eighth", "ninth", "tenth"))
"""Files whose boxes are labelled 1 where half overlaps, and 0 where it does not."""
STILL_WRONG = {
    "digit": {
        ("4", 'The status column shows "overdue" for four invoices. The remaining invoices have been paid.'),
        ("4", "From one vertex of a hexagon, 3 diagonals can be drawn. They divide the hexagon into 4 triangles."),
    },
    "choice": {
        ("B", "blue"),
        ("C", "C) 1300"),
        ("B", "The loss of the baseline model plateaus after 50k iterations."),
        ("B", "The class dog is most often misclassified, mostly as cat."),
        ("D", "The blue line shows the 2018 data and the red line shows the 2020 data."),
        ("A", "According to the letter, the budget for 1998 will be cut by 10%."),
        ("C", "∠A + ∠B + ∠C = 265°. The fourth angle is 360° - 265° = 95°."),
    },
    "box": {("[0.1875, 0.133333, 0.484375, 0.8375]", "[120, 64, 310, 402] pixels")},
    "math": {
        ("3", "Using the slope formula, m = 9/3 = 3. The line rises 3 units for every unit to the right."),
        ("60", "The fraction is 90/360 = 1/4. One quarter of 240 is 60."),
        ("15", "It fell by 15 degrees. This is the distance between 12 and -3."),
        ("x \\ge 2", "The expression under the root must not be negative. So x - 2 ≥ 0 and x ≥ 2."),
    },
}
"""Ground truth and answer of the rows that are judged wrongly today; docs/matchers.md says why. The aim is none."""


@pytest.mark.parametrize("kind", STILL_WRONG)
def test_only_the_known_answers_are_judged_wrongly(kind):
    rows = [row for row in ROWS if row["verifier_type"] == kind]
    found = {(row["gt"], row["answer"]) for row in rows if _value(row) != pytest.approx(row["value"], abs=1e-6)}
    assert len(rows) >= 90
    assert found == STILL_WRONG[kind]


def _value(row: dict) -> float:
    """The answer's reward; of boxes that are labelled found or not, whether half overlaps."""
    score = MixedReward(box_frame=row.get("box_frame", "fraction")).score(
        f"<think>…</think><answer>{row['answer']}</answer>",
        row["gt"],
        row["verifier_type"],
        question=row["question"],
        meta=row.get("meta", ""),
    )
    is_found_or_not = row["verifier_type"] == "box" and row["file"] in FOUND_OR_NOT
    return float(half_overlaps(score)) if is_found_or_not else score.value
