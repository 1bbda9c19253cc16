"""The mini world: seeded scenes whose images, questions and ground truth all agree, and splits that share nothing."""

import io
import json
import re
from collections import Counter
from functools import cache
from random import Random

import numpy as np
import pytest
from datasets import Image as EncodedImage
from PIL import Image

from vlaa_helpers.core.answers import extract_answer, parse_response
from vlaa_helpers.core.images import decode_image, image_hash
from vlaa_helpers.core.record_schema import RECORD_COLUMNS, record_features
from vlaa_helpers.data.rows_to_records import verifier_by_source
from vlaa_helpers.mini_world import response_styles as voices
from vlaa_helpers.mini_world.raster import GLYPHS, PALETTE, SIZE, blank, draw_number, draw_shape
from vlaa_helpers.mini_world.scene_kinds import KINDS, PAIRS, SHAPES, UNSEEN_PAIRS, Ask, in_group, with_options
from vlaa_helpers.mini_world.scenes import (
    SOURCES,
    SPLITS,
    check_facts,
    draw_scene,
    make_scenes,
    remake_scene,
    scene_records,
    split_of,
)

DIFFICULTIES = (0, 1, 2)


def facts_of(row):
    return json.loads(row["meta"])["facts"]


def facts_and_task(row):
    meta = json.loads(row["meta"])
    return meta["facts"], meta["task"]


@cache
def world(split, difficulty):
    """600 records of a split, 100 of each source."""
    return list(scene_records(600, seed=11, split=split, difficulty=difficulty))


def rows_of(source, splits=SPLITS, difficulties=DIFFICULTIES):
    rows = [row for split in splits for level in difficulties for row in world(split, level)]
    return [row for row in rows if row["source"] == source]


def pixels(image):
    return np.asarray(image.convert("RGB")).astype(int)


def drawn_extent(source, facts, *, tint=(4, 4, 4)):
    """Left, top, right and bottom of everything that differs from the empty sheet; right and bottom are exclusive."""
    differs = (pixels(draw_scene(source, facts, tint)) != pixels(blank(tint))).any(axis=2)
    rows, columns = np.flatnonzero(differs.any(axis=1)), np.flatnonzero(differs.any(axis=0))
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


# ---- seeds ----


@pytest.mark.parametrize("split", SPLITS)
def test_a_record_can_be_made_again_from_its_id(split):
    for record in (*scene_records(6, seed=-3, split=split, difficulty=2), *scene_records(1, sources="boxes", seed=7)):
        assert remake_scene(record["id"]) == record


@pytest.mark.parametrize(
    "name", ["", "clevr-train-1-0-0", "blocks-dev-1-0-0", "blocks-test-3-0-0", "blocks-test-1-0-0 "]
)
def test_an_id_of_elsewhere_is_none_of_a_scene(name):
    assert remake_scene(name) is None


@pytest.mark.parametrize("split", SPLITS)
def test_the_same_seed_gives_the_same_bytes(split):
    first, second = (list(scene_records(60, seed=5, split=split)) for _ in range(2))
    assert first == second  # images are compared as PNG bytes
    other = list(scene_records(60, seed=6, split=split))
    changed = sum(a["meta"] != b["meta"] for a, b in zip(first, other, strict=True))
    assert changed == 60 and {row["id"] for row in first}.isdisjoint(row["id"] for row in other)


def test_a_longer_run_starts_with_the_shorter_one():
    assert list(scene_records(30, seed=5)) == list(scene_records(18, seed=5)) + list(scene_records(30, seed=5))[18:]


def test_scenes_are_records():
    scenes = make_scenes(12, seed=1)
    assert scenes.features == record_features() and scenes.column_names == list(RECORD_COLUMNS)
    assert scenes.cast_column("image", EncodedImage(decode=False)).to_list() == list(scene_records(12, seed=1))
    assert list(scenes["source"]) == [*SOURCES, *SOURCES] and len(set(scenes["id"])) == 12
    assert all(image.size == (SIZE, SIZE) for image in scenes["image"])
    assert {*scenes["caption"], *scenes["reasoning"], *scenes["response"]} == {""}
    assert make_scenes(0).features == record_features() and len(make_scenes(0)) == 0
    assert set(make_scenes(4, sources=["boxes", "charts"])["source"]) == {"boxes", "charts"}


