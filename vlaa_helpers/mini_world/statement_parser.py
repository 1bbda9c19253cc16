"""What a text says about a mini-world image, true or not: each statement, where it stands and how it was read.

Read are the ways the response styles put it, and the looser, cut off and garbled ways of models that learned from
them; the strict patterns of `Kind.statement` and `Kind.read` take only what `Kind.words` writes. A statement has a
thing and something said of it. A bare answer ("It looks like 4.", a letter, a box without a name, an expression) is
none: that is for the reward to score. Neither is an operation ("Add 1 red star").
"""

from .kinds import KINDS, Statement, get_kind
from .kinds.readers import read_things


def read_statements(source: str, text: str) -> list[Statement]:
    """What a text says about an image of this kind, in the order of the text; `source` is one of `kinds.KINDS`."""
    kind = get_kind(source)
    anywhere = [reader for other in KINDS.values() for reader in other.readers_anywhere]
    text = text.replace("İ", "I").lower()  # the one letter whose small form is longer
    found = [said for read in (read_things, *anywhere, *kind.readers) for said in read(text)]
    found.sort(key=lambda said: (said.start, -said.end))
    kept: list[Statement] = []
    for said in found:
        if not kept or said.end > kept[-1].end:  # a part of a longer statement is not said on its own
            kept.append(said)
    return kept
