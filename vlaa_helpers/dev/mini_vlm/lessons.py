"""What the mini VLM is taught: short conversations about mini-world scenes, endless and seeded.

First to copy any text (`echo`, `pieces`), then to see (`cells`: what each visual token shows), to put an image in words
(`caption`), and to answer in the mixture of styles of `response_styles`, with and without an image, with and without
thinking.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from ...core.answers import DIRECT_PROMPT, SYSTEM_PROMPT
from ...mini_world.kinds import COLOURS, KINDS, PLACES, SHAPES, ThingsKind, name_of
from ...mini_world.kinds.boxes import BOX_UNIT, box_words
from ...mini_world.response_styles import STYLES, respond, solve
from ...mini_world.scenes import draw_scene, split_of

if TYPE_CHECKING:
    from PIL import Image

CAPTION_PROMPT = "List what you see."
CELLS_PROMPT = "Read the cells."
DIFFICULTY_WEIGHTS = (0.25, 0.5, 0.25)

LESSONS = ("echo", "pieces", "find", "cells", "caption", "think", "direct", "text")
STAGES = (
    (0.10, {"echo": 0.85, "cells": 0.15}),
    (0.28, {"cells": 0.33, "caption": 0.45, "echo": 0.11, "pieces": 0.03, "find": 0.08}),
    (0.45, {"cells": 0.09, "caption": 0.42, "think": 0.27, "text": 0.09, "echo": 0.03, "pieces": 0.05, "find": 0.05}),
    (0.75, {"cells": 0.03, "caption": 0.17, "think": 0.585, "direct": 0.04, "text": 0.07, "echo": 0.01, "pieces": 0.075,
            "find": 0.02}),
    (1.00, {"cells": 0.03, "caption": 0.19, "think": 0.65, "direct": 0.04, "text": 0.07, "find": 0.02}),
    (math.inf, {"caption": 0.20, "think": 0.68, "direct": 0.04, "text": 0.08}),
)  # fmt: skip
"""(until this share of the training, {lesson: share of the batch}). To copy first, then to see and to look things
up, then captions, then answers: each stands on the one before. Pieces wait until copying is learnt: with them from the
start, it is not. The last quarter has none: to the end, they left one word in four thousand of an answer to chance.
After the whole (`train.POLISH`) there is only what a user asks for: no answer is to run on into "none, none, none"."""
PIECES = (14, 30)
"""Least and most pieces in a lesson of pieces."""
MIXED_FROM = 0.6
"""From this share of the training on, answers come in the mixture that the model is to hold, `response_styles.STYLES`
for those shipped; before it mostly in the careful style, which is the one there is something to learn from."""
EARLY_STYLES = {"careful": 0.76, "shortcut": 0.08, "ramble": 0.08, "teacher": 0.08}

WORDS = (
    "okay so first now then next also but because since which means that this would could should must might can "
    "cannot let me look at think about count again read carefully once more to be sure double-check check confirm "
    "verify recheck wait hmm alternatively mistake perhaps maybe probably not sure actually however therefore "
    "thus hence finally clearly image picture caption description described says mentions shows shown appears "
    "seems see seen looking question asks asked answer option options choose correct wrong right left top bottom "
    "middle highest lowest higher lower largest smallest object objects shape shapes circle circles square "
    "squares triangle triangles star stars red green blue yellow purple orange bar bars point points line "
    "parabola vee curve function equation slope value values sum difference angle angles exterior inside outside "
    "side sides equal add added adding subtract subtracted subtracting remove removed removing remaining remain "
    "total number numbers how many much what where is are was were there it its they them of the a an and or in "
    "on by from with without for as same different day night box starts ends width height between final step one "
    "two three four five six seven eight nine ten zero none each every all only both other rest still"
).split()
"""Words a teacher may use later. The echo lesson makes them known before any fine-tuning, and teaches to copy. Without
that, and without looking up (`find`), a model of this size sees everything and never learns to read the question."""


@dataclass(frozen=True)
class Lesson:
    name: str
    messages: list[dict]
    """The conversation up to the reply, in chat form; a bare image placeholder where an image stands."""
    reply: str
    image: "Image.Image | None"


def stage_mix(progress: float) -> dict[str, float]:
    """The lessons' shares at this share of the training (0-1; more than 1 in its second cycle)."""
    return next(mix for until, mix in STAGES if progress <= until)


def user(text: str, *, with_image: bool) -> dict:
    parts = [{"type": "image"}] if with_image else []
    return {"role": "user", "content": [*parts, {"type": "text", "text": text}]}


def system(text: str) -> dict:
    return {"role": "system", "content": [{"type": "text", "text": text}]}


