"""What the mini VLM is taught: short conversations about mini-world scenes, endless and seeded.

First to see (`cells`: what each visual token shows), then to put a picture in words (`caption`), then to answer in the
mixture of voices of `voices`, with and without a picture, with and without thinking.
"""

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from .answers import DIRECT_PROMPT, SYSTEM_PROMPT
from .scene_kinds import KINDS, name_of
from .scenes import SOURCES, draw_scene, split_of
from .voices import respond, solve

if TYPE_CHECKING:
    from PIL import Image

CAPTION_PROMPT = "List what you see."
CELLS_PROMPT = "Read the cells."
GRID_SOURCES = ("blocks", "boxes", "stories")
CAPTION_WEIGHTS = {**dict.fromkeys(SOURCES, 1.0), "boxes": 2.5}
"""Boxes are the hardest to read: four numbers an object."""
DIFFICULTY_WEIGHTS = (0.25, 0.5, 0.25)

LESSONS = ("cells", "caption", "think", "direct", "text", "echo")
STAGES = (
    (0.22, {"cells": 0.35, "caption": 0.47, "echo": 0.18}),
    (0.45, {"cells": 0.12, "caption": 0.50, "think": 0.25, "text": 0.05, "echo": 0.08}),
    (1.00, {"cells": 0.04, "caption": 0.18, "think": 0.64, "direct": 0.04, "text": 0.08, "echo": 0.02}),
)
"""(until this share of the training, {lesson: share of the batch}). Alignment before language, language before
answers."""

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
"""Words a teacher may use later. The echo lesson makes them known before any fine-tuning, and teaches to copy: without
it a model of this size names everything in a picture and never learns to look a word of the question up."""


@dataclass(frozen=True)
class Lesson:
    name: str
    messages: list[dict]
    """The conversation up to the reply, in chat form; a bare image placeholder where a picture stands."""
    reply: str
    image: "Image.Image | None"


def stage_mix(progress: float) -> dict[str, float]:
    """The lessons' shares at this share of the training (0-1)."""
    return next(mix for until, mix in STAGES if progress <= until)


def user(text: str, *, with_image: bool) -> dict:
    parts = [{"type": "image"}] if with_image else []
    return {"role": "user", "content": [*parts, {"type": "text", "text": text}]}


def system(text: str) -> dict:
    return {"role": "system", "content": [{"type": "text", "text": text}]}


def cells_in_words(source: str, facts: dict) -> str:
    """What the middle of each of the 16 visual tokens shows, row by row."""
    names = []
    for cell in range(16):
        x, y = (cell % 4 + 0.5) / 4, (cell // 4 + 0.5) / 4
        names.append(next((name_of(t) for t in facts["objects"] if _covers(source, t, x, y)), "none"))
    return ", ".join(names)


def _covers(source: str, thing: dict, x: float, y: float) -> bool:
    if source == "boxes":
        x1, y1, x2, y2 = thing["box"]
        return x1 < x < x2 and y1 < y < y2
    if source == "blocks":
        return thing["column"] == int(x * 4) and thing["row"] == int(y * 4)
    return ("right" in thing["place"]) == (x > 0.5) and ("bottom" in thing["place"]) == (y > 0.5)


def make_lesson(rng: Random, progress: float) -> Lesson:
    """Draw one lesson for this point of the training, from scenes of the train split only."""
    mix = stage_mix(progress)
    name = rng.choices(list(mix), weights=list(mix.values()))[0]
    if name == "echo":
        words = " ".join(rng.choice(WORDS) for _ in range(rng.randint(1, 12)))
        return Lesson(name, [user(f"Repeat: {words}.", with_image=False)], f"{words}.", None)
    if name == "caption":
        source = rng.choices(list(CAPTION_WEIGHTS), weights=list(CAPTION_WEIGHTS.values()))[0]
    else:
        source = rng.choice(GRID_SOURCES if name == "cells" else SOURCES)
    kind, difficulty = KINDS[source], rng.choices((0, 1, 2), weights=DIFFICULTY_WEIGHTS)[0]
    while split_of(facts := kind.sample(rng, difficulty, False)) != "train":
        pass
    image = None if name == "text" else draw_scene(source, facts, [rng.randrange(10) for _ in range(3)])
    if name == "cells":
        return Lesson(name, [user(CELLS_PROMPT, with_image=True)], cells_in_words(source, facts), image)
    if name == "caption":
        return Lesson(name, [user(CAPTION_PROMPT, with_image=True)], kind.words(facts), image)
    ask = kind.ask(rng, facts, difficulty)
    if name == "direct":
        answer = solve(source, facts, ask.task)[1]
        return Lesson(
            name, [system(DIRECT_PROMPT), user(ask.text, with_image=True)], f"<answer>{answer}</answer>", image
        )
    text = ask.text if image else f"Someone says: {kind.words(facts)} {ask.text}"
    reply = respond(source, facts, ask.task, rng)
    return Lesson(name, [system(SYSTEM_PROMPT), user(text, with_image=image is not None)], reply, image)