def test_every_verifier_is_covered():
    assert {kind.verifier_type for kind in KINDS.values()} == {"digit", "choice", "math", "box", "open_ended"}
    assert all(kind.verifier_type == verifier_by_source()[name] for name, kind in KINDS.items())
    assert all(row["verifier_type"] == verifier_by_source()[row["source"]] for row in world("train", 1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sources": ["blocks", "clevr"]}, "unknown mini-world source 'clevr'; expected any of blocks, angles"),
        ({"split": "dev"}, "unknown split 'dev'; expected one of train, validation, test, shifted, text"),
        ({"difficulty": 3}, "difficulty is 0, 1 or 2, got 3"),
        ({"n": -1}, "cannot be negative, got -1"),
    ],
)
def test_unknown_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        make_scenes(**{"n": 6, **options})


def test_unknown_shape():
    with pytest.raises(ValueError, match="unknown shape 'hexagon'; expected circle, square"):
        draw_shape(blank((4, 4, 4)), "hexagon", "red", (0, 0, 9, 9))


# ---- splits ----


def test_splits_share_no_facts_and_no_image():
    facts, hashes = {}, {}
    for split in ("train", "validation", "test", "shifted"):
        settings = [{"seed": seed, "difficulty": level} for seed in (0, 1) for level in DIFFICULTIES]
        rows = [row for options in settings for row in scene_records(360, split=split, **options)]
        facts[split] = {(row["source"], json.dumps(facts_of(row), sort_keys=True)) for row in rows}
        hashes[split] = {image_hash(row["image"]["bytes"]) for row in rows}
        assert len(rows) == 2160 and len(hashes[split]) > 2000
    for one in facts:
        for other in facts:
            if one != other:
                assert not facts[one] & facts[other] and not hashes[one] & hashes[other], (one, other)


def test_the_tint_does_not_decide_the_split_or_hide_a_scene_in_another():
    """A scene drawn with any tint is the same scene: its split comes from the facts alone."""
    for split in ("train", "validation", "test"):
        assert {split_of(facts_of(row)) for row in world(split, 1)} == {split}
    assert {split_of(facts_of(row)) for split in ("shifted", "text") for row in world(split, 1)} == {"test"}


def test_split_shares():
    counts = Counter(split_of({"n": n}) for n in range(20_000))
    assert counts["train"] == pytest.approx(16_000, abs=300)
    assert counts["validation"] == pytest.approx(2_000, abs=200)


def novel_things(source, facts):
    """What of the shifted set's novelty a scene has."""
    if source in ("blocks", "boxes", "stories"):
        return {pair for thing in facts["objects"] if (pair := (thing["colour"], thing["shape"])) in UNSEEN_PAIRS}
    if source == "angles":
        return {"two equal angles"} if len(set(facts["angles"])) < 3 else set()
    if source == "charts":
        return {9} & set(facts["values"])
    return {(facts["a"], facts["b"])} if (facts["a"] + 2 * facts["b"]) % 5 == 0 else set()


@pytest.mark.parametrize("source", SOURCES)
def test_the_shifted_set_shows_what_training_never_does(source):
    for level in DIFFICULTIES:
        assert not any(novel_things(source, facts_of(row)) for row in rows_of(source, ("train", "text"), [level]))
        assert all(novel_things(source, facts_of(row)) for row in rows_of(source, ("shifted",), [level]))


def test_shifted_coefficients_never_occur_in_training():
    def coefficients(split):
        options = {"sources": ["functions"], "split": split, "seed": 3}
        rows = [row for level in DIFFICULTIES for row in scene_records(500, difficulty=level, **options)]
        return {(facts["a"], facts["b"]) for facts in map(facts_of, rows)}

    train, shifted = coefficients("train"), coefficients("shifted")
    assert len(train) > 20 and len(shifted) >= 5 and not train & shifted


def test_unseen_pairs_are_made_of_seen_parts():
    seen = set(PAIRS) - set(UNSEEN_PAIRS)
    for colour, shape in UNSEEN_PAIRS:
        assert any(c == colour for c, _ in seen) and any(s == shape for _, s in seen)


def test_the_shifted_set_has_more_objects():
    for level in DIFFICULTIES:
        for source, least in (("blocks", 7), ("boxes", 4), ("stories", 4)):
            assert all(len(facts_of(row)["objects"]) >= least for row in rows_of(source, ("shifted",), [level]))


def test_difficulty_is_a_dial():
    for source in ("blocks", "boxes", "stories"):
        means = [np.mean([len(facts_of(r)["objects"]) for r in rows_of(source, ("train",), [d])]) for d in DIFFICULTIES]
        assert means[0] < means[1] < means[2]
    steps = [[len(facts_and_task(row)[1]["steps"]) for row in rows_of("blocks", ("train",), [d])] for d in DIFFICULTIES]
    assert set(steps[0]) == {1} and np.mean(steps[0]) < np.mean(steps[1]) < np.mean(steps[2])


