"""The words of planted traces: what there is to see and to work out in a mini-world scene, told from one of two banks.

The banks share no phrase, so that a detector fitted on traces in the words of one is tried on those of the other. Both
classes of trace, genuine and pseudo, draw from the same bank: no phrase gives the class away.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from ...mini_world.response_styles import solve
from ...mini_world.scene_kinds import (
    ANGLE_PLACES,
    REGIONS,
    box_words,
    extreme_objects,
    function_value,
    group_words,
    in_group,
    known_angles,
    name_of,
    place_words,
    several,
    step_words,
)

PHRASES: dict[str, dict[str, tuple[str, ...]]] = {
    "train": {
        "open": ("Okay, let me look at the picture.", "First, let me look.", "Let me see."),
        "hedge": (
            *("Maybe this is not clear.", "I am not sure about the {thing}.", "Perhaps it is something else."),
            *("It might be different.", "I think so.", "Maybe the {thing} can be seen another way."),
        ),
        "filler": ("This needs some thought.", "Let me think about it.", "The {thing} is what matters here."),
        "cue": (
            *("Wait, let me double-check.", "Hmm, let me look again.", "Let me check the {thing}.", "Wait."),
            *("Alternatively, I can start over.", "Wait, the {thing}."),
        ),
        "confirm": ("Yes, that is right.", "It stays as it is.", "Okay, same as before."),
        "restate": ("The question is: {question}", "I am asked: {question}"),
        "conclude": ("So the answer is {answer}.", "That gives {answer}."),
        "blocks look": ("I see {names}. That is {total}.", "The picture has {articles}, which makes {total}."),
        "blocks take": (
            "{step}: {gone}. {before} - {gone} = {after}.",
            "Of these, {gone} count as {group}. {before} minus {gone} is {after}.",
        ),
        "blocks add": (
            "{step}. {before} + {more} = {after}.",
            "With {more} more, {before} plus {more} is {after}.",
        ),
        "blocks undo take": ("Put back what went: {after} + {gone} = {before}.",),
        "blocks undo add": ("Without what came: {after} - {more} = {before}.",),
        "blocks colours": ("By colour, {sum} = {n}.",),
        "angles look": (
            "I see a triangle with {top} at the top, {left} at the left, {right} at the right.",
            "The labels are {top} at the top, {left} at the left and {right} at the right.",
        ),
        "angles third": (
            "{a} + {b} = {sum}. 180 - {sum} = {x}.",
            "The known angles are {a} and {b}: {a} + {b} = {sum}. The rest up to 180: 180 - {sum} = {x}.",
        ),
        "angles exterior": (
            "The exterior angle is the sum of the other two, {a} + {b} = {x}.",
            "The angle inside is 180 - {sum} = {inner}, so outside it is 180 - {inner} = {x}.",
        ),
        "angles undo third": ("All three together: {a} + {b} + {x} = 180.",),
        "angles undo exterior": ("Inside it is 180 - {x} = {inner}, and {a} + {b} + {inner} = 180.",),
        "charts look": ("I see {mark}s: {pairs}.", "The {mark}s read {pairs}."),
        "charts extreme": ("The {kind} is {first}.", "Of all values {a} is the {kind}, and that is {first}."),
        "charts value": ("The {first} {mark} is {a}.", "Read off, {first} {a}."),
        "charts difference": ("{first} {a}, {second} {b}. {a} - {b} = {x}.", "From {b} up to {a}: {a} - {b} = {x}."),
        "charts sum": ("{first} {a}, {second} {b}. {a} + {b} = {x}.", "Both together: {a} + {b} = {x}."),
        "charts undo difference": ("{x} on top of {b}: {b} + {x} = {a}.",),
        "charts undo sum": ("Taking one off: {x} - {b} = {a}.",),
        "charts undo": ("Beside it, {other} {c}: the gap is {high} - {low} = {gap}.",),
        "functions look": (
            "I see a {colour} {family} through {first} and {second}.",
            "The curve is a {colour} {family}. Its points are {first} and {second}.",
        ),
        "functions steps": (
            "At 0 y is {b}, so b is {b}. One step {side} it is {end}: {difference} = {a}, so a is {a}.",
            "One step {side} of 0, y goes from {b} to {end}, so a is {a} and b is {b}.",
        ),
        "functions undo": ("Put in: {value} = {end}.",),
        "boxes look": ("I see {boxes}.", "The picture has {boxes}."),
        "boxes named": ("The {target} {box}.", "It is the {target} at {box}."),
        "boxes extreme": ("The {kind} is the {target}. The {target} {box}.",),
        "boxes undo": ("Its sides are {x2} - {x1} = {width} and {y2} - {y1} = {width}, as wide as high.",),
        "stories look": ("It is {time}. {sentences}", "{sentences} It is {time}."),
        "stories steps": ("{Region}: {wanted}.", "What is asked for is {region}: {names}."),
        "stories undo": ("At the top: {above}, at the bottom: {below}, {above} + {below} = {n}.",),
    },
    "test": {
        "open": ("I begin with what is there.", "Here goes.", "Going by the picture now."),
        "hedge": (
            *("Possibly I misread the {thing}.", "It is hard to say.", "I guess it could be otherwise."),
            *("The {thing} may be off.", "Who can tell?", "I suppose the {thing} is probably fine."),
        ),
        "filler": ("One has to be careful here.", "It is all about the {thing}.", "So this goes step by step."),
        "cue": (
            *("Wait, is that so?", "Hold on, I want to verify this.", "Hmm, once more.", "Is there a mistake?"),
            *("I should check the {thing} again.", "Hmm, but the {thing}."),
        ),
        "confirm": ("Nothing changes.", "That was fine.", "As I said."),
        "restate": ("What is wanted: {question}", "The task reads: {question}"),
        "conclude": ("Therefore {answer}.", "My answer is {answer}."),
        "blocks look": (
            "In front of me: {articles}. So {total} altogether.",
            "Row by row: {names}. I count {total}.",
        ),
        "blocks take": (
            "{step}, that is {gone} off: {before} - {gone} = {after} stay.",
            "The {group} number {gone}, which leaves {before} - {gone} = {after}.",
        ),
        "blocks add": (
            "{step}, which makes {before} + {more} = {after}.",
            "{more} come on top: {before} plus {more} equals {after}.",
        ),
        "blocks undo take": ("The other way round, {after} + {gone} = {before}.",),
        "blocks undo add": ("The other way round, {after} - {more} = {before}.",),
        "blocks colours": ("Sorted by colour there are {sum} = {n} of them.",),
        "angles look": (
            "The top corner says {top}, the left corner says {left} and the right corner says {right}.",
            "A triangle. Left is {left}, right is {right}, top is {top}.",
        ),
        "angles third": (
            "From 180 I take both known angles: 180 - {a} - {b} = {x}.",
            "{a} and {b} make {a} + {b} = {sum}, and up to 180 there remain 180 - {sum} = {x}.",
        ),
        "angles exterior": (
            "Seen from outside it is as large as {a} + {b} = {x}.",
            "Two angles lie opposite, so {a} plus {b} gives {x}.",
        ),
        "angles undo third": ("Adding up, {x} + {a} + {b} = 180.",),
        "angles undo exterior": ("Next to it there are 180 - {x} = {inner} inside, and {inner} + {a} + {b} = 180.",),
        "charts look": ("From left to right the {mark}s are {clauses}.", "I read them one by one: {clauses}."),
        "charts extreme": ("{First} is the {kind}, at {a}.", "Compared with the rest, {first} is the {kind}."),
        "charts value": ("The {mark} asked for ends at {a}.", "So {first} has {a}."),
        "charts difference": (
            "Between {first} and {second} lie {a} - {b} = {x}.",
            "{First} has {a} and {second} has {b}, so {a} minus {b} is {x}.",
        ),
        "charts sum": (
            "The two values add up to {a} + {b} = {x}.",
            "{First} has {a} and {second} has {b}, so {a} plus {b} is {x}.",
        ),
        "charts undo difference": ("The other way round, {x} + {b} = {a}.",),
        "charts undo sum": ("The other way round, {x} - {b} leaves {a}.",),
        "charts undo": ("For scale, {other} has {c}, and {high} - {low} = {gap} lies between.",),
        "functions look": (
            "A {family} in {colour}, with dots at {first} and {second}.",
            "There is a {colour} {family} whose marked points are {first} and {second}.",
        ),
        "functions steps": (
            "At the axis it is {b}, hence b = {b}. To the {side} it is {end}, and {difference} = {a}, hence a = {a}.",
            "The constant first: b = {b}. Then the factor for a step to the {side}: {difference} = {a}, hence a = {a}.",
        ),
        "functions undo": ("In the equation, {value} = {end}.",),
        "boxes look": ("There is {articles}.", "Searching from the top: {articles}."),
        "boxes named": ("The {target} is at {box}.", "Looking for the {target}: {box}."),
        "boxes extreme": ("{Kind} of all is the {target}, and the {target} is at {box}.",),
        "boxes undo": ("Width {x2} - {x1} = {width}, height {y2} - {y1} = {width}: a square.",),
        "stories look": ("It is {time} here, with {placed}.", "The scene has {placed}, and it is {time}."),
        "stories steps": ("That means {names} {region}.", "Wanted is what is {region}, namely {names}."),
        "stories undo": ("The upper half has {above} and the lower half {below}, {above} + {below} = {n} altogether.",),
    },
}
"""Bank, role, phrases. The slots in braces are filled from the scene."""

_THING = {
    "blocks": "count",
    "angles": "triangle",
    "charts": "chart",
    "functions": "curve",
    "boxes": "box",
    "stories": "scene",
}


@dataclass(frozen=True)
class Work:
    """What can be said about a scene and a question, each a sentence or a few: true when the facts are.

    Attributes:
        look: what is there.
        steps: the working, from what is there to the answer.
        checks: other routes to the same result, or what else must hold if it is right.
        answer: the answer that the steps lead to.
    """

    look: str
    steps: tuple[str, ...]
    checks: tuple[str, ...]
    answer: str


class Words:
    """One way to speak about a scene: of each kind of content it keeps to one phrase, small talk varies.

    Args:
        source, task, question: of the record.
        bank: "train" or "test".
        rng: picks the phrases.
    """

    def __init__(self, source: str, task: dict, question: str, bank: str, rng: Random):
        self.source, self.task, self._bank, self._rng = source, task, bank, rng
        self._phrases = PHRASES[bank]
        self._kept = {role: rng.choice(phrases) for role, phrases in self._phrases.items() if role.startswith(source)}
        self._slots = {"thing": _THING[source], "question": question}

    def say(self, role: str, **slots: object) -> str:
        phrase = self._kept.get(role) or self._rng.choice(self._phrases[role])
        return phrase.format(**self._slots, **slots)

    def about(self, task: dict, question: str) -> "Words":
        """Words of the same bank about another question."""
        return Words(self.source, task, question, self._bank, self._rng)

    def work(self, facts: dict) -> Work:
        """What can be said if these are the facts; equal facts give equal words."""
        look, steps, checks = _WORK[self.source](self, facts)
        return Work(look, tuple(steps), tuple(checks), solve(self.source, facts, self.task)[1])


_Parts = tuple[str, list[str], list[str]]


def _articles(names: list[str]) -> str:
    named = [f"{'an' if name[0] == 'o' else 'a'} {name}" for name in names]
    return named[0] if len(named) == 1 else ", ".join(named[:-1]) + " and " + named[-1]


def _blocks(words: Words, facts: dict) -> _Parts:
    objects = facts["objects"]
    names, total = [name_of(thing) for thing in objects], len(objects)
    look = words.say("blocks look", names=", ".join(names), articles=_articles(names), total=several(total, "object"))
    steps, checks, left = [], [], list(objects)
    counts = list(Counter(thing["colour"] for thing in objects).values())
    if len(counts) > 1:
        checks.append(words.say("blocks colours", sum=" + ".join(map(str, counts)), n=total))
    for place, step in enumerate(words.task["steps"]):
        slots = {"step": step_words(step, place), "before": total}
        if step["op"] == "add":
            slots |= {"more": step["count"], "after": total + step["count"]}
            steps.append(words.say("blocks add", **slots))
            checks.append(words.say("blocks undo add", **slots))
        else:
            kept = [thing for thing in left if not in_group(thing, step["colour"], step["shape"])]
            gone, left = len(left) - len(kept), kept
            slots |= {"gone": gone, "group": group_words(step["colour"], step["shape"]), "after": total - gone}
            steps.append(words.say("blocks take", **slots))
            checks.append(words.say("blocks undo take", **slots))
        total = slots["after"]
    return look, steps, checks


def _angles(words: Words, facts: dict) -> _Parts:
    labels = ["x" if k == facts["unknown"] else str(angle) for k, angle in enumerate(facts["angles"])]
    kind, (a, b) = words.task["kind"], known_angles(facts)
    x = 180 - a - b if kind == "third" else a + b
    slots = {"a": a, "b": b, "sum": a + b, "inner": 180 - a - b, "x": x}
    look = words.say("angles look", **dict(zip(ANGLE_PLACES, labels, strict=True)))
    return look, [words.say(f"angles {kind}", **slots)], [words.say(f"angles undo {kind}", **slots)]


def _charts(words: Words, facts: dict) -> _Parts:
    value_of, kind = dict(zip(facts["colours"], facts["values"], strict=True)), words.task["kind"]
    pairs = [f"{colour} {value}" for colour, value in value_of.items()]
    clauses = ", ".join(pair.replace(" ", " is ") for pair in pairs)
    look = words.say("charts look", mark=facts["style"], pairs=", ".join(pairs), clauses=clauses)
    extreme = kind in ("highest", "lowest")
    first = (max if kind == "highest" else min)(value_of, key=value_of.get) if extreme else words.task["first"]
    a = value_of[first]
    near = min((c for c in value_of if c != first), key=lambda colour: (abs(value_of[colour] - a), colour))
    second = near if extreme or kind == "value" else words.task["second"]
    b = value_of[second]
    slots = {"first": first, "First": first.capitalize(), "second": second, "a": a, "b": b, "kind": kind}
    slots |= {"mark": facts["style"], "x": a + b if kind == "sum" else a - b, "other": second, "c": b}
    slots |= {"high": max(a, b), "low": min(a, b), "gap": abs(a - b)}
    undo = f"charts undo {kind}" if kind in ("difference", "sum") else "charts undo"
    return look, [words.say(f"charts {'extreme' if extreme else kind}", **slots)], [words.say(undo, **slots)]


def _functions(words: Words, facts: dict) -> _Parts:
    a, b, mark, family = facts["a"], facts["b"], facts["mark"], facts["family"]
    end = round(function_value(facts, mark))
    points = {"first": f"(0, {b})", "second": f"({mark}, {end})"}
    high, low = (b, end) if family == "line" and mark == -1 else (end, b)
    at = {"line": "1" if mark == 1 else "(-1)", "parabola": f"({mark})^2", "vee": "1"}[family]
    slots = {"a": a, "b": b, "end": end, "side": "right" if mark == 1 else "left"}
    slots["difference"] = f"{high} - {low}" if low >= 0 else f"{high} - ({low})"
    slots["value"] = f"{a} × {at} {'-' if b < 0 else '+'} {abs(b)}"
    look = words.say("functions look", colour=facts["colour"], family=family, **points)
    return look, [words.say("functions steps", **slots)], [words.say("functions undo", **slots)]


def _boxes(words: Words, facts: dict) -> _Parts:
    objects, kind = facts["objects"], words.task["kind"]
    boxes = [f"{name_of(thing)} {box_words(thing['box'])}" for thing in objects]
    look = words.say(
        "boxes look", boxes=", ".join(boxes), articles=_articles([b.replace(" [", " at [") for b in boxes])
    )
    named = [thing for thing in objects if name_of(thing) == words.task["target"]]
    thing = (named or objects)[0] if kind == "named" else extreme_objects(objects, kind)[0]
    corners = dict(zip(("x1", "y1", "x2", "y2"), (f"{value:.3f}" for value in thing["box"]), strict=True))
    slots = {"target": name_of(thing), "box": box_words(thing["box"]), "kind": kind, "Kind": kind.capitalize()}
    slots |= {**corners, "width": f"{thing['box'][2] - thing['box'][0]:.3f}"}
    step = words.say("boxes named" if kind == "named" else "boxes extreme", **slots)
    return look, [step], [words.say("boxes undo", **slots)]


def _stories(words: Words, facts: dict) -> _Parts:
    objects, region = facts["objects"], words.task["region"]
    sentences = " ".join(map(place_words, objects))
    placed = _articles([f"{name_of(thing)} at the {thing['place']}" for thing in objects])
    wanted = [thing for thing in objects if region is None or thing["place"] in REGIONS[region]]
    region = region or "in the picture"
    above = sum("top" in thing["place"] for thing in objects)
    slots = {"region": region, "Region": region.capitalize(), "wanted": several(len(wanted), "object")}
    slots |= {"names": ", ".join(map(name_of, wanted)) or "nothing"}
    slots |= {"above": above, "below": len(objects) - above, "n": len(objects)}
    look = words.say("stories look", time=facts["time"], placed=placed, sentences=sentences)
    return look, [words.say("stories steps", **slots)], [words.say("stories undo", **slots)]


_WORK: dict[str, Callable[[Words, dict], _Parts]] = {
    "blocks": _blocks,
    "angles": _angles,
    "charts": _charts,
    "functions": _functions,
    "boxes": _boxes,
    "stories": _stories,
}
