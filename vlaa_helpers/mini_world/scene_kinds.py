"""The six kinds of mini-world image: what is in it, how it is drawn, what is asked, how it reads in words.

Each kind mirrors one source of VLAA-Thinking (arXiv 2504.11468, Table 1). A scene is a plain dictionary of facts; the
image, the question, the ground truth and the words all come from those facts, so every claim that a model makes about
an image can be checked. Images are 112 x 112 pixels, which Qwen2.5-VL reads as 4 x 4 visual tokens of 28 pixels, and
what must be read is aligned with those tokens: a model of a few million parameters can then learn to see.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from .raster import PALETTE, draw_number, draw_shape

if TYPE_CHECKING:
    from PIL import Image

COLOURS = tuple(PALETTE)
SHAPES = ("circle", "square", "triangle", "star")
PAIRS = tuple((colour, shape) for colour in COLOURS for shape in SHAPES)
UNSEEN_PAIRS = (("red", "star"), ("green", "triangle"), ("blue", "square"), ("orange", "circle"))
"""Colour-shape pairs that occur in the shifted test set only."""
SEEN_PAIRS = tuple(pair for pair in PAIRS if pair not in UNSEEN_PAIRS)
PLACES = ("top left", "top right", "bottom left", "bottom right")
FAMILIES = {"line": "x", "parabola": "x^2", "vee": "|x|"}


@dataclass(frozen=True)
class Ask:
    """One question about a scene: its words, the ground truth and what has to be done to get there."""

    text: str
    gt: str
    task: dict
    """What the question asks for, as data: a `kind`, its arguments, and for multiple choice the `options`."""


@dataclass(frozen=True)
class Kind:
    """A source of the mini world. The functions are pure: the same generator state gives the same scene."""

    name: str
    mirrors: str
    verifier_type: str
    sample: Callable[[Random, int, bool], dict]
    """(rng, difficulty 0-2, shifted) -> facts."""
    draw: Callable[[dict, "Image.Image"], None]
    ask: Callable[[Random, dict, int], Ask]
    words: Callable[[dict], str]
    """facts -> the scene in words, complete and true."""
    statement: re.Pattern[str]
    """One atomic claim about an image of this kind, as `words` writes it."""


def several(count: int, noun: str) -> str:
    """`several(2, "red circle")` is "2 red circles"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def name_of(thing: dict) -> str:
    return f"{thing['colour']} {thing['shape']}"


def _pairs(rng: Random, count: int, shifted: bool, *, distinct: bool) -> list[tuple[str, str]]:
    if distinct:
        pairs = rng.sample(SEEN_PAIRS, count)
    else:
        pairs = [rng.choice(SEEN_PAIRS) for _ in range(count)]
    if shifted:
        pairs[rng.randrange(count)] = rng.choice(UNSEEN_PAIRS)
    return pairs


def with_options(rng: Random, text: str, right: str, wrong: list[str], task: dict) -> Ask:
    """A multiple-choice question: four distinct options in random order, the letter of the right one as ground
    truth."""
    others = list(dict.fromkeys(option for option in wrong if option != right))[:3]
    options = others + [right]
    rng.shuffle(options)
    listed = ", ".join(f"{option} ({letter})" for letter, option in zip("ABCD", options, strict=True))
    task = {**task, "options": options, "value": right}
    return Ask(f"{text} Choose one option: {listed}.", "ABCD"[options.index(right)], task)


def _numbers_near(rng: Random, right: int, likely: list[int], *, step: int, low: int, high: int) -> list[str]:
    """Wrong numbers for options: the likely mistakes first, then neighbours."""
    near = [right + step * k for k in (1, -1, 2, -2, 3, -3, 4)]
    rng.shuffle(near)
    return [str(n) for n in dict.fromkeys([*likely, *near]) if n != right and low <= n <= high]


# blocks: CLEVR-Math. Objects on a 4 x 4 grid; remove or add some, then count.


