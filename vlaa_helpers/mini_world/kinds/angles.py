"""Angles, after GeoQA: a triangle with two angles written at its corners (not drawn to scale); four options."""

import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from random import Random
from typing import TYPE_CHECKING

from ..raster import draw_number
from .base import Ask, Kind, Told
from .options import numbers_near, pick_option, with_options
from .readers import Statement

if TYPE_CHECKING:
    from PIL import Image

ANGLE_PLACES = ("top", "left", "right")

_PLACE = "|".join(ANGLE_PLACES)
_WRITTEN = rf"(?P<label>\d+|x) at the (?P<place>{_PLACE})\b"
# Wider than what captions are read by: other signs and verbs, and a corner that is cut off or garbled.
_LABEL = re.compile(
    rf"(?<![\w.])(?P<label>\d{{1,4}}|x)(?:°| degrees)? (?:is )?at the (?:(?P<place>{_PLACE})\b|\w{{1,20}}+)"
)
_PLACE_LABEL = re.compile(
    rf"\b(?P<place>{_PLACE})(?: corner| angle)? (?:is|=|says|reads) (?P<label>\d{{1,4}}|x)\b(?!\.\d)"
)


def known_angles(facts: dict) -> list[int]:
    return [angle for place, angle in enumerate(facts["angles"]) if place != facts["unknown"]]


def labels_of(facts: dict) -> list[str]:
    """What is written at the top, left and right corner."""
    return ["x" if place == facts["unknown"] else str(angle) for place, angle in enumerate(facts["angles"])]


def _read_labels(text: str) -> Iterator[Statement]:
    for pattern in (_LABEL, _PLACE_LABEL):
        for match in pattern.finditer(text):
            yield Statement(*match.span(), "label", match["place"], match["label"])


def _check_label(facts: dict, place: str | None, label: str) -> bool | None:
    if "angles" not in facts:
        return False
    if place is None:
        return None if label in labels_of(facts) else False
    return labels_of(facts)[ANGLE_PLACES.index(place)] == label