def test_the_text_split_says_everything_and_shows_nothing():
    for row in world("text", 1):
        facts, _ = facts_and_task(row)
        assert row["image"] is None and KINDS[row["source"]].words(facts) in row["question"]
        assert row["question"].startswith("Someone says: ")
    assert make_scenes(6, split="text")["image"][:] == [None] * 6
    assert all("Someone says" not in row["question"] for row in world("test", 1))


# ---- ground truth ----


@pytest.mark.parametrize("source", [source for source in SOURCES if source != "stories"])
def test_ground_truth_is_what_the_facts_give(source):
    for row in rows_of(source):
        facts, task = facts_and_task(row)
        answer = voices.solve(source, facts, task)[1]
        if "options" in task:  # the text of the option whose letter is the ground truth
            assert answer == task["value"] == task["options"]["ABCD".index(row["gt"])], row["id"]
        else:
            assert answer == row["gt"], row["id"]


def test_the_full_story_says_more_than_its_reference():
    for row in rows_of("stories"):
        facts, task = facts_and_task(row)
        answer = voices.solve("stories", facts, task)[1]
        assert all(statement in answer for statement in task["wanted"]), row["id"]
        assert check_facts("stories", facts, answer)[1] == 0
        reference = check_facts("stories", facts, row["gt"])
        assert reference[0] >= 1 and reference[1] == 0
        assert reference[0] < check_facts("stories", facts, answer)[0]


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


def test_multiple_choice_has_four_options_and_one_right():
    for source in ("angles", "charts"):
        letters = Counter()
        for row in rows_of(source):
            _, task = facts_and_task(row)
            letters[row["gt"]] += 1
            assert len(set(task["options"])) == 4 and task["options"]["ABCD".index(row["gt"])] == task["value"]
            listed = [f"{option} ({letter})" for letter, option in zip("ABCD", task["options"], strict=True)]
            assert row["question"].endswith(f"Choose one option: {', '.join(listed)}.")
        assert set(letters) == set("ABCD") and min(letters.values()) > 0.18 * letters.total()  # no favourite letter


def test_angles_of_a_triangle():
    for row in rows_of("angles"):
        facts, task = facts_and_task(row)
        unknown = facts["angles"][facts["unknown"]]
        assert sum(facts["angles"]) == 180 and min(facts["angles"]) >= 20
        assert int(task["value"]) == (unknown if task["kind"] == "third" else 180 - unknown)


def test_chart_questions_have_one_answer():
    for row in rows_of("charts"):
        facts, task = facts_and_task(row)
        value_of = dict(zip(facts["colours"], facts["values"], strict=True))
        if task["kind"] in ("highest", "lowest"):
            best = (max if task["kind"] == "highest" else min)(facts["values"])
            assert [colour for colour, value in value_of.items() if value == best] == [task["value"]]
        else:
            assert 0 <= int(task["value"]) <= 18


def value_at(expression, x):
    """An expression such as "y = -2|x| + 1" at x, worked out apart from the code that wrote it."""
    factor, power, constant = re.fullmatch(r"y = (-?\d*)(x\^2|x|\|x\|)( [+-] \d+)?", expression).groups()
    factor = int(factor + "1") if factor in ("", "-") else int(factor)
    value = {"x": x, "x^2": x**2, "|x|": abs(x)}[power]
    return factor * value + int((constant or "0").replace(" ", ""))


def test_functions_are_told_by_their_two_marks():
    for row in rows_of("functions"):
        facts = facts_of(row)
        points = [(int(x), int(y)) for x, y in re.findall(r"\((-?\d+), (-?\d+)\)", KINDS["functions"].words(facts))]
        assert [x for x, _ in points] == [0, facts["mark"]]
        for x, y in points:
            assert value_at(row["gt"], x) == y and abs(y) <= 3, row["id"]


def test_boxes_are_inside_the_image_and_apart():
    for row in rows_of("boxes"):
        boxes = [thing["box"] for thing in facts_of(row)["objects"]]
        gt = json.loads(row["gt"])
        assert gt in boxes
        for x1, y1, x2, y2 in boxes:
            assert 0 <= x1 < x2 <= 1 and 0 <= y1 < y2 <= 1
        for k, (x1, y1, x2, y2) in enumerate(boxes):
            assert all(x2 <= u1 or u2 <= x1 or y2 <= v1 or v2 <= y1 for u1, v1, u2, v2 in boxes[:k])


