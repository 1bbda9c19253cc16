"""Counts labelled before the code was run on them, in sets that each look at answers from another side.

Each set was written and labelled before the code was run on it, and the disagreements were mended before the next one
was written. FIRST_RUN says how many labels held at that first run, and how many wrong answers were paid.
"""

import json
from collections import Counter
from pathlib import Path

import pytest

from vlaa_helpers.rewards.digit import digit_reward

SAMPLES = Path(__file__).parents[1] / "samples" / "labelled_seventh_digit.jsonl"
ROWS = [json.loads(line) for line in SAMPLES.read_text(encoding="utf-8").splitlines()]
FIRST_RUN = {
    "bare forms, LaTeX, one full sentence": (150, 130, 1),
    "working then conclusion, pictures described": (151, 121, 0),
    "markdown, lists, JSON, reasons behind": (150, 131, 0),
    "passive, plain English, documents": (160, 128, 2),
    "all manners mixed": (154, 135, 5),
    "fragments, labels, slips of grammar": (146, 130, 1),
    "conclusions of CLEVR-Math": (149, 136, 3),
    "the gold in another statement": (138, 120, 3),
    "one statement and one remark": (156, 139, 4),
    "every manner once": (121, 114, 0),
    "one sentence with a step or a remark": (120, 114, 2),
    "other things and verbs": (102, 97, 1),
    "plain sentences": (78, 75, 1),
}
"""For each set its rows, the labels that held at the first run, and the wrong answers that were paid then."""
STILL_WRONG = {
    ("How many people are in the image?", "One man"),
    ("How many more students like football than tennis?", "12 students more like football than tennis."),
    ("How many employees are listed in the table?", "The table contains the names of 9 employees."),
    ("How many giraffes are eating from the tree?", "The tree is being eaten by 2 giraffes."),
    ("How many times does the word 'total' appear in the document?", "The total is 3."),
    (
        "Add 3 small purple cubes. How many small cubes are there?",
        "There were 5 small cubes. With the 3 small purple cubes, there are 8 small cubes.",
    ),
    ("What is the number of students in grade 5?", "In the fifth grade there are 24 students."),
    ("How many dogs are there in the image?", "The image shows a man with one dog."),
    ("How many balloons does the girl hold?", "She holds 3 balloons in her hand."),
    ("How many balloons does the girl hold?", "There are 3 balloons in the girl's hand."),
    (
        "Subtract all small purple matte blocks. Subtract all blue shiny spheres. How many objects are left?",
        "6 objects left after removing.",
    ),
    ("How many different types of fruit are sold in the store?", "There are 5 fruits sold in the store."),
    ("Subtract all red cubes. How many cubes are left?", "3 non-red cubes are left."),
    ("How many objects are both blue and made of metal?", "There are two blue metal objects."),
    (
        "How many other things are the same color as the large sphere?",
        "The large sphere is red. There is one other red thing, the small cube.",
    ),
    ("How many bars have a value less than 10?", "3 bars have values below 10."),
    ("What is the number of hydrogen atoms in the molecule?", "C2H6O has 6 hydrogen atoms."),
    ("What is the number of hydrogen atoms in the molecule?", "6 hydrogen atoms, 2 carbon atoms and 1 oxygen atom"),
    (
        "In how many years was the revenue above 50 million?",
        "The revenue was above 50 million in 4 years: 2015, 2016, 2018, and 2019.",
    ),
    ("How many zebras are drinking water?", "The two zebras in front are drinking water."),
    ("What is the number of odd numbers on the board?", "Three numbers on the board are odd."),
    ("How many more votes did Kim get than Lee?", "45 - 30 = 15 votes"),
    (
        "Subtract all tiny gray shiny cylinders. Subtract all big green matte cubes. How many objects are left?",
        "After the two subtractions, there are five objects left.",
    ),
    ("How many chairs are in the room?", "There are four chairs around the table in the room."),
    ("How many categories are shown in the bar chart?", "The bar chart has seven categories on the x-axis."),
    ("How many countries are shown in the graph?", "The graph shows data for 9 countries."),
    ("How many birds are flying?", "The number of flying birds is 2."),
    ("How many flowers are in the vase?", "The vase is filled with 7 flowers."),
    (
        "How many data points are in the scatter plot?",
        "The scatter plot contains 20 data points, most of which lie near the line.",
    ),
    ("How many men are wearing ties?", "The three men on the left are wearing ties."),
}
"""Question and answer of the rows that are judged wrongly today. All are right and refused but "The total is 3.",
which is paid, for "total" is taken for the sum that answers speak of. The aim is none."""


def is_held(row: dict) -> bool:
    score = digit_reward(f"<think>…</think><answer>{row['answer']}</answer>", row["gt"], question=row["question"])
    return score.value == row["value"]


def test_only_the_known_answers_are_judged_wrongly():
    assert {(row["question"], row["answer"]) for row in ROWS if not is_held(row)} == STILL_WRONG


def test_the_sets_are_whole():
    assert Counter(row["set"] for row in ROWS) == {name: rows for name, (rows, _, _) in FIRST_RUN.items()}
    assert 0.4 < sum(row["value"] for row in ROWS) / len(ROWS) < 0.6


@pytest.mark.parametrize("name", FIRST_RUN)
def test_no_set_has_fallen_behind_its_first_run(name):
    rows = [row for row in ROWS if row["set"] == name]
    assert sum(map(is_held, rows)) >= FIRST_RUN[name][1]
