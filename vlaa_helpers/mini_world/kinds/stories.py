"""Stories, after ALLaVA, DocVQA and VizWiz: say in words what is there; the reference leaves something out."""

import re
from collections.abc import Callable, Iterator
from random import Random
from typing import TYPE_CHECKING

from ..raster import draw_shape
from .base import Ask, Told
from .readers import HALF, Statement, read_counts
from .things import ThingsKind, another
from .words import ANY_COLOUR, ANY_PLACE, ANY_SHAPE, PAIR, PLACES, draw_pairs, name_of, several, with_articles

if TYPE_CHECKING:
    from PIL import Image

REGIONS = {
    "at the top": ("top left", "top right"),
    "at the bottom": ("bottom left", "bottom right"),
    "on the left": ("top left", "bottom left"),
    "on the right": ("top right", "bottom right"),
}

_PLACED = re.compile(rf"{PAIR} at the (?P<place>{ANY_PLACE})")
_TIME = re.compile(r"\bIt is (day|night)\b")
# Of texts in small letters, and wider than what captions are read by.
_SAID_TIME = re.compile(r"\bit(?: is|'s) (?P<time>day|night)(?:time)?\b")
_REGION_COUNT = re.compile(
    rf"(?:\b(?:at|in|on) )?the (?P<region>{HALF}|picture): ?(?P<count>\d{{1,4}})(?![\w.]\d)(?: objects?\b)?"
)


def place_words(thing: dict) -> str:
    return f"{'An' if thing['colour'] == 'orange' else 'A'} {name_of(thing)} at the {thing['place']}."


def _read_regions(text: str) -> Iterator[Statement]:
    for match in _REGION_COUNT.finditer(text):
        yield Statement(*match.span(), "region", match["region"], int(match["count"]))


def _read_time(text: str) -> Iterator[Statement]:
    for match in _SAID_TIME.finditer(text):
        yield Statement(*match.span(), "time", "time", match["time"])


def _check_region(facts: dict, region: str, count: int) -> bool:
    return count == sum(region == "picture" or region in thing["place"].split() for thing in facts["objects"])


def _check_time(facts: dict, _: str, time: str) -> bool | None:
    return facts["time"] == time if "time" in facts else None


class Stories(ThingsKind):
    name = "stories"
    mirrors = "allava_laion"
    verifier_type = "open_ended"

    def sample(self, rng: Random, difficulty: int, shifted: bool) -> dict:
        count = (2, rng.randint(2, 4), 4)[difficulty]
        places = sorted(rng.sample(range(4), 4 if shifted else count))
        pairs = draw_pairs(rng, len(places), shifted, distinct=True)
        return {
            "time": rng.choice(("day", "night")),
            "objects": [
                {"colour": colour, "shape": shape, "place": PLACES[place]}
                for place, (colour, shape) in zip(places, pairs, strict=True)
            ],
        }

    def draw(self, facts: dict, image: "Image.Image") -> None:
        if facts["time"] == "night":
            image.paste(image.point(lambda value: value // 3), (0, 0))
        for thing in facts["objects"]:
            x, y = 56 * ("right" in thing["place"]), 56 * ("bottom" in thing["place"])
            draw_shape(image, thing["shape"], thing["colour"], (x + 7, y + 7, x + 49, y + 49))

    def covers(self, thing: dict, x: float, y: float) -> bool:
        return ("right" in thing["place"]) == (x > 0.5) and ("bottom" in thing["place"]) == (y > 0.5)

    def ask(self, rng: Random, facts: dict, difficulty: int) -> Ask:
        region = rng.choice((None, *REGIONS))
        things = _things_in(facts, region)
        if not things:
            region, things = None, facts["objects"]
        text = "Describe the picture in words." if region is None else f"What do you see {region}? Answer in words."
        statements = [place_words(thing) for thing in things] + [f"It is {facts['time']}."]
        # the reference is a hurried annotator's: true but half of it missing, so a careful answer can beat it
        reference = statements[: len(statements) // 2]
        return Ask(text, " ".join(reference), {"kind": "describe", "region": region, "wanted": statements})

    def words(self, facts: dict) -> str:
        return f"It is {facts['time']}. " + " ".join(place_words(thing) for thing in facts["objects"])

    def solve(self, facts: dict, task: dict) -> tuple[str, str]:
        """The answer is all that was asked for, which beats the reference."""
        things = _things_in(facts, task["region"])
        answer = " ".join([*(place_words(thing) for thing in things), f"It is {facts['time']}."])
        region = (task["region"] or "in the picture").capitalize()
        return f"{region}: {several(len(things), 'object')}.", answer

    def move(self, thing: dict, rng: Random) -> None:
        thing["place"] = another(PLACES, thing["place"], rng)

    # ---- read back, checked, corrupted ----

    statement = re.compile(rf"\bIt is (?:day|night)|\b(?:{ANY_COLOUR}) (?:{ANY_SHAPE}) at the (?:{ANY_PLACE})\b")
    readers = (read_counts, _read_regions)
    readers_anywhere = (_read_time,)
    checks = {**ThingsKind.checks, "region": _check_region, "time": _check_time}
    claim_numbers = {**ThingsKind.claim_numbers, "region": ThingsKind.claim_numbers["count"]}

    def read(self, caption: str) -> dict | None:
        objects, time = [match.groupdict() for match in _PLACED.finditer(caption)], _TIME.search(caption)
        return {"time": time[1], "objects": objects} if objects and time else None

    def scenes_with(self, facts: dict, old: Statement, new: Statement) -> list[dict]:
        if old.kind == "time":
            return [{**facts, "time": new.says}]
        return super().scenes_with(facts, old, new)

    # ---- planted traces ----

    topic = "scene"
    phrases = {
        "train": {
            "look": ("It is {time}. {sentences}", "{sentences} It is {time}."),
            "steps": ("{Region}: {wanted}.", "What is asked for is {region}: {names}."),
            "undo": ("At the top: {above}, at the bottom: {below}, {above} + {below} = {n}.",),
        },
        "test": {
            "look": ("It is {time} here, with {placed}.", "The scene has {placed}, and it is {time}."),
            "steps": ("That means {names} {region}.", "Wanted is what is {region}, namely {names}."),
            "undo": ("The upper half has {above} and the lower half {below}, {above} + {below} = {n} altogether.",),
        },
    }

    def tell(self, say: Callable[..., str], facts: dict, task: dict) -> Told:
        objects, region = facts["objects"], task["region"] or "in the picture"
        sentences = " ".join(map(place_words, objects))
        placed = with_articles([f"{name_of(thing)} at the {thing['place']}" for thing in objects])
        wanted = _things_in(facts, task["region"])
        above = sum("top" in thing["place"] for thing in objects)
        slots = {"region": region, "Region": region.capitalize(), "wanted": several(len(wanted), "object")}
        slots |= {"names": ", ".join(map(name_of, wanted)) or "nothing"}
        slots |= {"above": above, "below": len(objects) - above, "n": len(objects)}
        look = say("look", time=facts["time"], placed=placed, sentences=sentences)
        return look, [say("steps", **slots)], [say("undo", **slots)]


def _things_in(facts: dict, region: str | None) -> list[dict]:
    return [thing for thing in facts["objects"] if region is None or thing["place"] in REGIONS[region]]