def test_options_need_three_wrong_answers():
    with pytest.raises(ValueError, match="zip"):
        with_options(Random(0), "q", "1", ["2", "2", "1", "3"], {})
    ask = with_options(Random(0), "q", "1", ["2", "3", "4", "5"], {"kind": "k"})
    assert isinstance(ask, Ask) and set(ask.task["options"]) == {"1", "2", "3", "4"}


# ---- words and facts ----


@pytest.mark.parametrize("source", SOURCES)
def test_the_words_of_a_scene_are_true_and_complete(source):
    for row in rows_of(source, ("train", "shifted")):
        facts = facts_of(row)
        true, false, missing = check_facts(source, facts, KINDS[source].words(facts))
        assert true >= 1 and (false, missing) == (0, 0), row["id"]
        assert check_facts(source, facts, "Nothing to tell.") == (0, 0, true)


@pytest.mark.parametrize("source", SOURCES)
def test_a_wrong_look_is_caught(source):
    """Nearly always: a wrong look may mend itself (blocks), change nothing (charts), or move a box a little."""
    caught = 0
    rows = rows_of(source, ("train",))
    for row in rows:
        facts, rng = facts_of(row), Random(row["id"])
        before = json.dumps(facts)
        wrong = voices.misread(source, facts, rng)
        assert json.dumps(facts) == before, "misread changed the scene itself"
        _, false, missing = check_facts(source, facts, KINDS[source].words(wrong))
        caught += bool(false or missing)
        if wrong == facts:
            assert (false, missing) == (0, 0)
    assert caught >= 0.9 * len(rows)


def test_boxes_are_claimed_by_overlap():
    facts = {"objects": [{"colour": "red", "shape": "circle", "box": [0.1, 0.1, 0.5, 0.5]}]}
    assert check_facts("boxes", facts, "red circle [0.10, 0.10, 0.50, 0.50]") == (1, 0, 0)
    assert check_facts("boxes", facts, "a red circle [0.15, 0.10, 0.50, 0.55].") == (1, 0, 0)
    assert check_facts("boxes", facts, "red circle [0.40, 0.40, 0.80, 0.80]") == (0, 1, 1)
    assert check_facts("boxes", facts, "red square [0.10, 0.10, 0.50, 0.50]") == (0, 1, 1)
    assert check_facts("boxes", facts, "red circle [0.50, 0.50, 0.10, 0.10]") == (0, 1, 1)
    assert check_facts("boxes", facts, "red circle [0.1, 0.5]") == (0, 1, 1)


# ---- pixels ----


def test_blocks_have_their_colour_in_the_middle_of_their_cell():
    for row in rows_of("blocks", ("train", "shifted")):
        image = pixels(decode_image(row["image"]["bytes"]))
        things = {(thing["row"], thing["column"]): thing for thing in facts_of(row)["objects"]}
        for r in range(4):
            for c in range(4):
                centre = tuple(image[28 * r + 14, 28 * c + 14])
                expected = PALETTE[things[r, c]["colour"]] if (r, c) in things else None
                assert centre == expected if expected else min(centre) > 200, (row["id"], r, c)


def test_shapes_touch_their_box_and_differ():
    box = (20, 30, 60, 80)
    areas = {}
    for shape in SHAPES:
        image = blank((4, 4, 4))
        draw_shape(image, shape, "blue", box)
        differs = (pixels(image) != pixels(blank((4, 4, 4)))).any(axis=2)
        rows, columns = np.flatnonzero(differs.any(axis=1)), np.flatnonzero(differs.any(axis=0))
        assert (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1) == box, shape
        areas[shape] = differs.sum()
    assert areas["square"] > areas["circle"] > areas["triangle"] > areas["star"]


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


def test_functions_pass_through_their_marks():
    for row in rows_of("functions", ("train", "shifted")):
        facts = facts_of(row)
        image = pixels(decode_image(row["image"]["bytes"]))
        values = {"line": facts["mark"], "parabola": 1, "vee": 1}
        ends = {0: facts["b"], facts["mark"]: facts["a"] * values[facts["family"]] + facts["b"]}
        for x, y in ends.items():
            assert tuple(image[56 - 14 * y, 56 + 14 * x]) == (20, 20, 20), row["id"]
        assert (image == PALETTE[facts["colour"]]).all(axis=2).sum() > 20, row["id"]


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


def test_glyphs_can_be_told_apart():
    assert set(GLYPHS) == {*"0123456789", "x"} and len(set(GLYPHS.values())) == 11
    assert all(len(dots) == 15 and set(dots) <= {"0", "1"} for dots in GLYPHS.values())


