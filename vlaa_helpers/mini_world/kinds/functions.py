"""Functions, after Math PUMA: read a plotted function from two marked points and give its expression."""

import re
from collections.abc import Callable, Iterator
from random import Random
from typing import TYPE_CHECKING

from ..raster import PALETTE
from .base import Ask, Kind, Told
from .readers import COLOUR, NUMBER, Statement, read_number
from .words import ANY_COLOUR, COLOURS, FAMILIES

if TYPE_CHECKING:
    from PIL import Image

_FAMILY = "|".join(FAMILIES)
_CAPTION = re.compile(rf"\b({ANY_COLOUR}) ({_FAMILY}) through \(0, (-?\d+)\) and \((-?1), (-?\d+)\)")
"""All of a caption at once: one point alone gives no curve."""
_CURVE = re.compile(rf"{COLOUR} (?P<family>{_FAMILY})\b")
_POINT = re.compile(
    rf"\((?P<x>{NUMBER})\s?,\s?(?P<y>{NUMBER})\)?|(?<=through )\((?P<x1>{NUMBER})|(?<=and )\((?P<x2>{NUMBER}),"
)
_CHANGE = re.compile(
    rf"(?:\bone step (?P<side>left|right)(?: of 0)?,? )?\by goes from (?P<first>{NUMBER})"
    rf"(?: to (?:(?P<last>{NUMBER})|\w{{1,20}}+))?"
)
_COEFFICIENT = re.compile(rf"(?<![\w'’])(?P<name>[ab]) (?:is|=) (?P<value>{NUMBER})")


def function_value(facts: dict, x: float) -> float:
    power = {"line": x, "parabola": x * x, "vee": abs(x)}[facts["family"]]
    return facts["a"] * power + facts["b"]


def expression(family: str, a: int, b: int) -> str:
    """`expression("line", -1, 2)` is "y = -x + 2"."""
    factor = {1: "", -1: "-"}.get(a, str(a))
    constant = "" if b == 0 else f" + {b}" if b > 0 else f" - {-b}"
    return f"y = {factor}{FAMILIES[family]}{constant}"


def _read_curves(text: str) -> Iterator[Statement]:
    for match in _CURVE.finditer(text):
        yield Statement(*match.span(), "curve", "curve", (match["colour"], match["family"]))


def _read_numbers(text: str) -> Iterator[Statement]:
    for match in _POINT.finditer(text):
        x = match["x"] or match["x1"] or match["x2"]
        yield Statement(*match.span(), "point", read_number(x), match["y"] and read_number(match["y"]))
    for match in _CHANGE.finditer(text):
        last = match["last"] and read_number(match["last"])
        yield Statement(*match.span(), "change", match["side"], (read_number(match["first"]), last))
    for match in _COEFFICIENT.finditer(text):
        yield Statement(*match.span(), "coefficient", match["name"], read_number(match["value"]))


def _check_curve(facts: dict, _: str, curve: tuple[str, str]) -> bool:
    return (facts.get("colour"), facts.get("family")) == curve


def _check_point(facts: dict, x: float, y: float | None) -> bool | None:
    return None if y is None else function_value(facts, x) == y


def _check_change(facts: dict, side: str | None, values: tuple[float, float | None]) -> bool | None:
    first, last = values
    steps = {"left": (-1,), "right": (1,), None: (-1, 1)}[side]
    if first != facts["b"]:
        return False
    return None if last is None else any(function_value(facts, step) == last for step in steps)


def _check_coefficient(facts: dict, name: str, value: float) -> bool:
    return facts[name] == value


def _curves_with(facts: dict, old: Statement, new: Statement) -> list[dict]:
    """Curves y = a f(x) + b with the changed number; f is 1 at the marked point, or -1 for a line marked at -1."""
    a, b = facts["a"], facts["b"]
    factor = facts["mark"] if facts["family"] == "line" else 1
    end = a * factor + b
    if old.kind == "coefficient":
        pairs = [(new.says, b) if old.about == "a" else (a, new.says)]
    else:
        if old.kind == "change":
            (start, last), is_start = new.says, new.says[0] != old.says[0]
        elif old.about != new.about or old.about not in (0, facts["mark"]):
            return []
        else:
            start, last, is_start = new.says, new.says, old.about == 0
        # a curve with another height at 0 either keeps its slope or still goes through its other point
        pairs = [(a, start), ((end - start) * factor, start)] if is_start else [((last - b) * factor, b)]
    return [{**facts, "a": int(a), "b": int(b)} for a, b in pairs if a]


