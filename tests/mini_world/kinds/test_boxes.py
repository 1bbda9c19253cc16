"""Boxes: inside the image and apart, drawn where the facts say, claimed by overlap."""

import json
from random import Random

import numpy as np
import pytest
from scene_rows import drawn_extent, facts_of, pixels, rows_of

from vlaa_helpers import find_claims
from vlaa_helpers.core.images import decode_image
from vlaa_helpers.mini_world.kinds.boxes import nudge_box
from vlaa_helpers.mini_world.raster import SIZE, blank
from vlaa_helpers.mini_world.scenes import check_facts


def test_boxes_are_inside_the_image_and_apart():
    for row in rows_of("boxes"):
        boxes = [thing["box"] for thing in facts_of(row)["objects"]]
        gt = json.loads(row["gt"])
        assert gt in boxes
        for x1, y1, x2, y2 in boxes:
            assert 0 <= x1 < x2 <= 1 and 0 <= y1 < y2 <= 1
        for k, (x1, y1, x2, y2) in enumerate(boxes):
            assert all(x2 <= u1 or u2 <= x1 or y2 <= v1 or v2 <= y1 for u1, v1, u2, v2 in boxes[:k])


def test_boxes_are_claimed_by_overlap():
    facts = {"objects": [{"colour": "red", "shape": "circle", "box": [0.1, 0.1, 0.5, 0.5]}]}
    assert check_facts("boxes", facts, "red circle [0.10, 0.10, 0.50, 0.50]") == (1, 0, 0)
    assert check_facts("boxes", facts, "a red circle [0.15, 0.10, 0.50, 0.55].") == (1, 0, 0)
    assert check_facts("boxes", facts, "red circle [0.40, 0.40, 0.80, 0.80]") == (0, 1, 1)
    assert check_facts("boxes", facts, "red square [0.10, 0.10, 0.50, 0.50]") == (0, 1, 1)
    assert check_facts("boxes", facts, "red circle [0.50, 0.50, 0.10, 0.10]") == (0, 1, 1)
    assert check_facts("boxes", facts, "red circle [0.1, 0.5]") == (0, 1, 1)


def test_boxes_are_where_the_facts_say():
    for row in rows_of("boxes", ("train", "shifted"))[:200]:
        facts = facts_of(row)
        inside = np.zeros((SIZE, SIZE), dtype=bool)
        for thing in facts["objects"]:
            x1, y1, x2, y2 = (round(SIZE * v) for v in thing["box"])
            assert drawn_extent("boxes", {"objects": [thing]}) == (x1, y1, x2, y2), row["id"]
            inside[y1:y2, x1:x2] = True
        tint = json.loads(row["meta"])["tint"]
        differs = (pixels(decode_image(row["image"]["bytes"])) != pixels(blank(tuple(tint)))).any(axis=2)
        assert differs.any() and not (differs & ~inside).any()


def test_a_nudged_box_stays_in_the_image_and_keeps_its_size():
    for row in rows_of("boxes", ("train",)):
        for thing in facts_of(row)["objects"]:
            x1, y1, x2, y2 = thing["box"]
            u1, v1, u2, v2 = nudge_box(thing["box"], Random(row["id"]))
            assert 0 <= u1 < u2 <= 1 and 0 <= v1 < v2 <= 1
            assert (u2 - u1, v2 - v1) == pytest.approx((x2 - x1, y2 - y1), abs=0.011)


@pytest.mark.parametrize(("right", "holds"), [("0.5", True), ("0.499", False)])
def test_half_an_overlap_is_enough(right, holds):
    """The box [0, 0, 1, 1] against its left half: an IoU of exactly 0.5."""
    facts = {"objects": [{"colour": "red", "shape": "circle", "box": [0.0, 0.0, 1.0, 1.0]}]}
    text = f"red circle [0.000, 0.000, {right}, 1.000]"
    assert check_facts("boxes", facts, text) == ((1, 0, 0) if holds else (0, 1, 1))
    assert [claim.verdict for claim in find_claims("boxes", facts, text)] == ["true" if holds else "false"]
