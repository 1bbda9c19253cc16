"""Stories: dark at night, things in their corner, and more to say than the reference does."""

from scene_rows import facts_and_task, facts_of, pixels, rows_of

from vlaa_helpers.core.images import decode_image
from vlaa_helpers.mini_world import response_styles
from vlaa_helpers.mini_world.raster import PALETTE
from vlaa_helpers.mini_world.scenes import check_facts


def test_the_full_story_says_more_than_its_reference():
    for row in rows_of("stories"):
        facts, task = facts_and_task(row)
        answer = response_styles.solve("stories", facts, task)[1]
        assert all(statement in answer for statement in task["wanted"]), row["id"]
        assert check_facts("stories", facts, answer)[1] == 0
        reference = check_facts("stories", facts, row["gt"])
        assert reference[0] >= 1 and reference[1] == 0
        assert reference[0] < check_facts("stories", facts, answer)[0]


def test_stories_are_dark_at_night_and_things_are_in_their_corner():
    for row in rows_of("stories", ("train", "shifted")):
        facts = facts_of(row)
        image = pixels(decode_image(row["image"]["bytes"]))
        assert (image[55, 55].max() < 128) == (facts["time"] == "night"), row["id"]
        for thing in facts["objects"]:
            x, y = 28 + 56 * ("right" in thing["place"]), 28 + 56 * ("bottom" in thing["place"])
            assert tuple(image[y, x]) == PALETTE[thing["colour"]], row["id"]
