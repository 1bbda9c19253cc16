"""Blocks, after CLEVR-Math: objects on a 4 x 4 grid; remove or add some, then count."""

import re
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from ..raster import draw_shape
from .base import Ask, Told
from .readers import Statement, read_counts
from .things import ThingsKind, another, in_group
from .words import COLOURS, PAIR, SEEN_PAIRS, draw_pairs, name_of, several, with_articles

if TYPE_CHECKING:
    from PIL import Image


def group_words(colour: str | None, shape: str | None, count: int = 2) -> str:
    """What a group is called: "red circles", "circles", "red objects"."""
    noun = shape or "object"
    words = f"{colour} {noun}" if colour else noun
    return words if count == 1 else words + "s"


def step_words(step: dict, place: int) -> str:
    """What to do, as the question says it; the second step (`place` 1) opens with "Then"."""
    if step["op"] == "add":
        return f"{('Add', 'Then add')[place]} {several(step['count'], step['colour'] + ' ' + step['shape'])}"
    if place == 0:
        return f"Subtract all {group_words(step['colour'], step['shape'])}"
    return f"Then remove every {group_words(step['colour'], step['shape'], 1)}"


class Blocks(ThingsKind):
    name = "blocks"
    mirrors = "clevr_math"
    verifier_type = "digit"

    def sample(self, rng: Random, difficulty: int, shifted: bool) -> dict:
        low, high = ((2, 4), (3, 6), (5, 8))[difficulty]
        count = rng.randint(7, 8) if shifted else rng.randint(low, high)
        cells = sorted(rng.sample(range(16), count))
        pairs = draw_pairs(rng, count, shifted, distinct=False)
        return {
            "objects": [
                {"colour": colour, "shape": shape, "row": cell // 4, "column": cell % 4}
                for cell, (colour, shape) in zip(cells, pairs, strict=True)
            ]
        }

    def draw(self, facts: dict, image: "Image.Image") -> None:
        for thing in facts["objects"]:
            x, y = thing["column"] * 28, thing["row"] * 28
            draw_shape(image, thing["shape"], thing["colour"], (x + 3, y + 3, x + 25, y + 25))

    def covers(self, thing: dict, x: float, y: float) -> bool:
        return thing["column"] == int(x * 4) and thing["row"] == int(y * 4)

    def ask(self, rng: Random, facts: dict, difficulty: int) -> Ask:
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

    def words(self, facts: dict) -> str:
        return "I see " + ", ".join(name_of(thing) for thing in facts["objects"]) + "."

    def solve(self, facts: dict, task: dict) -> tuple[str, str]:
        left = list(facts["objects"])
        total = len(left)
        words = [f"That is {several(total, 'object')}."]
        for place, step in enumerate(task["steps"]):
            if step["op"] == "add":
                after = total + step["count"]
                words.append(f"{step_words(step, place)}. {total} + {step['count']} = {after}.")
            else:
                kept = [thing for thing in left if not in_group(thing, step["colour"], step["shape"])]
                gone, left = len(left) - len(kept), kept
                after = total - gone
                words.append(f"{step_words(step, place)}: {gone}. {total} - {gone} = {after}.")
            total = after
        return " ".join(words), str(total)

    def move(self, thing: dict, rng: Random) -> None:
        thing["colour"] = another(COLOURS, thing["colour"], rng)  # no words tell where a block is

    def misread(self, facts: dict, rng: Random) -> dict:
        shown = {(thing["colour"], thing["shape"]) for thing in facts["objects"]}
        facts = super().misread(facts, rng)
        if rng.random() < 0.3:
            colour, shape = rng.choice([pair for pair in SEEN_PAIRS if pair not in shown])
            facts["objects"].append({"colour": colour, "shape": shape, "row": 3, "column": 3})
        return facts

    def slip(self, facts: dict, task: dict, answer: str, rng: Random) -> str:
        near = (int(answer) - 1, int(answer) + 1, len(facts["objects"]))
        return str(rng.choice([n for n in near if 0 <= n <= 9 and n != int(answer)]))

    # ---- read back, checked, corrupted ----

    statement = re.compile(rf"\b{PAIR}")
    readers = (read_counts,)
    answer_numbers = [str(count) for count in range(9)]

    def read(self, caption: str) -> dict | None:
        objects = [match.groupdict() for match in re.finditer(PAIR, caption)]
        return {"objects": objects} if objects else None

    def implied(self, facts: dict, task: dict, old: Statement, new: Statement) -> tuple[str, ...]:
        if old.kind not in ("count", "taken"):
            return super().implied(facts, task, old, new)
        if old.kind == "count" and old.about != (None, None):
            return ()
        value = int(self.solve(facts, task)[1]) + (new.says - old.says) * (1 if old.kind == "count" else -1)
        return (str(value),) if value >= 0 else ()

    # ---- planted traces ----

    topic = "count"
    phrases = {
        "train": {
            "look": ("I see {names}. That is {total}.", "The picture has {articles}, which makes {total}."),
            "take": (
                "{step}: {gone}. {before} - {gone} = {after}.",
                "Of these, {gone} count as {group}. {before} minus {gone} is {after}.",
            ),
            "add": ("{step}. {before} + {more} = {after}.", "With {more} more, {before} plus {more} is {after}."),
            "undo take": ("Put back what went: {after} + {gone} = {before}.",),
            "undo add": ("Without what came: {after} - {more} = {before}.",),
            "colours": ("By colour, {sum} = {n}.",),
        },
        "test": {
            "look": (
                "In front of me: {articles}. So {total} altogether.",
                "Row by row: {names}. I count {total}.",
            ),
            "take": (
                "{step}, that is {gone} off: {before} - {gone} = {after} stay.",
                "The {group} number {gone}, which leaves {before} - {gone} = {after}.",
            ),
            "add": (
                "{step}, which makes {before} + {more} = {after}.",
                "{more} come on top: {before} plus {more} equals {after}.",
            ),
            "undo take": ("The other way round, {after} + {gone} = {before}.",),
            "undo add": ("The other way round, {after} - {more} = {before}.",),
            "colours": ("Sorted by colour there are {sum} = {n} of them.",),
        },
    }

    def tell(self, say: Callable[..., str], facts: dict, task: dict) -> Told:
        objects = facts["objects"]
        names, total = [name_of(thing) for thing in objects], len(objects)
        look = say("look", names=", ".join(names), articles=with_articles(names), total=several(total, "object"))
        steps, checks, left = [], [], list(objects)
        counts = list(Counter(thing["colour"] for thing in objects).values())
        if len(counts) > 1:
            checks.append(say("colours", sum=" + ".join(map(str, counts)), n=total))
        for place, step in enumerate(task["steps"]):
            slots = {"step": step_words(step, place), "before": total}
            if step["op"] == "add":
                slots |= {"more": step["count"], "after": total + step["count"]}
                steps.append(say("add", **slots))
                checks.append(say("undo add", **slots))
            else:
                kept = [thing for thing in left if not in_group(thing, step["colour"], step["shape"])]
                gone, left = len(left) - len(kept), kept
                slots |= {"gone": gone, "group": group_words(step["colour"], step["shape"]), "after": total - gone}
                steps.append(say("take", **slots))
                checks.append(say("undo take", **slots))
            total = slots["after"]
        return look, steps, checks
