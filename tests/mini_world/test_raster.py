"""Pen work: shapes that fill their box and differ, glyphs that can be told apart, a sheet that grows redder."""

import numpy as np
import pytest
from scene_rows import facts_of, pixels, world

from vlaa_helpers.core.images import image_hash
from vlaa_helpers.mini_world.kinds import SHAPES
from vlaa_helpers.mini_world.raster import GLYPHS, blank, draw_shape
from vlaa_helpers.mini_world.scenes import draw_scene


def test_unknown_shape():
    with pytest.raises(ValueError, match="unknown shape 'hexagon'; expected circle, square"):
        draw_shape(blank((4, 4, 4)), "hexagon", "red", (0, 0, 9, 9))


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


def test_glyphs_can_be_told_apart():
    assert set(GLYPHS) == {*"0123456789", "x"} and len(set(GLYPHS.values())) == 11
    assert all(len(dots) == 15 and set(dots) <= {"0", "1"} for dots in GLYPHS.values())


def test_images_differ_by_tint_and_grow_redder_and_greener():
    facts = facts_of(world("train", 1)[0])
    assert image_hash(draw_scene("blocks", facts, (0, 0, 0))) != image_hash(draw_scene("blocks", facts, (0, 0, 1)))
    sheet = pixels(blank((9, 0, 3)))
    assert (np.diff(sheet[0, :, 0]) >= 0).all() and sheet[0, -1, 0] - sheet[0, 0, 0] == 24
    assert (np.diff(sheet[:, 0, 1]) >= 0).all() and sheet[-1, 0, 1] - sheet[0, 0, 1] == 24
    assert (sheet[0, 0] == (225, 216, 231)).all() and sheet.max() <= 255
