"""The mini world: seeded scenes whose records can be made again, and splits that share nothing."""

import io
import json
from collections import Counter

import pytest
from datasets import Image as EncodedImage
from PIL import Image
from scene_rows import DIFFICULTIES, facts_and_task, facts_of, world

from vlaa_helpers.core.images import image_hash
from vlaa_helpers.core.record_schema import RECORD_COLUMNS, record_features
from vlaa_helpers.mini_world.kinds import KINDS, SOURCES
from vlaa_helpers.mini_world.raster import SIZE
from vlaa_helpers.mini_world.scenes import SPLITS, make_scenes, remake_scene, scene_records, split_of


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


def test_the_text_split_says_everything_and_shows_nothing():
    for row in world("text", 1):
        facts, _ = facts_and_task(row)
        assert row["image"] is None and KINDS[row["source"]].words(facts) in row["question"]
        assert row["question"].startswith("Someone says: ")
    assert make_scenes(6, split="text")["image"][:] == [None] * 6
    assert all("Someone says" not in row["question"] for row in world("test", 1))


def test_images_are_stored_as_png():
    rows = scene_records(60, seed=2)
    assert all(Image.open(io.BytesIO(row["image"]["bytes"])).format == "PNG" for row in rows)
