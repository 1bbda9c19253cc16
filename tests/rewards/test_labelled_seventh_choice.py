"""Thirteen sets of 150 choices, each labelled before the verifier was run on it; half of the answers are right.

At the first run it agreed with 125, 125, 134, 134, 131, 141, 139, 142, 143, 143, 135, 142 and 145 labels of the sets
in turn, and paid 0, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 0 and 0 wrong answers. Each set is from another angle: one sentence;
several with a description of the picture; reasons behind; working before; passives, and options in one line; many
questions; Markdown and JSON; wrong answers that quote the right option; and five more draws of the everyday mix. After
each set the verifier was mended, so that the rows hold what was learned and the counts tell how it does on new answers.
"""

import json
from pathlib import Path

from vlaa_helpers.rewards.choice import choice_reward

SAMPLES = Path(__file__).parents[1] / "samples" / "labelled_seventh_choice.jsonl"
ROWS = [json.loads(line) for line in SAMPLES.read_text(encoding="utf-8").splitlines()]
STILL_REFUSED = {
    ("B", "The blue spectrum peaks at approximately 450 nm."),
    ("B", "The superconducting region is Region II."),
    ("A", "The letter X labels the root."),
    ("A", "The speed of B is 2 times higher than that of A."),
    ("C", "2018, when the bar is below zero."),
    ("D", "f(2) = 2² + 3 = 7"),
    ("D", "The sides are in the ratio 2:3, so the areas are in the ratio 4:9."),
    ("A", "The check was for $1,250.00."),
    ("B", "The arrow F represents the friction force."),
    ("B", "No, it was conducted at 4 K."),
    ("A", "The lamp is to the left of the bed."),
    ("A", "The lamp is on the left of the bed."),
    ("C", "Salaries take up 45% of the budget."),
    ("D", "Panel (b) of the figure illustrates the experimental setup with a laser and two mirrors."),
    ("C", "Tissue 3 is cartilage, since it has lacunae."),
    ("A", "The lowest temperature is -10°C, recorded in January."),
}
"""Ground truth and answer of the right answers that are not read."""


def test_all_but_the_known_answers_are_judged_rightly():
    refused, paid = set(), set()
    for row in ROWS:
        score = choice_reward(f"<think>…</think><answer>{row['answer']}</answer>", row["gt"], question=row["question"])
        if score.value != row["value"]:
            (paid if score.value else refused).add((row["gt"], row["answer"]))
    assert paid == set()
    assert refused == STILL_REFUSED


def test_the_sets_are_whole_and_half_of_each_is_right():
    assert len(ROWS) == 13 * 150
    assert {sum(row["value"] for row in ROWS if row["set"] == number) for number in range(1, 14)} == {75}
