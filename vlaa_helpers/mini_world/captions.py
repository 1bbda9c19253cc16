"""Captions of mini-world images: written with faults on purpose, and read back by someone who sees nothing else.

The paper's reasoning teacher was blind: it wrote about a caption as if it saw the image (arXiv 2504.11468 §2, step
3). What a caption leaves out or makes up, such a teacher cannot know.
"""

from copy import deepcopy
from random import Random

from .kinds import KINDS, get_kind


def write_caption(source: str, facts: dict, rng: Random, *, omissions: float, hallucinations: float) -> str:
    """The scene in words, as its kind tells it, with something missing or made up at these rates.

    Args:
        omissions: share of captions (0-1) that leave one thing out, where an image has more than one.
        hallucinations: share of captions (0-1) that take one thing for another, or imagine one.
    """
    kind, seen = get_kind(source), deepcopy(facts)
    if rng.random() < omissions:
        seen = kind.leave_out(seen, rng)
    if rng.random() < hallucinations:
        seen = kind.imagine(seen, rng)
    return kind.words(seen)


def read_caption(source: str, caption: str) -> dict | None:
    """The facts that a caption states, enough to answer questions from; None when it does not say enough.

    >>> read_caption("angles", "I see a triangle with 50 at the top, x at the left, 70 at the right.")
    {'angles': [50, 60, 70], 'unknown': 1}
    """
    return KINDS[source].read(caption) if source in KINDS else None
