"""Captions of mini-world images: written with faults on purpose, and read back by someone who sees nothing else.

The paper's reasoning teacher was blind: it wrote about a caption as if it saw the image (arXiv 2504.11468 §2, step
3). What a caption leaves out or makes up, such a teacher cannot know.
"""

import re
from copy import deepcopy
from random import Random

from .response_styles import misread
from .scene_kinds import ANGLE_PLACES, COLOURS, KINDS, PLACES, SEEN_PAIRS, SHAPES


def write_caption(source: str, facts: dict, rng: Random, *, omissions: float, hallucinations: float) -> str:
    """The scene in words, as `KINDS[source].words` tells it, with something missing or made up at these rates.

    Args:
        omissions: share of captions (0-1) that leave one thing out, where an image has more than one.
        hallucinations: share of captions (0-1) that take one thing for another, or imagine one.
    """
    seen = deepcopy(facts)
    if rng.random() < omissions:
        _leave_out(source, seen, rng)
    if rng.random() < hallucinations:
        seen = _imagine(source, seen, rng)
    return KINDS[source].words(seen)


def _leave_out(source: str, seen: dict, rng: Random) -> None:
    if source == "charts":
        place = rng.randrange(len(seen["values"]))
        del seen["colours"][place], seen["values"][place]
    elif len(seen.get("objects", ())) > 1:
        seen["objects"].remove(rng.choice(seen["objects"]))


def _imagine(source: str, seen: dict, rng: Random) -> dict:
    free = [place for place in PLACES if place not in [thing.get("place") for thing in seen.get("objects", ())]]
    if source in ("blocks", "stories") and free and rng.random() < 0.5:
        colour, shape = rng.choice(SEEN_PAIRS)
        seen["objects"].append({"colour": colour, "shape": shape, "place": rng.choice(free)})
        return seen
    return misread(source, seen, rng)


def read_caption(source: str, caption: str) -> dict | None:
    """The facts that a caption states, enough to answer questions from; None when it does not say enough.

    >>> read_caption("angles", "I see a triangle with 50 at the top, x at the left, 70 at the right.")
    {'angles': [50, 60, 70], 'unknown': 1}
    """
    return _READERS[source](caption) if source in _READERS else None


_PAIR = rf"(?P<colour>{'|'.join(COLOURS)}) (?P<shape>{'|'.join(SHAPES)})\b"
_LABEL = re.compile(rf"(\d+|x) at the ({'|'.join(ANGLE_PLACES)})\b")
_BAR = re.compile(rf"({'|'.join(COLOURS)}) (\d+)(?=[,.])")
_CURVE = re.compile(rf"\b({'|'.join(COLOURS)}) (line|parabola|vee) through \(0, (-?\d+)\) and \((-?1), (-?\d+)\)")
_BOX = re.compile(rf"{_PAIR} \[(?P<box>[\d., ]+)\]")
_PLACED = re.compile(rf"{_PAIR} at the (?P<place>{'|'.join(PLACES)})")
_TIME = re.compile(r"\bIt is (day|night)\b")


def _read_blocks(caption: str) -> dict | None:
    objects = [match.groupdict() for match in re.finditer(_PAIR, caption)]
    return {"objects": objects} if objects else None


def _read_angles(caption: str) -> dict | None:
    label_at = {place: label for label, place in _LABEL.findall(caption)}
    labels = [label_at.get(place, "") for place in ANGLE_PLACES]
    if labels.count("x") != 1 or "" in labels:
        return None
    known = sum(int(label) for label in labels if label != "x")
    return {"angles": [180 - known if label == "x" else int(label) for label in labels], "unknown": labels.index("x")}


def _read_charts(caption: str) -> dict | None:
    bars = _BAR.findall(caption)
    style = "point" if "points" in caption else "bar"
    return {"style": style, "colours": [c for c, _ in bars], "values": [int(v) for _, v in bars]} if bars else None


def _read_functions(caption: str) -> dict | None:
    found = _CURVE.search(caption)
    if not found:
        return None
    colour, family, b, mark, end = found.groups()
    rise = int(end) - int(b)
    a = rise * int(mark) if family == "line" else rise
    return {"family": family, "a": a, "b": int(b), "mark": int(mark), "colour": colour} if a else None


def _read_boxes(caption: str) -> dict | None:
    objects = []
    for match in _BOX.finditer(caption):
        try:
            box = [float(value) for value in match["box"].split(",")]
        except ValueError:
            continue
        if len(box) == 4:
            objects.append({"colour": match["colour"], "shape": match["shape"], "box": box})
    return {"objects": objects} if objects else None


def _read_stories(caption: str) -> dict | None:
    objects, time = [match.groupdict() for match in _PLACED.finditer(caption)], _TIME.search(caption)
    return {"time": time[1], "objects": objects} if objects and time else None


_READERS = {
    "blocks": _read_blocks,
    "angles": _read_angles,
    "charts": _read_charts,
    "functions": _read_functions,
    "boxes": _read_boxes,
    "stories": _read_stories,
}