def cells_in_words(kind: ThingsKind, facts: dict) -> str:
    """What the middle of each of the 16 visual tokens shows, row by row."""
    names = []
    for cell in range(16):
        x, y = (cell % 4 + 0.5) / 4, (cell // 4 + 0.5) / 4
        names.append(next((name_of(thing) for thing in facts["objects"] if kind.covers(thing, x, y)), "none"))
    return ", ".join(names)


def _choose_source(rng: Random, lesson: str) -> str:
    """Any kind; for cells one that shows things, for captions more often those that are hard to read."""
    if lesson == "caption":
        return rng.choices(list(KINDS), weights=[kind.caption_weight for kind in KINDS.values()])[0]
    return rng.choice([name for name, kind in KINDS.items() if lesson != "cells" or isinstance(kind, ThingsKind)])


def make_lesson(
    rng: Random, progress: float, pieces: Sequence[str] = (), *, styles: Mapping[str, float] = STYLES
) -> Lesson:
    """Draw one lesson for this point of the training, from scenes of the train split only.

    Args:
        progress: share of the training that is done, 0-1; more than 1 in its second cycle.
        pieces: what lessons of pieces are made of (`token_pieces`); without any there are echoes in their place.
        styles: share of each style of answering from `MIXED_FROM` on.
    """
    mix = stage_mix(progress)
    name = rng.choices(list(mix), weights=list(mix.values()))[0]
    if name == "pieces" and pieces:
        return write_pieces(rng, pieces)
    if name in ("echo", "pieces"):
        return _echo(rng, words_only=progress <= STAGES[0][0])
    if name == "find":
        return _find(rng)
    source = _choose_source(rng, name)
    kind, difficulty = KINDS[source], rng.choices((0, 1, 2), weights=DIFFICULTY_WEIGHTS)[0]
    while split_of(facts := kind.sample(rng, difficulty, False)) != "train":
        pass
    image = None if name == "text" else draw_scene(source, facts, [rng.randrange(10) for _ in range(3)])
    if name == "cells":
        return Lesson(name, [user(CELLS_PROMPT, with_image=True)], cells_in_words(kind, facts), image)
    if name == "caption":
        return Lesson(name, [user(CAPTION_PROMPT, with_image=True)], kind.words(facts), image)
    ask = kind.ask(rng, facts, difficulty)
    if name == "direct":
        answer = solve(source, facts, ask.task)[1]
        return Lesson(
            name, [system(DIRECT_PROMPT), user(ask.text, with_image=True)], f"<answer>{answer}</answer>", image
        )
    text = ask.text if image else f"Someone says: {kind.words(facts)} {ask.text}"
    styles = styles if progress >= MIXED_FROM else EARLY_STYLES
    style = rng.choices(list(styles), weights=list(styles.values()))[0]
    reply = respond(source, facts, ask.task, rng, style=style)
    return Lesson(name, [system(SYSTEM_PROMPT), user(text, with_image=image is not None)], reply, image)


def _echo(rng: Random, *, words_only: bool) -> Lesson:
    if words_only or rng.random() < 0.6:
        text = " ".join(rng.choice(WORDS) for _ in range(rng.randint(1, 12)))
    else:
        text = ", ".join(f"{key} {value}" for key, value in _pairs(rng))
    return Lesson("echo", [user(f"Repeat: {text}.", with_image=False)], f"{text}.", None)


def write_pieces(rng: Random, pieces: Sequence[str]) -> Lesson:
    """To copy what no sentence of the mini world holds: so each token of the vocabulary is a target often."""
    text = ""
    for piece in (rng.choice(pieces) for _ in range(rng.randint(*PIECES))):
        text += _between(text[-1:], piece[0]) + piece
    return Lesson("pieces", [user(f"Repeat:{text}.", with_image=False)], f"{text}.", None)


def _between(last: str, first: str) -> str:
    """What keeps a piece from melting into the text before it, given the characters that would meet."""
    if last == " ":
        return "~"
    if first.isalpha():
        return "" if last.isdigit() or not last.isalnum() and not last.isspace() else "~"
    if first.isspace():
        return "x" if last.isspace() else ""
    return "" if last.isalpha() else "x"


def _find(rng: Random) -> Lesson:
    pairs = _pairs(rng)
    key, value = rng.choice(pairs)
    text = ", ".join(f"{other} {said}" for other, said in pairs)
    return Lesson("find", [user(f"I see {text}. Find {key}.", with_image=False)], f"It is {key} {value}.", None)


def _pairs(rng: Random) -> list[tuple[str, str]]:
    """Two to five different things with something said of each, as questions and captions say it."""
    count = rng.randint(2, 5)
    names = rng.sample([f"{colour} {shape}" for colour in COLOURS for shape in SHAPES], count)
    kind = rng.choice(("option", "option", "value", "box", "place"))
    if kind == "option":
        numbers = [str(n) for n in (range(20) if rng.random() < 0.5 else range(5, 180, 5))]
        keys = rng.sample(numbers if rng.random() < 0.75 else COLOURS, count)
        return list(zip(keys, rng.sample(["(A)", "(B)", "(C)", "(D)", "(A)"], count), strict=True))
    if kind == "value":
        return [(colour, str(rng.randint(0, 9))) for colour in rng.sample(COLOURS, count)]
    if kind == "place":
        return [(name, f"at the {rng.choice(PLACES)}") for name in names]
    return [(name, box_words(_any_box(rng))) for name in names]


def _any_box(rng: Random) -> list[float]:
    size = rng.randint(2, 4)
    x, y = rng.randint(0, 8 - size), rng.randint(0, 8 - size)
    return [step * BOX_UNIT for step in (x, y, x + size, y + size)]
