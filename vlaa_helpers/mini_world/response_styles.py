"""How a response about a mini-world scene can read: carefully worked, guessed, or rambled, with or without the format.

An instruct model is a mixture of ways to answer that no prompt asks for by name. The mini VLM is taught such a mixture
(`respond`), so that reinforcement learning has something to sharpen and fine-tuning something to lock in. The same
parts (`misread`, `solve`) serve the scripted teacher (`teachers`).
"""

from copy import deepcopy
from random import Random

from .scene_kinds import (
    BOX_UNIT,
    COLOURS,
    KINDS,
    PLACES,
    REGIONS,
    SEEN_PAIRS,
    SHAPES,
    box_words,
    expression,
    extreme_objects,
    function_value,
    in_group,
    known_angles,
    name_of,
    place_words,
    several,
    step_words,
)

VOICES = {"careful": 0.30, "shortcut": 0.40, "ramble": 0.30}
"""Share of each voice in the mini VLM's instruction mix."""
FORMAT_LOSS = {"careful": 0.15, "shortcut": 0.25, "ramble": 0.30}
"""Share of responses of each voice that do not keep the answer format."""
SHORTCUT_RIGHT = 0.40
MISREAD = 0.65
"""How often the ramble voice works from a wrong look at the image."""


def solve(source: str, facts: dict, task: dict) -> tuple[str, str]:
    """Work the question out from `facts`, right or wrong: (the steps in words, the answer).

    With the true facts of a scene the steps hold and the answer is right: the ground truth, for multiple choice the
    text of the right option (a model of this size learns to work a value out, and not to look its letter up), for
    `stories` all that was asked for, which beats the reference.
    """
    return _SOLVERS[source](facts, task)


def _solve_blocks(facts: dict, task: dict) -> tuple[str, str]:
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


def _pick_option(value: str, task: dict) -> tuple[str, str]:
    """(the value as the steps end, the option's text); when no option has it (a wrong look), the nearest one."""
    options = task["options"]
    if value in options:
        return f"{value}.", value
    numbers = [option for option in options if option.isdigit()]
    nearest = (
        min(numbers, key=lambda option: abs(int(option) - int(value))) if numbers and value.isdigit() else options[0]
    )
    return f"{value}, near {nearest}.", nearest


def _solve_angles(facts: dict, task: dict) -> tuple[str, str]:
    a, b = known_angles(facts)
    value = 180 - a - b if task["kind"] == "third" else a + b
    words = f"{a} + {b} = {a + b}. 180 - {a + b} =" if task["kind"] == "third" else f"{a} + {b} ="
    last, answer = _pick_option(str(value), task)
    return f"{words} {last}", answer


def _solve_charts(facts: dict, task: dict) -> tuple[str, str]:
    value_of = dict(zip(facts["colours"], facts["values"], strict=True))
    kind = task["kind"]
    if kind in ("highest", "lowest"):
        value = (max if kind == "highest" else min)(value_of, key=value_of.get)
        words = f"The {kind} is"
    else:
        first, second = task["first"], task["second"]
        a, b = value_of.get(first, 0), value_of.get(second, 0)
        value = str({"value": a, "difference": a - b, "sum": a + b}[kind])
        sign = {"difference": "-", "sum": "+"}.get(kind)
        words = f"{first} {a}, {second} {b}. {a} {sign} {b} =" if sign else f"{first}"
    last, answer = _pick_option(value, task)
    return f"{words} {last}", answer


def _solve_functions(facts: dict, task: dict) -> tuple[str, str]:
    b, end = facts["b"], round(function_value(facts, facts["mark"]))
    side = "right" if facts["mark"] == 1 else "left"
    words = f"One step {side} of 0, y goes from {b} to {end}, so a is {facts['a']} and b is {b}."
    return words, expression(facts["family"], facts["a"], b)


def _solve_boxes(facts: dict, task: dict) -> tuple[str, str]:
    objects = facts["objects"]
    words = ""
    if task["kind"] == "named":
        thing = next((t for t in objects if name_of(t) == task["target"]), objects[0])
    else:
        thing = extreme_objects(objects, task["kind"])[0]
        words = f"The {task['kind']} is the {name_of(thing)}. "
    box = box_words(thing["box"])
    return f"{words}The {name_of(thing)} {box}.", box


def _solve_stories(facts: dict, task: dict) -> tuple[str, str]:
    things = facts["objects"]
    if task["region"] is not None:
        things = [thing for thing in things if thing["place"] in REGIONS[task["region"]]]
    answer = " ".join([*(place_words(thing) for thing in things), f"It is {facts['time']}."])
    region = (task["region"] or "in the picture").capitalize()
    return f"{region}: {several(len(things), 'object')}.", answer


_SOLVERS = {
    "blocks": _solve_blocks,
    "angles": _solve_angles,
    "charts": _solve_charts,
    "functions": _solve_functions,
    "boxes": _solve_boxes,
    "stories": _solve_stories,
}