def sample_blocks(rng: Random, difficulty: int, shifted: bool) -> dict:
    low, high = ((2, 4), (3, 6), (5, 8))[difficulty]
    count = rng.randint(7, 8) if shifted else rng.randint(low, high)
    cells = sorted(rng.sample(range(16), count))
    pairs = _pairs(rng, count, shifted, distinct=False)
    return {
        "objects": [
            {"colour": colour, "shape": shape, "row": cell // 4, "column": cell % 4}
            for cell, (colour, shape) in zip(cells, pairs, strict=True)
        ]
    }


def draw_blocks(facts: dict, image: "Image.Image") -> None:
    for thing in facts["objects"]:
        x, y = thing["column"] * 28, thing["row"] * 28
        draw_shape(image, thing["shape"], thing["colour"], (x + 3, y + 3, x + 25, y + 25))


def group_words(colour: str | None, shape: str | None, count: int = 2) -> str:
    """What a group is called: "red circles", "circles", "red objects"."""
    noun = shape or "object"
    words = f"{colour} {noun}" if colour else noun
    return words if count == 1 else words + "s"


def in_group(thing: dict, colour: str | None, shape: str | None) -> bool:
    return (colour is None or thing["colour"] == colour) and (shape is None or thing["shape"] == shape)


def ask_blocks(rng: Random, facts: dict, difficulty: int) -> Ask:
    left = list(facts["objects"])
    steps: list[dict] = []
    total = len(left)
    wanted = (1, rng.choice((1, 1, 2)), 2)[difficulty]
    for _ in range(wanted):
        if rng.random() < 0.3 and total <= 7 and not any(step["op"] == "add" for step in steps):
            colour, shape = rng.choice(SEEN_PAIRS)
            count = rng.randint(1, 2)
            steps.append({"op": "add", "colour": colour, "shape": shape, "count": count})
            total += count
        elif left:
            thing = rng.choice(left)
            colour, shape = rng.choice(
                ((thing["colour"], None), (None, thing["shape"]), tuple(thing[k] for k in ("colour", "shape")))
            )
            gone = [t for t in left if in_group(t, colour, shape)]
            left = [t for t in left if not in_group(t, colour, shape)]
            steps.append({"op": "subtract", "colour": colour, "shape": shape, "count": len(gone)})
            total -= len(gone)
    # "remove every red circle" after "add 1 red circle" would be ambiguous: additions come last
    steps.sort(key=lambda step: step["op"] == "add")
    parts = [step_words(step, place) + "." for place, step in enumerate(steps)]
    return Ask(" ".join(parts) + " How many objects are left?", str(total), {"kind": "count", "steps": steps})


def step_words(step: dict, place: int) -> str:
    """What to do, as the question says it; the second step (`place` 1) opens with "Then"."""
    if step["op"] == "add":
        return f"{('Add', 'Then add')[place]} {several(step['count'], step['colour'] + ' ' + step['shape'])}"
    if place == 0:
        return f"Subtract all {group_words(step['colour'], step['shape'])}"
    return f"Then remove every {group_words(step['colour'], step['shape'], 1)}"


def words_blocks(facts: dict) -> str:
    return "I see " + ", ".join(name_of(thing) for thing in facts["objects"]) + "."


# angles: GeoQA. A triangle with two angles written at its corners (not drawn to scale); four options.


def sample_angles(rng: Random, difficulty: int, shifted: bool) -> dict:
    step = 5 if difficulty == 2 else 10
    while True:
        a, b = (rng.randrange(20, 141, step) for _ in range(2))
        c = 180 - a - b
        # held out for the shifted set: triangles with two equal angles
        if 20 <= c and (len({a, b, c}) < 3) == shifted:
            break
    return {"angles": [a, b, c], "unknown": rng.randrange(3), "apex": rng.randrange(2)}


ANGLE_PLACES = ("top", "left", "right")


def draw_angles(facts: dict, image: "Image.Image") -> None:
    from PIL import ImageDraw

    top = (42, 14) if facts["apex"] == 0 else (70, 14)
    ImageDraw.Draw(image).polygon([(top[0], 29), (29, 83), (83, 83)], outline=(40, 40, 60), width=3)
    for place, (centre, angle) in enumerate(zip((top, (14, 98), (98, 98)), facts["angles"], strict=True)):
        draw_number(image, "x" if place == facts["unknown"] else str(angle), centre)


def known_angles(facts: dict) -> list[int]:
    return [angle for place, angle in enumerate(facts["angles"]) if place != facts["unknown"]]


def ask_angles(rng: Random, facts: dict, difficulty: int) -> Ask:
    a, b = known_angles(facts)
    kind = "third" if difficulty == 0 else rng.choice(("third", "third", "exterior"))
    third, exterior = 180 - a - b, a + b
    right, likely = (third, [exterior, 180 - a, 180 - b]) if kind == "third" else (exterior, [third, 180 - a, 180 - b])
    rng.shuffle(likely)
    text = "How large is angle x?" if kind == "third" else "How large is the exterior angle at x?"
    step = 5 if difficulty == 2 else 10
    wrong = _numbers_near(rng, right, likely[:2], step=step, low=step, high=170)
    return with_options(rng, text, str(right), wrong, {"kind": kind})


def words_angles(facts: dict) -> str:
    labels = ["x" if place == facts["unknown"] else str(angle) for place, angle in enumerate(facts["angles"])]
    parts = [f"{label} at the {place}" for label, place in zip(labels, ANGLE_PLACES, strict=True)]
    return f"I see a triangle with {parts[0]}, {parts[1]}, {parts[2]}."


# charts: ArxivQA. Four bars or four points; four options.


def sample_charts(rng: Random, difficulty: int, shifted: bool) -> dict:
    high = 5 if difficulty == 0 else 8
    while True:
        values = [rng.randint(1, high) for _ in range(4)]
        if shifted:  # height 9 is never seen in training
            values[rng.randrange(4)] = 9
        ordered = sorted(values)
        if ordered[0] < ordered[1] and ordered[2] < ordered[3]:
            break
    return {"style": rng.choice(("bar", "point")), "colours": rng.sample(COLOURS, 4), "values": values}


def draw_charts(facts: dict, image: "Image.Image") -> None:
    from PIL import ImageDraw

    pen = ImageDraw.Draw(image)
    for level in range(10):
        pen.line([(0, 110 - 11 * level), (111, 110 - 11 * level)], fill=(200, 200, 205))
    tops = [(28 * k + 14, 110 - 11 * value) for k, value in enumerate(facts["values"])]
    if facts["style"] == "point":
        pen.line(tops, fill=(90, 90, 90), width=2)
    for colour, (x, y) in zip(facts["colours"], tops, strict=True):
        box = (x - 8, y, x + 8, 110) if facts["style"] == "bar" else (x - 5, y - 5, x + 5, y + 5)
        (pen.rectangle if facts["style"] == "bar" else pen.ellipse)(box, fill=PALETTE[colour])


def ask_charts(rng: Random, facts: dict, difficulty: int) -> Ask:
    mark, value_of = facts["style"], dict(zip(facts["colours"], facts["values"], strict=True))
    kind = rng.choice(
        (("highest", "lowest", "value"), ("highest", "lowest", "value", "difference", "sum"), ("difference", "sum"))[
            difficulty
        ]
    )
    if kind in ("highest", "lowest"):
        right = (max if kind == "highest" else min)(value_of, key=value_of.get)
        return with_options(rng, f"Which {mark} is the {kind}?", right, rng.sample(facts["colours"], 4), {"kind": kind})
    first, second = rng.sample(facts["colours"], 2)
    if value_of[first] < value_of[second]:
        first, second = second, first
    a, b = value_of[first], value_of[second]
    text, right, likely = {
        "value": (f"What is the value of the {first} {mark}?", a, [v for v in facts["values"] if v != a]),
        "difference": (f"How much higher is the {first} {mark} than the {second} {mark}?", a - b, [a, b, a + b]),
        "sum": (f"What is the sum of the {first} {mark} and the {second} {mark}?", a + b, [abs(a - b), a, b]),
    }[kind]
    rng.shuffle(likely)
    task = {"kind": kind, "first": first, "second": second}
    return with_options(rng, text, str(right), _numbers_near(rng, right, likely[:2], step=1, low=0, high=18), task)


def words_charts(facts: dict) -> str:
    parts = [f"{colour} {value}" for colour, value in zip(facts["colours"], facts["values"], strict=True)]
    return f"I see {facts['style']}s: {', '.join(parts)}."


# functions: Math PUMA synthesis. Read a plotted function from two marked points and give its expression.


def function_value(facts: dict, x: float) -> float:
    power = {"line": x, "parabola": x * x, "vee": abs(x)}[facts["family"]]
    return facts["a"] * power + facts["b"]


def sample_functions(rng: Random, difficulty: int, shifted: bool) -> dict:
    families = (("line",), ("line", "parabola"), ("line", "parabola", "vee"))[difficulty]
    slopes = ((-2, -1, 1, 2), (-3, -2, -1, 1, 2, 3), (-4, -3, -2, -1, 1, 2, 3, 4))[difficulty]
    while True:
        facts = {
            "family": rng.choice(families),
            "a": rng.choice(slopes),
            "b": rng.randint(-3, 3),
            "mark": rng.choice((1, -1)),
            "colour": rng.choice(COLOURS),
        }
        # held out for the shifted set: about a fifth of the pairs (a, b)
        held_out = (facts["a"] + 2 * facts["b"]) % 5 == 0
        if held_out == shifted and abs(function_value(facts, facts["mark"])) <= 3:
            return facts


def draw_functions(facts: dict, image: "Image.Image") -> None:
    from PIL import ImageDraw

    pen = ImageDraw.Draw(image)
    for k in range(0, 112, 14):
        shade = (120, 120, 125) if k == 56 else (215, 215, 220)
        pen.line([(k, 0), (k, 111)], fill=shade)
        pen.line([(0, k), (111, k)], fill=shade)
    curve = [(56 + 0.7 * k, 56 - 14 * function_value(facts, k / 20)) for k in range(-80, 81)]
    pen.line(curve, fill=PALETTE[facts["colour"]], width=2)
    for x in (0, facts["mark"]):
        px, py = 56 + 14 * x, 56 - 14 * function_value(facts, x)
        pen.ellipse((px - 4, py - 4, px + 4, py + 4), fill=(20, 20, 20))


def expression(family: str, a: int, b: int) -> str:
    """`expression("line", -1, 2)` is "y = -x + 2"."""
    factor = {1: "", -1: "-"}.get(a, str(a))
    constant = "" if b == 0 else f" + {b}" if b > 0 else f" - {-b}"
    return f"y = {factor}{FAMILIES[family]}{constant}"


def ask_functions(rng: Random, facts: dict, difficulty: int) -> Ask:
    text = rng.choice(("Which function is drawn?", "What is the equation of the curve?", "Give y as a function of x."))
    return Ask(text, expression(facts["family"], facts["a"], facts["b"]), {"kind": "expression"})


def words_functions(facts: dict) -> str:
    points = [f"({x}, {function_value(facts, x):.0f})" for x in (0, facts["mark"])]
    return f"I see a {facts['colour']} {facts['family']} through {points[0]} and {points[1]}."


# boxes: LLaVA-CoT COCO and Visual Genome. Find the named object, answer with its box in fractions of the image.

BOX_UNIT = 1 / 8
"""Boxes start and end on a grid of 14 pixels, the patches of the vision tower."""


def box_words(box: list[float]) -> str:
    return "[" + ", ".join(f"{value:.3f}" for value in box) + "]"


def sample_boxes(rng: Random, difficulty: int, shifted: bool) -> dict:
    low, high = ((1, 2), (2, 3), (3, 4))[difficulty]
    count = 4 if shifted else rng.randint(low, high)
    while True:
        squares: list[tuple[int, int, int]] = []
        for _ in range(60):
            size = rng.randint(2, 4)
            x, y = rng.randint(0, 8 - size), rng.randint(0, 8 - size)
            if all(x >= u + s or u >= x + size or y >= v + s or v >= y + size for u, v, s in squares):
                squares.append((x, y, size))
            if len(squares) == count:
                break
        if len(squares) == count:
            break
    squares.sort(key=lambda square: (square[1], square[0]))
    pairs = _pairs(rng, count, shifted, distinct=True)
    return {
        "objects": [
            {"colour": colour, "shape": shape, "box": [v * BOX_UNIT for v in (x, y, x + size, y + size)]}
            for (x, y, size), (colour, shape) in zip(squares, pairs, strict=True)
        ]
    }


def draw_boxes(facts: dict, image: "Image.Image") -> None:
    for thing in facts["objects"]:
        draw_shape(image, thing["shape"], thing["colour"], tuple(round(112 * v) for v in thing["box"]))


def extreme_objects(objects: list[dict], extreme: str) -> list[dict]:
    """The objects that reach highest ("highest") or lowest ("lowest") in the image; several when they tie."""
    edge = min(t["box"][1] for t in objects) if extreme == "highest" else max(t["box"][3] for t in objects)
    return [t for t in objects if t["box"][1 if extreme == "highest" else 3] == edge]


def ask_boxes(rng: Random, facts: dict, difficulty: int) -> Ask:
    objects = facts["objects"]
    thing = rng.choice(objects)
    what, kind = name_of(thing), "named"
    extreme = rng.choice(("highest", "lowest"))
    reached = extreme_objects(objects, extreme)
    if difficulty == 2 and len(reached) == 1:
        thing, kind, what = reached[0], extreme, f"{extreme} object"
    text = f"Where is the {what}? Give its box [x1, y1, x2, y2] in fractions of the picture, from 0 to 1."
    return Ask(text, box_words(thing["box"]), {"kind": kind, "target": name_of(thing)})


def words_boxes(facts: dict) -> str:
    return "I see " + ", ".join(f"{name_of(thing)} {box_words(thing['box'])}" for thing in facts["objects"]) + "."


# stories: ALLaVA, DocVQA and VizWiz. Say in words what is there; the reference leaves something out.

REGIONS = {
    "at the top": ("top left", "top right"),
    "at the bottom": ("bottom left", "bottom right"),
    "on the left": ("top left", "bottom left"),
    "on the right": ("top right", "bottom right"),
}


def sample_stories(rng: Random, difficulty: int, shifted: bool) -> dict:
    count = (2, rng.randint(2, 4), 4)[difficulty]
    places = sorted(rng.sample(range(4), 4 if shifted else count))
    pairs = _pairs(rng, len(places), shifted, distinct=True)
    return {
        "time": rng.choice(("day", "night")),
        "objects": [
            {"colour": colour, "shape": shape, "place": PLACES[place]}
            for place, (colour, shape) in zip(places, pairs, strict=True)
        ],
    }


def draw_stories(facts: dict, image: "Image.Image") -> None:
    if facts["time"] == "night":
        image.paste(image.point(lambda value: value // 3), (0, 0))
    for thing in facts["objects"]:
        x, y = 56 * ("right" in thing["place"]), 56 * ("bottom" in thing["place"])
        draw_shape(image, thing["shape"], thing["colour"], (x + 7, y + 7, x + 49, y + 49))


def place_words(thing: dict) -> str:
    return f"{'An' if thing['colour'] == 'orange' else 'A'} {name_of(thing)} at the {thing['place']}."


def ask_stories(rng: Random, facts: dict, difficulty: int) -> Ask:
    region = rng.choice((None, *REGIONS))
    things = facts["objects"] if region is None else [t for t in facts["objects"] if t["place"] in REGIONS[region]]
    if not things:
        region, things = None, facts["objects"]
    text = "Describe the picture in words." if region is None else f"What do you see {region}? Answer in words."
    statements = [place_words(thing) for thing in things] + [f"It is {facts['time']}."]
    # the reference is a hurried annotator's: true but half of it missing, so a careful answer can beat it
    reference = statements[: len(statements) // 2]
    return Ask(text, " ".join(reference), {"kind": "describe", "region": region, "wanted": statements})


def words_stories(facts: dict) -> str:
    return f"It is {facts['time']}. " + " ".join(place_words(thing) for thing in facts["objects"])


_COLOUR, _SHAPE = "|".join(COLOURS), "|".join(SHAPES)
_STATEMENTS = {
    "blocks": rf"\b(?:{_COLOUR}) (?:{_SHAPE})\b",
    "angles": r"\b(?:\d+|x) at the (?:top|left|right)\b",
    "charts": rf"\b(?:{_COLOUR}) \d+\b",
    "functions": rf"\b(?:{_COLOUR}) (?:line|parabola|vee)\b|\(-?\d+, -?\d+\)",
    "boxes": rf"\b(?:{_COLOUR}) (?:{_SHAPE}) \[[\d., ]*\]",
    "stories": rf"\bIt is (?:day|night)|\b(?:{_COLOUR}) (?:{_SHAPE}) at the (?:{'|'.join(PLACES)})\b",
}

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "blocks",
            "CLEVR-Math",
            "digit",
            sample_blocks,
            draw_blocks,
            ask_blocks,
            words_blocks,
            re.compile(_STATEMENTS["blocks"]),
        ),
        Kind(
            "angles",
            "GeoQA170K",
            "choice",
            sample_angles,
            draw_angles,
            ask_angles,
            words_angles,
            re.compile(_STATEMENTS["angles"]),
        ),
        Kind(
            "charts",
            "ArxivQA",
            "choice",
            sample_charts,
            draw_charts,
            ask_charts,
            words_charts,
            re.compile(_STATEMENTS["charts"]),
        ),
        Kind(
            "functions",
            "Math PUMA",
            "math",
            sample_functions,
            draw_functions,
            ask_functions,
            words_functions,
            re.compile(_STATEMENTS["functions"]),
        ),
        Kind(
            "boxes",
            "COCO, Visual Genome",
            "box",
            sample_boxes,
            draw_boxes,
            ask_boxes,
            words_boxes,
            re.compile(_STATEMENTS["boxes"]),
        ),
        Kind(
            "stories",
            "ALLaVA, DocVQA, VizWiz",
            "open_ended",
            sample_stories,
            draw_stories,
            ask_stories,
            words_stories,
            re.compile(_STATEMENTS["stories"]),
        ),
    )
}
