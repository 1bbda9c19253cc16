"""Inequalities: the same in either direction, and when both sides are multiplied by a positive number."""

import re

from .math_compare import compare

_SIGN = re.compile(r"\\(?:leqslant|leq?|geqslant|geq?|lt|gt)(?![A-Za-z])|[<>]")
_GREATER = re.compile(r">|\\g")


def inequality_links(text: str) -> frozenset[tuple[str, bool]] | None:
    r"""Each inequality of a chain as what is above zero, and whether it may be zero; None for what is no such chain.

    >>> sorted(inequality_links(r"5 > x \ge 2"))
    [('(5) - (x)', False), ('(x) - (2)', True)]
    """
    signs = _SIGN.findall(text)
    sides = [side.strip() for side in _SIGN.split(text)]
    falling = {_GREATER.match(sign) is not None for sign in signs}
    if len(falling) != 1 or len(signs) > 2 or not all(sides) or re.search(r"\\neq?(?![A-Za-z])|=", text):
        return None
    if falling == {True}:
        sides, signs = sides[::-1], signs[::-1]
    links = zip(sides, sides[1:], signs, strict=False)
    return frozenset(
        (f"({above}) - ({below})", sign[:1] == "\\" and sign[1:] not in ("lt", "gt")) for below, above, sign in links
    )


def same_inequality(gold: str, said: str) -> str | None:
    """ "same", "different" or "unreadable" for two inequalities; None when one of them is none."""
    first, second = inequality_links(gold), inequality_links(said)
    if first is None or second is None:
        return None
    if len(first) != len(second):
        return "different"
    for difference, may_be_zero in first:
        verdicts = {compare(difference, other, "inequality") for other, also in second if also == may_be_zero}
        if "same" not in verdicts:
            return "unreadable" if "unreadable" in verdicts else "different"
    return "same"
