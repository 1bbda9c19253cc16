"""Whether what a text says about a mini-world image is true: every claim, where it stands, and a verdict.

The paper shows pseudo reasoning by example and has no measure of it (arXiv 2504.11468). In the mini world the facts of
an image are known, so each claim can be held against them: the measure is ours, and holds only there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .scene_kinds import ANGLE_PLACES, extreme_objects, function_value, in_group
from .statement_parser import Statement, read_statements

VERDICTS = ("true", "false", "not checkable")
CLAIM_KINDS = {
    "object": "a thing is there; the n-th mention in one listing claims n of them",
    "box": "a thing is in a box: true from an overlap (IoU) of 0.5 with its own",
    "place": "a thing is in a corner, or in a half, of the picture",
    "count": "how many things there are, of a group or in all",
    "taken": "how many things an operation takes away, of those that the operations before it left",
    "region": "how many things are in a half of the picture, or in all of it",
    "time": "it is day, or night",
    "label": "what is written at a corner of the triangle",
    "style": "the chart has bars, or points",
    "value": "how high a colour's bar or point is",
    "extreme": "what is highest, or lowest",
    "curve": "the colour and kind of the curve",
    "point": "the curve passes through a point",
    "change": "what y is at 0, and one step to a side",
    "coefficient": "what a, or b, is",
}


@dataclass(frozen=True)
class Claim:
    """A claim about an image.

    Attributes:
        start, end: where it stands in the text, in characters.
        text: as written.
        verdict: "true", "false" or "not checkable". A claim that is cut off or garbled is false when nothing that could
            stand there makes it true (a thing that is not in the image), and not checkable otherwise. So is a claim
            about what the facts do not hold (the corner of a block, the time of day of a chart).
        kind: one of `CLAIM_KINDS`.
    """

    start: int
    end: int
    text: str
    verdict: str
    kind: str


def find_claims(source: str, facts: dict, text: str) -> list[Claim]:
    """Every claim about a mini-world image in a text, in the order of the text, each held against the facts.

    Args:
        source: one of `SOURCES`, the kind of image.
        facts: what the image shows, as `meta` of its record has it.
        text: a trace, a response or any other text. Bare answers ("It looks like 4.") and operations ("Add 1 red star")
            are no claims. Time is linear in its length.

    >>> facts = {"style": "bar", "colours": ["red", "blue"], "values": [6, 2]}
    >>> [(claim.text, claim.verdict) for claim in find_claims("charts", facts, "I see bars: red 6, blue 5.")]
    [('bars', 'true'), ('red 6', 'true'), ('blue 5', 'false')]
    """
    return check_statements(facts, read_statements(source, text), text)


def check_statements(facts: dict, statements: list[Statement], text: str) -> list[Claim]:
    """The statements of `read_statements` as claims, with a verdict each."""
    removal = _Removal(facts)
    claims = []
    for said in statements:
        holds = (
            removal.check(said) if said.kind in ("taken", "count") else _CHECKS[said.kind](facts, said.about, said.says)
        )
        verdict = "not checkable" if holds is None else "true" if holds else "false"
        claims.append(Claim(said.start, said.end, text[said.start : said.end], verdict, said.kind))
    return claims


class _Removal:
    """Counts groups as a trace takes them away one after the other; it may start again."""

    def __init__(self, facts: dict):
        self.things = facts.get("objects", [])
        self.left, self.gone = self.things, set()

    def check(self, said: Statement) -> bool:
        group = said.about
        if said.kind == "count":
            if group == (None, None):  # "That is 5 objects": the working starts (again)
                self.left, self.gone = self.things, set()
            return said.says == sum(in_group(thing, *group) for thing in self.things)
        if group in self.gone:
            self.left, self.gone = self.things, set()
        kept = [thing for thing in self.left if not in_group(thing, *group)]
        holds = said.says == len(self.left) - len(kept)
        self.left = kept
        self.gone.add(group)
        return holds


def _things(facts: dict, thing: tuple[str, str]) -> list[dict]:
    return [other for other in facts.get("objects", ()) if (other["colour"], other["shape"]) == thing]


def _object(facts: dict, thing: tuple[str, str], rank: int) -> bool:
    """Where each thing is there once (all but blocks), a second mention is no second thing."""
    objects = facts.get("objects", ())
    many = bool(objects) and "row" in objects[0]
    return len(_things(facts, thing)) >= (rank if many else 1)


def _box(facts: dict, thing: tuple[str, str], box: tuple[float, ...] | None) -> bool | None:
    found = [other["box"] for other in _things(facts, thing) if "box" in other]
    if not found:
        return None if _things(facts, thing) else False
    return None if box is None else any(overlap_share(box, other) >= 0.5 for other in found)


def overlap_share(box: tuple[float, ...], other: tuple[float, ...]) -> float:
    """The intersection over union (IoU) of two boxes, 0-1; 0 for a box whose corners are in the wrong order."""
    sides = [min(box[k + 2], other[k + 2]) - max(box[k], other[k]) for k in (0, 1)]
    widths = [max(0.0, b[k + 2] - b[k]) for b in (box, other) for k in (0, 1)]
    shared = max(0.0, sides[0]) * max(0.0, sides[1])
    union = widths[0] * widths[1] + widths[2] * widths[3] - shared
    return shared / union if union > 0 and min(widths) > 0 else 0.0


def _place(facts: dict, thing: tuple[str, str], place: tuple[str, ...] | None) -> bool | None:
    found = [other["place"].split() for other in _things(facts, thing) if "place" in other]
    if not found:
        return None if _things(facts, thing) else False
    return None if place is None else any(set(place) <= set(other) for other in found)


def _region(facts: dict, region: str, count: int) -> bool:
    return count == sum(region == "picture" or region in thing["place"].split() for thing in facts["objects"])


def _time(facts: dict, _: str, time: str) -> bool | None:
    return facts["time"] == time if "time" in facts else None


def _label(facts: dict, place: str | None, label: str) -> bool | None:
    if "angles" not in facts:
        return False
    written = ["x" if k == facts["unknown"] else str(angle) for k, angle in enumerate(facts["angles"])]
    if place is None:
        return None if label in written else False
    return written[ANGLE_PLACES.index(place)] == label


def _style(facts: dict, _: str, style: str) -> bool:
    return facts["style"] == style


def _value(facts: dict, colour: str, value: float) -> bool:
    return dict(zip(facts["colours"], facts["values"], strict=True)).get(colour) == value


def _extreme(facts: dict, extreme: str, what: Any) -> bool:
    if "objects" in facts:
        return what in [(thing["colour"], thing["shape"]) for thing in extreme_objects(facts["objects"], extreme)]
    best = (max if extreme == "highest" else min)(facts["values"])
    return (what, best) in zip(facts["colours"], facts["values"], strict=True)


def _curve(facts: dict, _: str, curve: tuple[str, str]) -> bool:
    return (facts.get("colour"), facts.get("family")) == curve


def _point(facts: dict, x: float, y: float | None) -> bool | None:
    return None if y is None else function_value(facts, x) == y


def _change(facts: dict, side: str | None, values: tuple[float, float | None]) -> bool | None:
    first, last = values
    steps = {"left": (-1,), "right": (1,), None: (-1, 1)}[side]
    if first != facts["b"]:
        return False
    return None if last is None else any(function_value(facts, step) == last for step in steps)


def _coefficient(facts: dict, name: str, value: float) -> bool:
    return facts[name] == value


_CHECKS: dict[str, Callable[[dict, Any, Any], bool | None]] = {
    "object": _object,
    "box": _box,
    "place": _place,
    "region": _region,
    "time": _time,
    "label": _label,
    "style": _style,
    "value": _value,
    "extreme": _extreme,
    "curve": _curve,
    "point": _point,
    "change": _change,
    "coefficient": _coefficient,
}
