"""Blocks: counts that are one digit and hold, colours in the middle of their cells."""

from scene_rows import facts_and_task, facts_of, pixels, rows_of

from vlaa_helpers.core.images import decode_image
from vlaa_helpers.mini_world.kinds import in_group
from vlaa_helpers.mini_world.raster import PALETTE


def test_counts_are_one_digit_and_worked_out_apart_from_the_solver():
    for row in rows_of("blocks"):
        facts, task = facts_and_task(row)
        left, added = list(facts["objects"]), 0
        for step in task["steps"]:
            if step["op"] == "add":
                added += step["count"]
                assert f"dd {step['count']} {step['colour']} {step['shape']}" in row["question"]
            else:
                assert added == 0, "a group must not be taken away after more of it came"
                left = [thing for thing in left if not in_group(thing, step["colour"], step["shape"])]
        assert row["gt"] in set("0123456789") and int(row["gt"]) == len(left) + added


def test_blocks_have_their_colour_in_the_middle_of_their_cell():
    for row in rows_of("blocks", ("train", "shifted")):
        image = pixels(decode_image(row["image"]["bytes"]))
        things = {(thing["row"], thing["column"]): thing for thing in facts_of(row)["objects"]}
        for r in range(4):
            for c in range(4):
                centre = tuple(image[28 * r + 14, 28 * c + 14])
                expected = PALETTE[things[r, c]["colour"]] if (r, c) in things else None
                assert centre == expected if expected else min(centre) > 200, (row["id"], r, c)