class Functions(Kind):
    name = "functions"
    mirrors = "synthesis"
    verifier_type = "math"

    def sample(self, rng: Random, difficulty: int, shifted: bool) -> dict:
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

    def draw(self, facts: dict, image: "Image.Image") -> None:
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

    def ask(self, rng: Random, facts: dict, difficulty: int) -> Ask:
        text = rng.choice(
            ("Which function is drawn?", "What is the equation of the curve?", "Give y as a function of x.")
        )
        return Ask(text, expression(facts["family"], facts["a"], facts["b"]), {"kind": "expression"})

    def words(self, facts: dict) -> str:
        points = [f"({x}, {function_value(facts, x):.0f})" for x in (0, facts["mark"])]
        return f"I see a {facts['colour']} {facts['family']} through {points[0]} and {points[1]}."

    def solve(self, facts: dict, task: dict) -> tuple[str, str]:
        b, end = facts["b"], round(function_value(facts, facts["mark"]))
        side = "right" if facts["mark"] == 1 else "left"
        words = f"One step {side} of 0, y goes from {b} to {end}, so a is {facts['a']} and b is {b}."
        return words, expression(facts["family"], facts["a"], b)

    def misread(self, facts: dict, rng: Random) -> dict:
        name = rng.choice(("a", "b"))
        facts[name] = rng.choice([v for v in (-3, -2, -1, 1, 2, 3) if v not in (facts[name], 0)])
        return facts

    def slip(self, facts: dict, task: dict, answer: str, rng: Random) -> str:
        a, b = facts["a"], facts["b"]
        slips = (expression(facts["family"], *pair) for pair in ((-a, b), (a, -b), (b or 1, a), (a + 1 or 1, b)))
        return rng.choice([slip for slip in slips if slip != answer])

    # ---- read back, checked, corrupted; a caption needs all its parts, so none is left out ----

    statement = re.compile(rf"\b(?:{ANY_COLOUR}) (?:{_FAMILY})\b|\(-?\d+, -?\d+\)")
    readers = (_read_numbers,)
    readers_anywhere = (_read_curves,)
    checks = {
        "curve": _check_curve,
        "point": _check_point,
        "change": _check_change,
        "coefficient": _check_coefficient,
    }
    claim_numbers = dict.fromkeys(("point", "change", "coefficient"), [str(value) for value in range(-3, 4)])
    answer_numbers = ["1", "2", "3"]

    def read(self, caption: str) -> dict | None:
        found = _CAPTION.search(caption)
        if not found:
            return None
        colour, family, b, mark, end = found.groups()
        rise = int(end) - int(b)
        a = rise * int(mark) if family == "line" else rise
        return {"family": family, "a": a, "b": int(b), "mark": int(mark), "colour": colour} if a else None

    def scenes_with(self, facts: dict, old: Statement, new: Statement) -> list[dict]:
        if old.kind == "curve":
            return [{**facts, "family": new.says[1]}] if new.says[1] != old.says[1] else []
        return _curves_with(facts, old, new) if old.kind in ("point", "change", "coefficient") else []

    # ---- planted traces ----

    topic = "curve"
    phrases = {
        "train": {
            "look": (
                "I see a {colour} {family} through {first} and {second}.",
                "The curve is a {colour} {family}. Its points are {first} and {second}.",
            ),
            "steps": (
                "At 0 y is {b}, so b is {b}. One step {side} it is {end}: {difference} = {a}, so a is {a}.",
                "One step {side} of 0, y goes from {b} to {end}, so a is {a} and b is {b}.",
            ),
            "undo": ("Put in: {value} = {end}.",),
        },
        "test": {
            "look": (
                "A {family} in {colour}, with dots at {first} and {second}.",
                "There is a {colour} {family} whose marked points are {first} and {second}.",
            ),
            "steps": (
                "At the axis it is {b}, hence b = {b}. To the {side} it is {end}, and {difference} = {a}, "
                "hence a = {a}.",
                "The constant first: b = {b}. Then the factor for a step to the {side}: {difference} = {a}, "
                "hence a = {a}.",
            ),
            "undo": ("In the equation, {value} = {end}.",),
        },
    }

    def tell(self, say: Callable[..., str], facts: dict, task: dict) -> Told:
        a, b, mark, family = facts["a"], facts["b"], facts["mark"], facts["family"]
        end = round(function_value(facts, mark))
        points = {"first": f"(0, {b})", "second": f"({mark}, {end})"}
        high, low = (b, end) if family == "line" and mark == -1 else (end, b)
        at = {"line": "1" if mark == 1 else "(-1)", "parabola": f"({mark})^2", "vee": "1"}[family]
        slots = {"a": a, "b": b, "end": end, "side": "right" if mark == 1 else "left"}
        slots["difference"] = f"{high} - {low}" if low >= 0 else f"{high} - ({low})"
        slots["value"] = f"{a} × {at} {'-' if b < 0 else '+'} {abs(b)}"
        look = say("look", colour=facts["colour"], family=family, **points)
        return look, [say("steps", **slots)], [say("undo", **slots)]
