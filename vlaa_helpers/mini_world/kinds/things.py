"""Kinds whose images show things: what blocks, boxes and stories have in common."""

from abc import abstractmethod
from collections.abc import Sequence
from copy import deepcopy
from random import Random

from ...core.boxes import box_iou
from .base import Kind
from .readers import Statement
from .words import COLOURS, PLACES, SEEN_PAIRS, SHAPES

SAME_BOX = 0.5
"""A box is that of a thing from this overlap (IoU) on."""


def in_group(thing: dict, colour: str | None, shape: str | None) -> bool:
    return (colour is None or thing["colour"] == colour) and (shape is None or thing["shape"] == shape)


def another(words: Sequence[str], word: str, rng: Random) -> str:
    return rng.choice([other for other in words if other != word])


def _things(facts: dict, thing: tuple[str, str]) -> list[dict]:
    return [other for other in facts.get("objects", ()) if (other["colour"], other["shape"]) == thing]


def _check_object(facts: dict, thing: tuple[str, str], rank: int) -> bool:
    """Where each thing is there once (all but blocks), a second mention is no second thing."""
    objects = facts.get("objects", ())
    many = bool(objects) and "row" in objects[0]
    return len(_things(facts, thing)) >= (rank if many else 1)


def _check_box(facts: dict, thing: tuple[str, str], box: tuple[float, ...] | None) -> bool | None:
    found = [other["box"] for other in _things(facts, thing) if "box" in other]
    if not found:
        return None if _things(facts, thing) else False
    return None if box is None else any(box_iou(box, other) >= SAME_BOX for other in found)


def _check_place(facts: dict, thing: tuple[str, str], place: tuple[str, ...] | None) -> bool | None:
    found = [other["place"].split() for other in _things(facts, thing) if "place" in other]
    if not found:
        return None if _things(facts, thing) else False
    return None if place is None else any(set(place) <= set(other) for other in found)


class ThingsKind(Kind):
    """A kind whose facts hold `objects`, each with a `colour`, a `shape` and where it is."""

    checks = {"object": _check_object, "box": _check_box, "place": _check_place}
    claim_numbers = dict.fromkeys(("count", "taken"), [str(count) for count in range(9)])

    @abstractmethod
    def move(self, thing: dict, rng: Random) -> None:
        """Read the place of a thing wrongly, in place."""

    @abstractmethod
    def covers(self, thing: dict, x: float, y: float) -> bool:
        """Whether a thing is at this point, given in fractions of the image."""

    def misread(self, facts: dict, rng: Random) -> dict:
        objects = facts["objects"]
        thing = rng.choice(objects)
        changes = ("omit", "colour", "shape", "place") if len(objects) > 1 else ("colour", "shape")
        change = rng.choice(changes)
        if change == "omit":
            objects.remove(thing)
        elif change == "colour":
            thing["colour"] = another(COLOURS, thing["colour"], rng)
        elif change == "shape":
            thing["shape"] = another(SHAPES, thing["shape"], rng)
        else:
            self.move(thing, rng)
        return facts

    def leave_out(self, seen: dict, rng: Random) -> dict:
        if len(seen["objects"]) > 1:
            seen["objects"].remove(rng.choice(seen["objects"]))
        return seen

    def imagine(self, seen: dict, rng: Random) -> dict:
        taken = [thing.get("place") for thing in seen["objects"]]
        free = [place for place in PLACES if place not in taken]
        if not free or rng.random() >= 0.5:
            return self.misread(seen, rng)
        colour, shape = rng.choice(SEEN_PAIRS)
        seen["objects"].append({"colour": colour, "shape": shape, "place": rng.choice(free)})
        return seen

    def scenes_with(self, facts: dict, old: Statement, new: Statement) -> list[dict]:
        if old.kind not in ("object", "place", "box"):
            return []
        scene = deepcopy(facts)
        thing = _things(scene, old.about)[0]
        thing["colour"], thing["shape"] = new.about
        if old.kind == "box":
            thing["box"] = list(new.says)
        elif old.kind == "place" and old.says != new.says:
            if len(new.says) < 2:
                return []
            thing["place"] = " ".join(new.says)
        return [scene]