class Angles(Kind):
    name = "angles"
    mirrors = "geoqa170k"
    verifier_type = "choice"
    rl_only = True

    def sample(self, rng: Random, difficulty: int, shifted: bool) -> dict:
        step = 5 if difficulty == 2 else 10
        while True:
            a, b = (rng.randrange(20, 141, step) for _ in range(2))
            c = 180 - a - b
            # held out for the shifted set: triangles with two equal angles
            if 20 <= c and (len({a, b, c}) < 3) == shifted:
                break
        return {"angles": [a, b, c], "unknown": rng.randrange(3), "apex": rng.randrange(2)}

    def draw(self, facts: dict, image: "Image.Image") -> None:
        from PIL import ImageDraw

        top = (42, 14) if facts["apex"] == 0 else (70, 14)
        ImageDraw.Draw(image).polygon([(top[0], 29), (29, 83), (83, 83)], outline=(40, 40, 60), width=3)
        for centre, label in zip((top, (14, 98), (98, 98)), labels_of(facts), strict=True):
            draw_number(image, label, centre)

    def ask(self, rng: Random, facts: dict, difficulty: int) -> Ask:
        a, b = known_angles(facts)
        kind = "third" if difficulty == 0 else rng.choice(("third", "third", "exterior"))
        third, exterior = 180 - a - b, a + b
        right, likely = (
            (third, [exterior, 180 - a, 180 - b]) if kind == "third" else (exterior, [third, 180 - a, 180 - b])
        )
        rng.shuffle(likely)
        text = "How large is angle x?" if kind == "third" else "How large is the exterior angle at x?"
        step = 5 if difficulty == 2 else 10
        wrong = numbers_near(rng, right, likely, step=step, low=step, high=170)
        return with_options(rng, text, str(right), wrong, {"kind": kind})

    def words(self, facts: dict) -> str:
        parts = [f"{label} at the {place}" for label, place in zip(labels_of(facts), ANGLE_PLACES, strict=True)]
        return f"I see a triangle with {parts[0]}, {parts[1]}, {parts[2]}."

    def solve(self, facts: dict, task: dict) -> tuple[str, str]:
        a, b = known_angles(facts)
        value = 180 - a - b if task["kind"] == "third" else a + b
        words = f"{a} + {b} = {a + b}. 180 - {a + b} =" if task["kind"] == "third" else f"{a} + {b} ="
        last, answer = pick_option(str(value), task)
        return f"{words} {last}", answer

    def misread(self, facts: dict, rng: Random) -> dict:
        place = rng.choice([k for k in range(3) if k != facts["unknown"]])
        facts["angles"][place] = max(10, facts["angles"][place] + rng.choice((-30, -20, -10, 10, 20, 30)))
        return facts

    # ---- read back, checked, corrupted; a caption needs all three parts, so none is left out ----

    statement = re.compile(rf"\b{_WRITTEN}")
    readers = ()
    readers_anywhere = (_read_labels,)
    checks = {"label": _check_label}
    claim_numbers = {"label": [str(angle) for angle in range(20, 141, 10)]}

    def read(self, caption: str) -> dict | None:
        label_at = {match["place"]: match["label"] for match in re.finditer(_WRITTEN, caption)}
        labels = [label_at.get(place, "") for place in ANGLE_PLACES]
        if labels.count("x") != 1 or "" in labels:
            return None
        known = sum(int(label) for label in labels if label != "x")
        angles = [180 - known if label == "x" else int(label) for label in labels]
        return {"angles": angles, "unknown": labels.index("x")}

    def scenes_with(self, facts: dict, old: Statement, new: Statement) -> list[dict]:
        if old.kind != "label" or old.about != new.about or not new.says.isdigit():
            return []
        scene = deepcopy(facts)
        scene["angles"][ANGLE_PLACES.index(old.about)] = int(new.says)
        return [scene]

    # ---- planted traces ----

    topic = "triangle"
    sum_slips = (10, 20)
    phrases = {
        "train": {
            "look": (
                "I see a triangle with {top} at the top, {left} at the left, {right} at the right.",
                "The labels are {top} at the top, {left} at the left and {right} at the right.",
            ),
            "third": (
                "{a} + {b} = {sum}. 180 - {sum} = {x}.",
                "The known angles are {a} and {b}: {a} + {b} = {sum}. The rest up to 180: 180 - {sum} = {x}.",
            ),
            "exterior": (
                "The exterior angle is the sum of the other two, {a} + {b} = {x}.",
                "The angle inside is 180 - {sum} = {inner}, so outside it is 180 - {inner} = {x}.",
            ),
            "undo third": ("All three together: {a} + {b} + {x} = 180.",),
            "undo exterior": ("Inside it is 180 - {x} = {inner}, and {a} + {b} + {inner} = 180.",),
        },
        "test": {
            "look": (
                "The top corner says {top}, the left corner says {left} and the right corner says {right}.",
                "A triangle. Left is {left}, right is {right}, top is {top}.",
            ),
            "third": (
                "From 180 I take both known angles: 180 - {a} - {b} = {x}.",
                "{a} and {b} make {a} + {b} = {sum}, and up to 180 there remain 180 - {sum} = {x}.",
            ),
            "exterior": (
                "Seen from outside it is as large as {a} + {b} = {x}.",
                "Two angles lie opposite, so {a} plus {b} gives {x}.",
            ),
            "undo third": ("Adding up, {x} + {a} + {b} = 180.",),
            "undo exterior": ("Next to it there are 180 - {x} = {inner} inside, and {inner} + {a} + {b} = 180.",),
        },
    }

    def is_possible(self, facts: dict) -> bool:
        return sum(known_angles(facts)) < 180

    def tell(self, say: Callable[..., str], facts: dict, task: dict) -> Told:
        kind, (a, b) = task["kind"], known_angles(facts)
        x = 180 - a - b if kind == "third" else a + b
        slots = {"a": a, "b": b, "sum": a + b, "inner": 180 - a - b, "x": x}
        look = say("look", **dict(zip(ANGLE_PLACES, labels_of(facts), strict=True)))
        return look, [say(kind, **slots)], [say(f"undo {kind}", **slots)]
