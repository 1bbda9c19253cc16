"""Boxes: the IoU, how a box is written, and the frame that it is written in."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reward_samples import said

from vlaa_helpers.core.boxes import box_iou
from vlaa_helpers.rewards.box import box_reward, read_box

corner = st.integers(-100, 100).map(lambda k: k / 20)
boxes = st.tuples(corner, corner, corner, corner)
real_boxes = boxes.filter(lambda b: b[0] < b[2] and b[1] < b[3])


@given(boxes, boxes)
def test_iou_is_symmetric_and_a_share(a, b):
    assert box_iou(a, b) == box_iou(b, a)
    assert 0 <= box_iou(a, b) <= 1


@given(real_boxes)
def test_iou_of_a_box_with_itself_is_one(box):
    assert box_iou(box, box) == 1


@given(real_boxes, real_boxes)
def test_iou_equals_the_exact_one(a, b):
    a, b = [Fraction(v) for v in a], [Fraction(v) for v in b]
    shared = max(0, min(a[2], b[2]) - max(a[0], b[0])) * max(0, min(a[3], b[3]) - max(a[1], b[1]))
    total = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)) - shared
    assert box_iou([float(v) for v in a], [float(v) for v in b]) == pytest.approx(float(shared / total), abs=1e-12)


@pytest.mark.parametrize(
    ("a", "b", "iou"),
    [
        ((0, 0, 1, 1), (2, 2, 3, 3), 0),
        ((0, 0, 1, 1), (1, 0, 2, 1), 0),  # they touch
        ((0, 0, 2, 2), (1, 1, 3, 3), 1 / 7),
        ((0, 0, 2, 2), (0, 0, 1, 2), 1 / 2),
        ((0, 0, 4, 4), (1, 1, 3, 3), 1 / 4),
        ((0, 0, 0, 1), (0, 0, 1, 1), 0),
        ((1, 1, 0, 0), (0, 0, 1, 1), 0),
    ],
)
def test_iou_by_hand(a, b, iou):
    assert box_iou(a, b) == pytest.approx(iou)


@pytest.mark.parametrize(
    ("text", "box"),
    [
        ("[0.1, 0.2, 0.5, 0.6]", [0.1, 0.2, 0.5, 0.6]),
        ("[.1, .2, .5, .6]", [0.1, 0.2, 0.5, 0.6]),
        ("(0,0) (1,1)", [0, 0, 1, 1]),
        ("x1=", None),
        ("[0.1, 0.2, 0.5]", None),
        ("[0.5, 0.2, 0.1, 0.6]", [0.1, 0.2, 0.5, 0.6]),  # corners in another order: the same box
        ("[0.1, 0.2, 0.1, 0.6]", [0.1, 0.2, 0.1, 0.6]),
        ('{"bbox_2d": [0.1, 0.2, 0.5, 0.6], "label": "cup 7"}', [0.1, 0.2, 0.5, 0.6]),
        ('{"x1": 0.1, "y1": 0.2, "x2": 0.5, "y2": 0.6}', [0.1, 0.2, 0.5, 0.6]),
        ('[{"bbox_2d": [0, 0, 1, 1]}, {"bbox_2d": [0, 0, 1, 1]}]', None),
        ("[0, 0, " + "9" * 400 + ", 1]", None),
    ],
)
def test_read_box(text, box):
    assert read_box(text) == box


@pytest.mark.parametrize(
    ("answer", "value", "reason"),
    [
        ("[0.0, 0.0, 1.0, 1.0]", 1.0, "correct"),
        ("0 0 1 1", 1.0, "correct"),
        ("[0.0, 0.0, 0.5, 1.0]", 0.5, "partial"),
        ("[0.0, 0.0, 0.3, 1.0]", 0.3, "partial"),
        ("[1.0, 1.0, 0.0, 0.0]", 1.0, "correct"),
        ("[2, 2, 3, 3]", 0.0, "out_of_range"),
        ("[-0.1, 0, 1, 1]", 0.0, "out_of_range"),
        ("[0, 0, 1000, 1000]", 0.0, "out_of_range"),
        ("[0, 0, 1, 1] [0, 0, 0.5, 1]", 0.0, "ambiguous"),
        ("[0, 0, 1, 1, 1]", 0.0, "ambiguous"),
        ("[0, 0, 1]", 0.0, "unreadable"),
        ("[1, 0, 0, 1]", 1.0, "correct"),
        ("[0, 0, 0, 0]", 0.0, "wrong"),
        ("[0.2, 0.2, 0.2, 0.9]", 0.0, "wrong"),
        ("left", 0.0, "unreadable"),
    ],
)
def test_box_reward_is_the_iou(answer, value, reason):
    score = box_reward(said(answer), "[0.0, 0.0, 1.0, 1.0]")
    assert (score.value, score.reason) == (pytest.approx(value), reason)


@pytest.mark.parametrize(
    ("answer", "options", "value"),
    [
        ("[0, 0, 500, 1000]", {"frame": "thousand"}, 0.5),
        ("[0, 0, 1001, 1000]", {"frame": "thousand"}, 0.0),
        ("[0, 0, 320, 240]", {"frame": "pixel", "size": (640, 240)}, 0.5),
        ("[0, 0, 640, 241]", {"frame": "pixel", "size": (640, 240)}, 0.0),
    ],
)
def test_boxes_in_a_named_frame(answer, options, value):
    assert box_reward(said(answer), "[0.0, 0.0, 1.0, 1.0]", **options).value == pytest.approx(value)


@pytest.mark.parametrize(
    ("options", "gt", "words"),
    [
        ({"frame": "inches"}, "[0, 0, 1, 1]", "unknown frame 'inches'; expected one of fraction, thousand, pixel"),
        ({"frame": "pixel"}, "[0, 0, 1, 1]", r"needs size=\(width, height\)"),
        ({}, "the cup", "ground truth 'the cup' is not a box"),
    ],
)
def test_what_a_box_cannot_be_compared_with_is_said(options, gt, words):
    with pytest.raises(ValueError, match=words):
        box_reward(said("[0, 0, 1, 1]"), gt, **options)


@pytest.mark.parametrize(
    ("answer", "question", "value"),
    [
        ('{"bbox_2d": [0, 0, 1, 1], "label": "cup 3"}', "", 1),
        ('{"bbox_2d": [0, 0, 1, 1], "label": "red cup"}', "Where is the red cup?", 1),
        ('{"bbox_2d": [0, 0, 1, 1], "label": "red plate"}', "Where is the red cup?", 0),
        ('{"bbox_2d": [0, 0, 1, 1], "label": "maybe the other one"}', "", 0),
        ('{"bbox_2d": [0, 0, 1, 1], "label": "wrong"}', "", 0),
        ("box: 'nothing here' [0, 0, 1, 1]", "", 0),
        ('{"bbox_2d": [0, 0, 1, 1], "score": "doubtful"}', "", 0),
    ],
)
def test_a_quoted_text_is_read_and_is_a_label_behind_that_word(answer, question, value):
    assert box_reward(said(answer), "[0, 0, 1, 1]", question=question).value == value


BESIDE = "Where is the red cup to the left of the blue plate? Give the bounding box."
DOG = "Where is the dog?"


@pytest.mark.parametrize(
    ("answer", "question", "value"),
    [
        ("The red cup is at [0, 0, 1, 1].", BESIDE, 1),
        ("The cup to the left of the blue plate is at [0, 0, 1, 1].", BESIDE, 1),
        ("The cup's bounding box is [0, 0, 1, 1].", BESIDE, 1),
        ("The blue plate is at [0, 0, 1, 1].", BESIDE, 0),
        ("plate [0, 0, 1, 1]", BESIDE, 0),
        ("to the left of the blue plate: [0, 0, 1, 1]", BESIDE, 0),
        ('{"bbox_2d": [0, 0, 1, 1], "label": "blue plate"}', BESIDE, 0),
        ("<|object_ref_start|>blue plate<|object_ref_end|><|box_start|>(0,0),(1,1)<|box_end|>", BESIDE, 0),
        ("The blue cup is at [0, 0, 1, 1].", BESIDE, 0),
        ('{"bbox_2d": [0, 0, 1, 1], "label": "brown dog"}', DOG, 1),
        ('{"bbox_2d": [0, 0, 1, 1], "label": "brown cat"}', DOG, 0),
        ('{"bbox_2d": [0, 0, 1, 1], "label": "brown dog"}', "Where is the black dog?", 0),
        ('```json\n{"bbox_2d": [0, 0, 1, 1], "label": "dog", "confidence": 0.9}\n```', DOG, 1),
        ('{"bbox_2d": [0, 0, 1, 1], "confidence": "none"}', DOG, 0),
        ('{"bbox_2d": [0, 0, 1, 1], "confidence": 7}', DOG, 0),
        ('{"box_2d": [0, 0, 1, 1]}', DOG, 1),
        ("The bounding box for the dog is [0, 0, 1, 1].", DOG, 1),
        ("The bounding box for the cat is [0, 0, 1, 1].", DOG, 0),
        ("The dog is located in the region [0, 0, 1, 1].", DOG, 1),
        ("The top-left corner is (0, 0) and the bottom-right corner is (1, 1).", DOG, 1),
        ("The top-left corner is (0, 0) and the top-right corner is (1, 1).", DOG, 0),
        ('{"bbox_2d": [0, 0, 1, 1], "label": "none"}', "", 0),
        ('{"bbox_2d": [0, 0, 1, 1], "label": "the man"}', "The region that this describes: the man with a red hat.", 1),
        ('{"bbox_2d": [0, 0, 1, 1], "label": "red hat"}', "The region that this describes: the man with a red hat.", 0),
    ],
)
def test_a_box_is_of_the_thing_that_is_asked_for(answer, question, value):
    assert box_reward(said(answer), "[0, 0, 1, 1]", question=question).value == value


@pytest.mark.parametrize(
    ("question", "right", "wrong"),
    [
        (
            "In the image there is a dog and a cat. Locate the cat and return its bounding box.",
            ["The cat is at", "The bounding box of the cat is"],
            ["The dog is at", "The dog and the cat:", "no cat:"],
        ),
        (
            "Ground the referring expression: left guy with glasses.",
            ["The left guy with glasses:", "The guy:"],
            ["The right guy with glasses:", "The glasses:", "The guy without glasses:"],
        ),
        ("Where is the car parked next to the building?", ["The car parked next to the building:"], ["The building:"]),
        ("Which object is used to cut bread?", ["The knife is at"], ["The bread is at", "not a knife:"]),
        (
            "Where is the person who is not wearing a hat?",
            ["The person not wearing a hat:"],
            ["The person wearing a hat:"],
        ),
    ],
)
def test_a_box_is_of_the_thing_asked_for(question, right, wrong):
    box = "[0.1, 0.2, 0.5, 0.6]"
    paid = {words: box_reward(said(f"{words} {box}"), box, question=question).value for words in right + wrong}
    assert paid == dict.fromkeys(right, 1.0) | dict.fromkeys(wrong, 0.0)
