"""Values of several unknowns, each in a clause of its own: "so x = 7. Substituting gives y = 3."."""

import re
from collections.abc import Iterable

_NAMED = re.compile(r"\s*\$?([a-zA-Z])\s*=\s*([^=,;]+?)\$?\s*")
_JOINT = re.compile(r",|;|\band\b")
_LETTER = re.compile(r"(?<![\\A-Za-z])[A-Za-z]")


def values_of_names(clauses: Iterable[str], gold: str) -> str | None:
    """The clauses' values of the names in a ground truth of several, in its order; None where one has none, or two.

    >>> values_of_names(["2x = 14", "x = 7", "y = 10 - 7 = 3."], "x = 7, y = 3")
    'x = 7, y = 3'
    """
    pieces = [_NAMED.fullmatch(piece) for piece in _JOINT.split(gold)]
    names = [piece[1] for piece in pieces if piece]
    if len(names) < 2 or len(names) < len(pieces) or len(set(names)) < len(names):
        return None
    found: dict[str, set[str]] = {name: set() for name in names}
    for clause in clauses:
        for part in _JOINT.split(clause):
            name, equals, rest = part.partition("=")
            name, value = name.strip(" $"), rest.rpartition("=")[2].strip(" $.")
            if equals and name in found and value and not _LETTER.search(value):
                found[name].add(value)
    if any(len(values) != 1 for values in found.values()):
        return None
    return ", ".join(f"{name} = {values.pop()}" for name, values in found.items())
