"""Boxes, after LLaVA-CoT's COCO and Visual Genome: find the named object, answer with its box in fractions of the
image."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from random import Random
from typing import TYPE_CHECKING

from ...core.boxes import box_iou
from ..raster import draw_shape
from .base import Ask, Told
from .readers import EXTREME, EXTREMES, THING, Statement, read_counts, read_thing
from .things import SAME_BOX, ThingsKind
from .words import PAIR, draw_pairs, name_of, with_articles

if TYPE_CHECKING:
    from PIL import Image

BOX_UNIT = 1 / 8
"""Boxes start and end on a grid of 14 pixels, the patches of the vision tower."""

_BOXED = rf"{PAIR} \[(?P<box>[\d., ]*)\]"
_EXTREME_THING = re.compile(rf"{EXTREME}(?: object| one)? is (?:the )?{THING}")


def box_words(box: list[float]) -> str:
    return "[" + ", ".join(f"{value:.3f}" for value in box) + "]"


def _box_of(numbers: str) -> list[float] | None:
    """`_box_of("0.1, 0.2, 0.5, 0.5")` is four floats; None when they are not four, or no numbers."""
    try:
        box = [float(value) for value in numbers.split(",")]
    except ValueError:
        return None
    return box if len(box) == 4 else None


def nudge_box(box: list[float], rng: Random) -> list[float]:
    """A box of the same size one to three grid units away in each direction, kept inside the image."""
    x1, y1, x2, y2 = box
    dx, dy = (_nudge(low, high, rng) for low, high in ((x1, x2), (y1, y2)))
    return [x1 + dx, y1 + dy, x2 + dx, y2 + dy]


def _nudge(low: float, high: float, rng: Random) -> float:
    shifts = [step * BOX_UNIT for step in (-3, -2, -1, 1, 2, 3)]
    return rng.choice([shift for shift in shifts if low + shift >= 0 and high + shift <= 1])


def extreme_objects(objects: list[dict], extreme: str) -> list[dict]:
    """The objects that reach highest ("highest") or lowest ("lowest") in the image; several when they tie."""
    edge = min(t["box"][1] for t in objects) if extreme == "highest" else max(t["box"][3] for t in objects)
    return [t for t in objects if t["box"][1 if extreme == "highest" else 3] == edge]


def _free_squares(rng: Random, count: int) -> list[tuple[int, int, int]]:
    """`count` squares (x, y, size) on the 8 x 8 grid that do not overlap, from the top."""
    while True:
        squares: list[tuple[int, int, int]] = []
        for _ in range(60):
            size = rng.randint(2, 4)
            x, y = rng.randint(0, 8 - size), rng.randint(0, 8 - size)
            if all(x >= u + s or u >= x + size or y >= v + s or v >= y + size for u, v, s in squares):
                squares.append((x, y, size))
            if len(squares) == count:
                return sorted(squares, key=lambda square: (square[1], square[0]))


def lay_out(things: list[dict], rng: Random) -> dict:
    """The facts of a scene with these things, a colour and a shape each, at places drawn anew."""
    return _placed(_free_squares(rng, len(things)), rng.sample(things, len(things)))


def _placed(squares: list[tuple[int, int, int]], things: list[dict]) -> dict:
    pairs = zip(squares, things, strict=True)
    return {"objects": [thing | {"box": [v * BOX_UNIT for v in (x, y, x + s, y + s)]} for (x, y, s), thing in pairs]}


def _read_extreme_things(text: str) -> Iterator[Statement]:
    for match in _EXTREME_THING.finditer(text):
        yield Statement(*match.span(), "extreme", EXTREMES[match["extreme"]], read_thing(match))


def _check_extreme(facts: dict, extreme: str, thing: tuple[str, str]) -> bool:
    return thing in [(other["colour"], other["shape"]) for other in extreme_objects(facts["objects"], extreme)]


class Boxes(ThingsKind):
    name = "boxes"
    mirrors = "coco"
    verifier_type = "box"
    caption_weight = 3.5
    """The hardest to read: four numbers an object."""

    def sample(self, rng: Random, difficulty: int, shifted: bool) -> dict:
        low, high = ((1, 2), (2, 3), (3, 4))[difficulty]
        count = 4 if shifted else rng.randint(low, high)
        squares = _free_squares(rng, count)
        pairs = draw_pairs(rng, count, shifted, distinct=True)
        return _placed(squares, [{"colour": colour, "shape": shape} for colour, shape in pairs])

    def draw(self, facts: dict, image: "Image.Image") -> None:
        for thing in facts["objects"]:
            draw_shape(image, thing["shape"], thing["colour"], tuple(round(112 * v) for v in thing["box"]))

    def covers(self, thing: dict, x: float, y: float) -> bool:
        x1, y1, x2, y2 = thing["box"]
        return x1 < x < x2 and y1 < y < y2

    def ask(self, rng: Random, facts: dict, difficulty: int) -> Ask:
        objects = facts["objects"]
        thing = rng.choice(objects)
        what, kind = name_of(thing), "named"
        extreme = rng.choice(("highest", "lowest"))
        reached = extreme_objects(objects, extreme)
        if difficulty == 2 and len(reached) == 1:
            thing, kind, what = reached[0], extreme, f"{extreme} object"
        text = f"Where is the {what}? Give its box [x1, y1, x2, y2] in fractions of the picture, from 0 to 1."
        return Ask(text, box_words(thing["box"]), {"kind": kind, "target": name_of(thing)})

    def words(self, facts: dict) -> str:
        return "I see " + ", ".join(f"{name_of(thing)} {box_words(thing['box'])}" for thing in facts["objects"]) + "."

    def solve(self, facts: dict, task: dict) -> tuple[str, str]:
        objects = facts["objects"]
        words = ""
        if task["kind"] == "named":
            thing = next((t for t in objects if name_of(t) == task["target"]), objects[0])
        else:
            thing = extreme_objects(objects, task["kind"])[0]
            words = f"The {task['kind']} is the {name_of(thing)}. "
        box = box_words(thing["box"])
        return f"{words}The {name_of(thing)} {box}.", box

    def move(self, thing: dict, rng: Random) -> None:
        thing["box"] = nudge_box(thing["box"], rng)

    def imagine(self, seen: dict, rng: Random) -> dict:
        return self.misread(seen, rng)  # a further thing would need a free box

    def slip(self, facts: dict, task: dict, answer: str, rng: Random) -> str:
        return box_words(nudge_box(_box_of(answer.strip("[]")), rng))

    # ---- read back, checked, corrupted ----

    statement = re.compile(rf"\b{_BOXED}")
    readers = (read_counts, _read_extreme_things)
    checks = {**ThingsKind.checks, "extreme": _check_extreme}
    answer_numbers = [f"{k * BOX_UNIT:.3f}" for k in range(9)]
    claim_numbers = {**ThingsKind.claim_numbers, "box": answer_numbers}

    def read(self, caption: str) -> dict | None:
        found = [(match, _box_of(match["box"])) for match in re.finditer(_BOXED, caption)]
        objects = [{"colour": m["colour"], "shape": m["shape"], "box": box} for m, box in found if box]
        return {"objects": objects} if objects else None

    def count_true(self, stated: Counter[str], actual: Counter[str]) -> int:
        """A box counts as true when it overlaps the object's own by an IoU of at least 0.5."""
        return sum(any(_is_same(claim, fact) for fact in actual) for claim in stated)

    def has_one_answer(self, facts: dict, task: dict) -> bool:
        objects, kind = facts["objects"], task["kind"]
        named = [thing for thing in objects if name_of(thing) == task["target"]]
        return len(named if kind == "named" else extreme_objects(objects, kind)) == 1

    def implied(self, facts: dict, task: dict, old: Statement, new: Statement) -> tuple[str, ...]:
        if old.kind == "extreme" and task["kind"] == old.about:  # the box of what is named is the answer
            return tuple(box_words(t["box"]) for t in facts["objects"] if (t["colour"], t["shape"]) == new.says)
        return super().implied(facts, task, old, new)

    # ---- planted traces ----

    topic = "box"
    phrases = {
        "train": {
            "look": ("I see {boxes}.", "The picture has {boxes}."),
            "named": ("The {target} {box}.", "It is the {target} at {box}."),
            "extreme": ("The {kind} is the {target}. The {target} {box}.",),
            "undo": ("Its sides are {x2} - {x1} = {width} and {y2} - {y1} = {width}, as wide as high.",),
        },
        "test": {
            "look": ("There is {articles}.", "Searching from the top: {articles}."),
            "named": ("The {target} is at {box}.", "Looking for the {target}: {box}."),
            "extreme": ("{Kind} of all is the {target}, and the {target} is at {box}.",),
            "undo": ("Width {x2} - {x1} = {width}, height {y2} - {y1} = {width}: a square.",),
        },
    }

    def tell(self, say: Callable[..., str], facts: dict, task: dict) -> Told:
        objects, kind = facts["objects"], task["kind"]
        boxes = [f"{name_of(thing)} {box_words(thing['box'])}" for thing in objects]
        placed = [box.replace(" [", " at [") for box in boxes]
        look = say("look", boxes=", ".join(boxes), articles=with_articles(placed))
        named = [thing for thing in objects if name_of(thing) == task["target"]]
        thing = (named or objects)[0] if kind == "named" else extreme_objects(objects, kind)[0]
        corners = dict(zip(("x1", "y1", "x2", "y2"), (f"{value:.3f}" for value in thing["box"]), strict=True))
        slots = {"target": name_of(thing), "box": box_words(thing["box"]), "kind": kind, "Kind": kind.capitalize()}
        slots |= {**corners, "width": f"{thing['box'][2] - thing['box'][0]:.3f}"}
        return look, [say("named" if kind == "named" else "extreme", **slots)], [say("undo", **slots)]


def _is_same(claim: str, fact: str) -> bool:
    (name, _, box), (actual_name, _, actual_box) = (text.rstrip("]").partition(" [") for text in (claim, fact))
    found = _box_of(box)
    return name == actual_name and found is not None and box_iou(found, _box_of(actual_box)) >= SAME_BOX
