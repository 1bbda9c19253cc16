"""The words that all kinds share: colours, shapes, places, and how a number of things is written."""

from random import Random

from ..raster import PALETTE

COLOURS = tuple(PALETTE)
SHAPES = ("circle", "square", "triangle", "star")
PAIRS = tuple((colour, shape) for colour in COLOURS for shape in SHAPES)
UNSEEN_PAIRS = (("red", "star"), ("green", "triangle"), ("blue", "square"), ("orange", "circle"))
"""Colour-shape pairs that occur in the shifted test set only."""
SEEN_PAIRS = tuple(pair for pair in PAIRS if pair not in UNSEEN_PAIRS)
PLACES = ("top left", "top right", "bottom left", "bottom right")
FAMILIES = {"line": "x", "parabola": "x^2", "vee": "|x|"}
"""Families of curves, and what the factor stands before."""
SWAPS = (COLOURS, SHAPES, tuple(FAMILIES), ("top", "bottom"), ("left", "right"), ("day", "night"), ("bar", "point"))
"""Words that can stand in each other's place: a claim in which one is swapped is as well-formed as before."""

ANY_COLOUR, ANY_SHAPE, ANY_PLACE = "|".join(COLOURS), "|".join(SHAPES), "|".join(PLACES)
PAIR = rf"(?P<colour>{ANY_COLOUR}) (?P<shape>{ANY_SHAPE})\b"
"""A thing by name, as a pattern."""


def several(count: int, noun: str) -> str:
    """`several(2, "red circle")` is "2 red circles"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def name_of(thing: dict) -> str:
    return f"{thing['colour']} {thing['shape']}"


def with_articles(names: list[str]) -> str:
    """`with_articles(["red star", "orange star"])` is "a red star and an orange star"."""
    named = [f"{'an' if name[0] == 'o' else 'a'} {name}" for name in names]
    return named[0] if len(named) == 1 else ", ".join(named[:-1]) + " and " + named[-1]


def draw_pairs(rng: Random, count: int, shifted: bool, *, distinct: bool) -> list[tuple[str, str]]:
    """Colour-shape pairs for `count` things; for the shifted set one of them is of `UNSEEN_PAIRS`."""
    if distinct:
        pairs = rng.sample(SEEN_PAIRS, count)
    else:
        pairs = [rng.choice(SEEN_PAIRS) for _ in range(count)]
    if shifted:
        pairs[rng.randrange(count)] = rng.choice(UNSEEN_PAIRS)
    return pairs