def test_stories_are_dark_at_night_and_things_are_in_their_corner():
    for row in rows_of("stories", ("train", "shifted")):
        facts = facts_of(row)
        image = pixels(decode_image(row["image"]["bytes"]))
        assert (image[55, 55].max() < 128) == (facts["time"] == "night"), row["id"]
        for thing in facts["objects"]:
            x, y = 28 + 56 * ("right" in thing["place"]), 28 + 56 * ("bottom" in thing["place"])
            assert tuple(image[y, x]) == PALETTE[thing["colour"]], row["id"]


def test_images_differ_by_tint_and_grow_redder_and_greener():
    facts = facts_of(world("train", 1)[0])
    assert image_hash(draw_scene("blocks", facts, (0, 0, 0))) != image_hash(draw_scene("blocks", facts, (0, 0, 1)))
    sheet = pixels(blank((9, 0, 3)))
    assert (np.diff(sheet[0, :, 0]) >= 0).all() and sheet[0, -1, 0] - sheet[0, 0, 0] == 24
    assert (np.diff(sheet[:, 0, 1]) >= 0).all() and sheet[-1, 0, 1] - sheet[0, 0, 1] == 24
    assert (sheet[0, 0] == (225, 216, 231)).all() and sheet.max() <= 255


# ---- voices ----


@pytest.mark.parametrize("voice", voices.VOICES)
def test_voices_keep_the_format_at_their_rate(voice):
    kept = []
    for row in (row for level in DIFFICULTIES for row in world("train", level)):
        facts, task = facts_and_task(row)
        response = voices.respond(row["source"], facts, task, Random(row["id"]), voice=voice)
        answer = extract_answer(response)
        kept.append(answer is not None)
        assert parse_response(response).is_strict == kept[-1]
    assert 1 - np.mean(kept) == pytest.approx(
        voices.FORMAT_LOSS[voice], abs=0.04
    )  # 1,800 draws: 3.3 deviations or more


def test_the_format_can_be_asked_for():
    for row in world("train", 1):
        facts, task = facts_and_task(row)
        for voice in voices.VOICES:
            for keep in (True, False):
                rng = Random(row["id"])
                response = voices.respond(row["source"], facts, task, rng, voice=voice, keep_format=keep)
                assert (extract_answer(response) is not None) == keep


def test_the_careful_voice_is_right():
    for row in world("train", 2):
        facts, task = facts_and_task(row)
        response = voices.respond(row["source"], facts, task, Random(0), voice="careful", keep_format=True)
        assert extract_answer(response) == voices.solve(row["source"], facts, task)[1]
        assert KINDS[row["source"]].words(facts) in response


@pytest.mark.parametrize("source", SOURCES)
def test_the_other_voices_are_right_sometimes(source):
    rows = rows_of(source, ("train",))
    for voice in ("shortcut", "ramble"):
        right = 0
        for row in rows:
            facts, task = facts_and_task(row)
            response = voices.respond(source, facts, task, Random(row["id"]), voice=voice, keep_format=True)
            right += extract_answer(response) in (voices.solve(source, facts, task)[1], row["gt"])
        assert 0.25 <= right / len(rows) <= 0.95, (voice, right / len(rows))


def test_responses_are_seeded_and_mixed():
    row = world("train", 1)[0]
    facts, task = facts_and_task(row)
    responses = [voices.respond("blocks", facts, task, Random(seed)) for seed in range(400)]
    assert responses == [voices.respond("blocks", facts, task, Random(seed)) for seed in range(400)]
    openings = Counter(
        "ramble" if "Hmm" in text else "careful" if "I see" in text else "shortcut" if "It looks" in text else "bare"
        for text in responses
    )
    assert openings["ramble"] > 60 and openings["careful"] > 60 and openings["shortcut"] > 100
    with pytest.raises(ValueError, match="unknown voice 'loud'; expected one of careful, shortcut, ramble"):
        voices.respond("blocks", facts, task, Random(0), voice="loud")


def test_a_nudged_box_stays_in_the_image_and_keeps_its_size():
    for row in rows_of("boxes", ("train",)):
        for thing in facts_of(row)["objects"]:
            x1, y1, x2, y2 = thing["box"]
            u1, v1, u2, v2 = voices.nudge_box(thing["box"], Random(row["id"]))
            assert 0 <= u1 < u2 <= 1 and 0 <= v1 < v2 <= 1
            assert (u2 - u1, v2 - v1) == pytest.approx((x2 - x1, y2 - y1), abs=0.011)


def test_images_are_stored_as_png():
    rows = scene_records(60, seed=2)
    assert all(Image.open(io.BytesIO(row["image"]["bytes"])).format == "PNG" for row in rows)
