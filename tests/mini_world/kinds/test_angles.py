"""Angles: triangles whose angles add up, with the labels at their corners."""

import numpy as np
from scene_rows import facts_and_task, facts_of, pixels, rows_of

from vlaa_helpers.core.images import decode_image
from vlaa_helpers.mini_world.raster import blank, draw_number


def test_angles_of_a_triangle():
    for row in rows_of("angles"):
        facts, task = facts_and_task(row)
        unknown = facts["angles"][facts["unknown"]]
        assert sum(facts["angles"]) == 180 and min(facts["angles"]) >= 20
        assert int(task["value"]) == (unknown if task["kind"] == "third" else 180 - unknown)


def test_angles_are_written_at_their_corners():
    for row in rows_of("angles", ("train", "shifted"))[:120]:
        facts = facts_of(row)
        image = pixels(decode_image(row["image"]["bytes"]))
        corners = ((42 if facts["apex"] == 0 else 70, 14), (14, 98), (98, 98))
        for place, (corner, angle) in enumerate(zip(corners, facts["angles"], strict=True)):
            text = "x" if place == facts["unknown"] else str(angle)
            alone = blank((4, 4, 4))
            draw_number(alone, text, corner)
            ink = (pixels(alone) == 20).all(axis=2)
            x, y = corner
            window = np.s_[y - 10 : y + 10, x - 14 : x + 14]
            assert ((image[window] == 20).all(axis=2) == ink[window]).all(), (row["id"], place)
            assert ink.sum() == ink[window].sum(), "a number is cut off"