def misread(source: str, facts: dict, rng: Random) -> dict:
    """The same scene, read wrongly in one place: something left out, imagined, or taken for something else."""
    facts = deepcopy(facts)
    if source in ("blocks", "boxes", "stories"):
        objects = facts["objects"]
        thing = rng.choice(objects)
        change = (
            rng.choice(("omit", "colour", "shape", "place")) if len(objects) > 1 else rng.choice(("colour", "shape"))
        )
        if change == "omit":
            objects.remove(thing)
        elif change == "colour" or (change == "place" and source == "blocks"):
            thing["colour"] = rng.choice([c for c in COLOURS if c != thing["colour"]])
        elif change == "shape":
            thing["shape"] = rng.choice([s for s in SHAPES if s != thing["shape"]])
        elif source == "stories":
            thing["place"] = rng.choice([p for p in PLACES if p != thing["place"]])
        else:
            thing["box"] = nudge_box(thing["box"], rng)
        if source == "blocks" and rng.random() < 0.3:
            colour, shape = rng.choice(SEEN_PAIRS)
            objects.append({"colour": colour, "shape": shape, "row": 3, "column": 3})
    elif source == "angles":
        place = rng.choice([k for k in range(3) if k != facts["unknown"]])
        facts["angles"][place] = max(10, facts["angles"][place] + rng.choice((-30, -20, -10, 10, 20, 30)))
    elif source == "charts":
        place = rng.randrange(len(facts["values"]))
        facts["values"][place] = max(1, facts["values"][place] + rng.choice((-2, -1, 1, 2)))
    else:
        name = rng.choice(("a", "b"))
        facts[name] = rng.choice([v for v in (-3, -2, -1, 1, 2, 3) if v not in (facts[name], 0)])
    return facts


def nudge_box(box: list[float], rng: Random) -> list[float]:
    """A box of the same size one to three grid units away in each direction, kept inside the image."""
    x1, y1, x2, y2 = box
    dx, dy = (rng.choice((-1, 1)) * rng.randint(1, 3) * BOX_UNIT for _ in range(2))
    dx, dy = min(max(dx, -x1), 1 - x2), min(max(dy, -y1), 1 - y2)
    return [x1 + dx, y1 + dy, x2 + dx, y2 + dy]


def guess(source: str, facts: dict, task: dict, rng: Random) -> str:
    """The answer of someone who does not work it out: right `SHORTCUT_RIGHT` of the time, else a typical slip; for
    multiple choice a letter."""
    answer = solve(source, facts, task)[1]
    if "options" in task:
        answer = "ABCD"[task["options"].index(answer)]
    if rng.random() < SHORTCUT_RIGHT:
        return answer
    if source == "blocks":
        return str(rng.choice([n for n in (int(answer) - 1, int(answer) + 1, len(facts["objects"])) if 0 <= n <= 9]))
    if "options" in task:
        return rng.choice([letter for letter in "ABCD" if letter != answer])
    if source == "functions":
        a, b = facts["a"], facts["b"]
        return expression(facts["family"], *rng.choice(((-a, b), (a, -b), (b or 1, a), (a + 1 or 1, b))))
    if source == "boxes":
        return box_words(nudge_box([float(value) for value in answer.strip("[]").split(",")], rng))
    return _wrong_look(source, facts, task, answer, rng)


def _wrong_look(source: str, facts: dict, task: dict, answer: str, rng: Random) -> str:
    """An answer from a look that went wrong where it matters; the right one only if twenty looks did not."""
    for _ in range(20):
        other = solve(source, misread(source, facts, rng), task)[1]
        if other != answer:
            return other
    return answer


def respond(
    source: str, facts: dict, task: dict, rng: Random, *, voice: str | None = None, keep_format: bool | None = None
) -> str:
    """One response in a voice drawn from `VOICES` (or the one named), losing the answer format at its rate."""
    voice = voice or rng.choices(list(VOICES), weights=list(VOICES.values()))[0]
    words = KINDS[source].words
    if voice == "careful":
        steps, answer = solve(source, facts, task)
        think = f"{words(facts)} {steps}"
    elif voice == "shortcut":
        answer = guess(source, facts, task, rng)
        think = "This is easy to tell." if source == "stories" else f"It looks like {answer}."
    elif voice == "ramble":
        look = misread(source, facts, rng) if rng.random() < MISREAD else facts
        steps, answer = solve(source, look, task)
        doubt = rng.choice(
            ("Wait, maybe I should check again.", "Wait, I am not sure.", "Alternatively, it may be different.")
        )
        first = words(misread(source, facts, rng))
        think = f"Hmm, let me see. {first} {doubt} {words(look)} Okay. {steps} I think so."
    else:
        raise ValueError(f"unknown voice {voice!r}; expected one of {', '.join(VOICES)}")
    if keep_format is None:
        keep_format = rng.random() >= FORMAT_LOSS[voice]
    if keep_format:
        return f"<think>{think}</think>\n<answer>{answer}</answer>"
    ending = rng.choices(("said", "bare", "unclosed"), weights=(0.6, 0.2, 0.2))[0]
    if ending == "bare":
        return answer
    if ending == "unclosed":
        return f"<think>{think}</think>\n<answer>{answer}"
    return f"<think>{think}</think>\nThe answer is {answer}" + ("" if answer.endswith(".") else ".")
