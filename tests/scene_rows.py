"""Records of the mini world for tests: of every split and difficulty, made once."""

import json
from functools import cache

import numpy as np

from vlaa_helpers.mini_world.raster import blank
from vlaa_helpers.mini_world.scenes import SPLITS, draw_scene, scene_records

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
