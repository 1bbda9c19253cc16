"""Charts, after ArxivQA: four bars or four points; four options."""

import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from random import Random
from typing import TYPE_CHECKING

from ..raster import PALETTE
from .base import Ask, Kind, Told
from .options import numbers_near, pick_option, with_options
from .readers import COLOUR, EXTREME, EXTREMES, NUMBER, Statement, read_number
from .words import ANY_COLOUR, COLOURS

if TYPE_CHECKING:
    from PIL import Image

_TASKS = (
    ("highest", "lowest", "value"),
    ("highest", "lowest", "value", "difference", "sum"),
    ("difference", "sum"),
)
"""What is asked at each difficulty."""

_BAR = re.compile(rf"({ANY_COLOUR}) (\d+)(?=[,.])")
"""A value in a caption. Stricter than `Charts.statement`, which also counts one that is cut off."""
_STYLE = re.compile(r"(?<=\bi see )(?P<style>bar|point)s\b|\b(?P<listed>bar|point)s(?=: )")
_VALUE = re.compile(rf"{COLOUR}(?: bar| point)?(?: is| has| at| reads| shows|:| =)? (?P<value>{NUMBER})")
_EXTREME_COLOUR = re.compile(rf"{EXTREME}(?: bar| point| one)? is (?:the )?{COLOUR}\b")
_COLOUR_EXTREME = re.compile(rf"{COLOUR}(?: bar| point)? is {EXTREME}\b")


def _values(facts: dict) -> dict[str, int]:
    return dict(zip(facts["colours"], facts["values"], strict=True))


def _best(extreme: str) -> Callable:
    return max if extreme == "highest" else min


def _read_chart(text: str) -> Iterator[Statement]:
    for match in _STYLE.finditer(text):
        yield Statement(*match.span(), "style", "style", match["style"] or match["listed"])
    for match in _VALUE.finditer(text):
        yield Statement(*match.span(), "value", match["colour"], read_number(match["value"]))
    for pattern in (_EXTREME_COLOUR, _COLOUR_EXTREME):
        for match in pattern.finditer(text):
            yield Statement(*match.span(), "extreme", EXTREMES[match["extreme"]], match["colour"])


def _check_style(facts: dict, _: str, style: str) -> bool:
    return facts["style"] == style


def _check_value(facts: dict, colour: str, value: float) -> bool:
    return _values(facts).get(colour) == value


def _check_extreme(facts: dict, extreme: str, colour: str) -> bool:
    return (colour, _best(extreme)(facts["values"])) in zip(facts["colours"], facts["values"], strict=True)


