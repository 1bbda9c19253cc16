"""Sentences that state a box: of what thing, and what the clauses beside it may say."""

from time import process_time

import pytest
from reward_samples import said

from vlaa_helpers.rewards.box import box_reward
from vlaa_helpers.rewards.box_marks import marked_boxes

BOX = "[0.1, 0.2, 0.5, 0.6]"


def paid(answer: str, question: str) -> float:
    return box_reward(said(answer.replace("BOX", BOX)), BOX, question=question).value


@pytest.mark.parametrize(
    ("question", "right", "wrong"),
    [
        (
            "Where is the cup?",
            [
                "The cup is on the desk. Its bounding box is BOX.",
                "The cup is on the left side of the image, with the bounding box BOX.",
                "There is one cup in the image. It is located at BOX.",
                "The cup stands on the desk next to a lamp: BOX",
                "The cup, a blue one, is at BOX.",
                "BOX shows the cup.",
                "BOX, since the cup is on the left.",
                "- Object: cup\n- Bounding box: BOX",
                "| Object | Box |\n|---|---|\n| cup | BOX |",
            ],
            [
                "The cup is on the desk. The desk is at BOX.",
                "The desk is brown. Its bounding box is BOX.",
                "The cup is on the desk, which is at BOX.",
                "The cup is on the desk BOX.",
                "The cup is on a desk located at BOX.",
                "The cup is looking at BOX.",
                "BOX shows the desk.",
                "BOX, as the desk is there.",
                "Here is the desk: BOX",
                "It is the desk at BOX.",
                "BOX. The desk is brown.",
                "On the left there is a desk. Its bounding box is BOX.",
                "There are two desks. The one on the left is at BOX.",
                "- Object: desk\n- Bounding box: BOX",
                "The cup is on the desk: maybe BOX.",
                "The cup is at BOX? No.",
                "The cups are at BOX.",
            ],
        ),
        (
            "Provide the bounding box of the region this sentence describes: the girl in a pink dress on the left.",
            [
                "The girl on the left is wearing a pink dress. Her bounding box is BOX.",
                "The girl wearing a pink dress is at BOX.",
                "The left girl in the pink dress is at BOX.",
                "The region that shows the girl in a pink dress is BOX.",
            ],
            [
                "The girl on the right is at BOX.",
                "The girl in a blue dress is at BOX.",
                "The girl is next to a boy, and his bounding box is BOX.",
                "The pink dress is at BOX.",
            ],
        ),
        (
            "Locate the chair closest to the window.",
            ["The chair is at BOX.", "There are three chairs. The one closest to the window is at BOX."],
            ["The chair closest to the door is at BOX.", "The chair next to the one closest to the window is at BOX."],
        ),
        (
            "Find the text 'SALE' in the image.",
            ["SALE: BOX", "The word SALE is at BOX.", '{"bbox_2d": BOX, "text_content": "SALE"}'],
            ["The text 'OPEN' is at BOX.", "The image is at BOX."],
        ),
        (
            "What is the boy's hat's bounding box?",
            ["The hat of the boy is at BOX.", "The boy is wearing a hat. The hat is at BOX."],
            ["The boy is wearing a hat. The boy is at BOX.", "The boy is at BOX."],
        ),
        ("Where is the number 7 on the door?", ["The number 7 is at BOX."], ["The number 3 is at BOX."]),
        ("Where is the lid of the jar?", ["The jar's lid is at BOX."], ["The label of the jar is at BOX."]),
        ("Where is the lamp that is turned on?", ["The lamp is at BOX."], ["The lamp that is turned off is at BOX."]),
        ("Where is the vase with flowers?", ["The vase is at BOX."], ["The empty vase is at BOX."]),
        ("Where is a pair of scissors?", ["The scissors are at BOX."], ["A pair of shoes is at BOX."]),
        ("Where is the house with the red door?", ["The house that has a red door: BOX"], ["The red house is at BOX."]),
        (
            "Where is the trash can by the door?",
            ["The trash can is at BOX."],
            ["The trash can by the window is at BOX."],
        ),
        ("Where is the striped cat?", ["The striped gray cat is at BOX."], ["The black cat is at BOX."]),
        ("Where is the man on the ladder?", ["The man is at BOX."], ["The man next to the ladder is at BOX."]),
        ("Which bounding box contains the spoon?", ["BOX contains the spoon."], ["BOX contains the fork."]),
    ],
)
def test_a_box_is_of_the_thing_of_which_its_clause_speaks(question, right, wrong):
    rewards = {answer: paid(answer, question) for answer in right + wrong}
    assert rewards == dict.fromkeys(right, 1.0) | dict.fromkeys(wrong, 0.0)


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        ('{"bbox_2d": BOX, "label": "cat", "sub_label": "sleeping"}', 1),
        ('{"bbox_2d": BOX, "label": "cat", "color": "black"}', 1),
        ('{"id": 3, "bbox_2d": BOX, "label": "black_cat"}', 1),
        ('{"bbox_2d": BOX, "label": "cat", "color": "white"}', 0),
        ('{"bbox_2d": BOX, "label": "dog", "sub_label": "cat"}', 0),
        ('{"bbox_2d": BOX, "label": "cat", "note": "not sure"}', 0),
        ('Here is the box in JSON format:\n```json\n{"bbox_2d": BOX}\n```', 1),
    ],
)
def test_notes_beside_a_label(answer, value):
    assert paid(answer, "Where is the black cat?") == value


@pytest.mark.parametrize(
    ("text", "boxes"),
    [
        ("The left edge is at 0.1, the top edge is at 0.2, the right edge is at 0.5 and the bottom edge is at 0.6.", 1),
        ("top-left corner: (0.1, 0.2)\nbottom-right corner: (0.5, 0.6)", 1),
        ("[0.1, 0.2, 0.5, 0.6], normalized to [0, 1]", 1),
        ("[0.1, 0.2, 0.5, 0.6] and [0.1, 0.2, 0.5, 0.7]", 2),
        ("[0.1, 0.2, 0.5]", 0),
        ("10%, 20%, 50%, 60%", 0),
    ],
)
def test_boxes_are_marked_in_a_text(text, boxes):
    assert len(marked_boxes(text)[1]) == boxes


@pytest.mark.parametrize("piece", ["left of ", "top-left corner ", "(0.1, 0.2) ", "[", '"a": "b" ', "it is there. "])
def test_no_answer_takes_long(piece):
    start = process_time()
    paid((piece * 2000)[:1950] + " The cup is at BOX.", "Where is the red cup to the left of the blue plate?")
    assert process_time() - start < 0.2
