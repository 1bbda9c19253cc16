"""Functions: told by their two marks, and drawn through them."""

import re

from scene_rows import DIFFICULTIES, facts_of, pixels, rows_of

from vlaa_helpers.core.images import decode_image
from vlaa_helpers.mini_world.kinds import KINDS
from vlaa_helpers.mini_world.raster import PALETTE
from vlaa_helpers.mini_world.scenes import scene_records


def test_shifted_coefficients_never_occur_in_training():
    def coefficients(split):
        options = {"sources": ["functions"], "split": split, "seed": 3}
        rows = [row for level in DIFFICULTIES for row in scene_records(500, difficulty=level, **options)]
        return {(facts["a"], facts["b"]) for facts in map(facts_of, rows)}

    train, shifted = coefficients("train"), coefficients("shifted")
    assert len(train) > 20 and len(shifted) >= 5 and not train & shifted


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


def test_functions_pass_through_their_marks():
    for row in rows_of("functions", ("train", "shifted")):
        facts = facts_of(row)
        image = pixels(decode_image(row["image"]["bytes"]))
        values = {"line": facts["mark"], "parabola": 1, "vee": 1}
        ends = {0: facts["b"], facts["mark"]: facts["a"] * values[facts["family"]] + facts["b"]}
        for x, y in ends.items():
            assert tuple(image[56 - 14 * y, 56 + 14 * x]) == (20, 20, 20), row["id"]
        assert (image == PALETTE[facts["colour"]]).all(axis=2).sum() > 20, row["id"]