class Charts(Kind):
    name = "charts"
    mirrors = "arxivqa"
    verifier_type = "choice"

    def sample(self, rng: Random, difficulty: int, shifted: bool) -> dict:
        high = 5 if difficulty == 0 else 8
        while True:
            values = [rng.randint(1, high) for _ in range(4)]
            if shifted:  # height 9 is never seen in training
                values[rng.randrange(4)] = 9
            ordered = sorted(values)
            if ordered[0] < ordered[1] and ordered[2] < ordered[3]:
                break
        return {"style": rng.choice(("bar", "point")), "colours": rng.sample(COLOURS, 4), "values": values}

    def draw(self, facts: dict, image: "Image.Image") -> None:
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

    def ask(self, rng: Random, facts: dict, difficulty: int) -> Ask:
        mark, value_of = facts["style"], _values(facts)
        kind = rng.choice(_TASKS[difficulty])
        if kind in ("highest", "lowest"):
            right, wrong = _best(kind)(value_of, key=value_of.get), rng.sample(facts["colours"], 4)
            return with_options(rng, f"Which {mark} is the {kind}?", right, wrong, {"kind": kind})
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
        wrong = numbers_near(rng, right, likely, step=1, low=0, high=18)
        return with_options(rng, text, str(right), wrong, {"kind": kind, "first": first, "second": second})

    def words(self, facts: dict) -> str:
        parts = [f"{colour} {value}" for colour, value in zip(facts["colours"], facts["values"], strict=True)]
        return f"I see {facts['style']}s: {', '.join(parts)}."

    def solve(self, facts: dict, task: dict) -> tuple[str, str]:
        value_of, kind = _values(facts), task["kind"]
        if kind in ("highest", "lowest"):
            value = _best(kind)(value_of, key=value_of.get)
            words = f"The {kind} is"
        else:
            first, second = task["first"], task["second"]
            a, b = value_of.get(first, 0), value_of.get(second, 0)
            value = str({"value": a, "difference": a - b, "sum": a + b}[kind])
            sign = {"difference": "-", "sum": "+"}.get(kind)
            words = f"{first} {a}, {second} {b}. {a} {sign} {b} =" if sign else f"{first}"
        last, answer = pick_option(value, task)
        return f"{words} {last}", answer

    def misread(self, facts: dict, rng: Random) -> dict:
        place = rng.randrange(len(facts["values"]))
        value = facts["values"][place]
        near = range(max(1, value - 2), min(9, value + 2) + 1)
        facts["values"][place] = rng.choice([other for other in near if other != value])
        return facts

    # ---- read back, checked, corrupted ----

    statement = re.compile(rf"\b(?:{ANY_COLOUR}) \d+\b")
    readers = (_read_chart,)
    checks = {"style": _check_style, "value": _check_value, "extreme": _check_extreme}
    claim_numbers = {"value": [str(value) for value in range(1, 9)]}

    def read(self, caption: str) -> dict | None:
        bars = _BAR.findall(caption)
        style = "point" if "points" in caption else "bar"
        return {"style": style, "colours": [c for c, _ in bars], "values": [int(v) for _, v in bars]} if bars else None

    def leave_out(self, seen: dict, rng: Random) -> dict:
        place = rng.randrange(len(seen["values"]))
        del seen["colours"][place], seen["values"][place]
        return seen

    def has_one_answer(self, facts: dict, task: dict) -> bool:
        if task["kind"] not in ("highest", "lowest"):
            return True
        return facts["values"].count(_best(task["kind"])(facts["values"])) == 1

    def scenes_with(self, facts: dict, old: Statement, new: Statement) -> list[dict]:
        if old.kind != "value" or old.about != new.about:
            return []
        scene = deepcopy(facts)
        scene["values"][scene["colours"].index(old.about)] = int(new.says)
        return [scene]

    def implied(self, facts: dict, task: dict, old: Statement, new: Statement) -> tuple[str, ...]:
        if old.kind == "extreme" and task["kind"] == old.about:  # what is named is the answer
            return (new.says,) if new.says in task["options"] else ()
        return super().implied(facts, task, old, new)

    # ---- planted traces ----

    topic = "chart"
    phrases = {
        "train": {
            "look": ("I see {mark}s: {pairs}.", "The {mark}s read {pairs}."),
            "extreme": ("The {kind} is {first}.", "Of all values {a} is the {kind}, and that is {first}."),
            "value": ("The {first} {mark} is {a}.", "Read off, {first} {a}."),
            "difference": ("{first} {a}, {second} {b}. {a} - {b} = {x}.", "From {b} up to {a}: {a} - {b} = {x}."),
            "sum": ("{first} {a}, {second} {b}. {a} + {b} = {x}.", "Both together: {a} + {b} = {x}."),
            "undo difference": ("{x} on top of {b}: {b} + {x} = {a}.",),
            "undo sum": ("Taking one off: {x} - {b} = {a}.",),
            "undo": ("Beside it, {other} {c}: the gap is {high} - {low} = {gap}.",),
        },
        "test": {
            "look": ("From left to right the {mark}s are {clauses}.", "I read them one by one: {clauses}."),
            "extreme": ("{First} is the {kind}, at {a}.", "Compared with the rest, {first} is the {kind}."),
            "value": ("The {mark} asked for ends at {a}.", "So {first} has {a}."),
            "difference": (
                "Between {first} and {second} lie {a} - {b} = {x}.",
                "{First} has {a} and {second} has {b}, so {a} minus {b} is {x}.",
            ),
            "sum": (
                "The two values add up to {a} + {b} = {x}.",
                "{First} has {a} and {second} has {b}, so {a} plus {b} is {x}.",
            ),
            "undo difference": ("The other way round, {x} + {b} = {a}.",),
            "undo sum": ("The other way round, {x} - {b} leaves {a}.",),
            "undo": ("For scale, {other} has {c}, and {high} - {low} = {gap} lies between.",),
        },
    }

    def tell(self, say: Callable[..., str], facts: dict, task: dict) -> Told:
        value_of, kind = _values(facts), task["kind"]
        pairs = [f"{colour} {value}" for colour, value in value_of.items()]
        clauses = ", ".join(pair.replace(" ", " is ") for pair in pairs)
        look = say("look", mark=facts["style"], pairs=", ".join(pairs), clauses=clauses)
        extreme = kind in ("highest", "lowest")
        first = _best(kind)(value_of, key=value_of.get) if extreme else task["first"]
        a = value_of[first]
        near = min((c for c in value_of if c != first), key=lambda colour: (abs(value_of[colour] - a), colour))
        second = near if extreme or kind == "value" else task["second"]
        b = value_of[second]
        slots = {"first": first, "First": first.capitalize(), "second": second, "a": a, "b": b, "kind": kind}
        slots |= {"mark": facts["style"], "x": a + b if kind == "sum" else a - b, "other": second, "c": b}
        slots |= {"high": max(a, b), "low": min(a, b), "gap": abs(a - b)}
        undo = f"undo {kind}" if kind in ("difference", "sum") else "undo"
        return look, [say("extreme" if extreme else kind, **slots)], [say(undo, **slots)]
