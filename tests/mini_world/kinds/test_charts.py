"""Charts: questions with one answer, bars and points as high as their values."""

import numpy as np
from scene_rows import facts_and_task, facts_of, pixels, rows_of

from vlaa_helpers.core.images import decode_image
from vlaa_helpers.mini_world.raster import PALETTE


def test_chart_questions_have_one_answer():
    for row in rows_of("charts"):
        facts, task = facts_and_task(row)
        value_of = dict(zip(facts["colours"], facts["values"], strict=True))
        if task["kind"] in ("highest", "lowest"):
            best = (max if task["kind"] == "highest" else min)(facts["values"])
            assert [colour for colour, value in value_of.items() if value == best] == [task["value"]]
        else:
            assert 0 <= int(task["value"]) <= 18


def test_bars_and_points_are_as_high_as_their_values():
    for row in rows_of("charts", ("train", "shifted")):
        facts = facts_of(row)
        image = pixels(decode_image(row["image"]["bytes"]))
        for k, (colour, value) in enumerate(zip(facts["colours"], facts["values"], strict=True)):
            column = image[:, 28 * k + 14]
            lit = np.flatnonzero((column == PALETTE[colour]).all(axis=1))
            if facts["style"] == "bar":
                assert (lit[0], lit[-1]) == (110 - 11 * value, 110) and len(lit) == 11 * value + 1, row["id"]
            else:
                centre = 110 - 11 * value
                assert (lit[0], lit[-1]) == (centre - 5, centre + 5), row["id"]
