r"""Unions and intersections of named sets, which Math-Verify cannot read: `A \cup B`.

Two are the same when they are for every choice of the sets. With n names an element lies in one of 2^n regions; a set
is the regions it is made of, as the bits of a number.
"""

import re

_TOKEN = re.compile(r"\s*(\\cup|\\cap|\\setminus|\\overline\s*\{|[A-Z](?![A-Za-z_])|[()}']|\^\s*\{?\s*[cC]\s*\}?)\s*")
MAX_NAMES = 6


def set_verdict(gold: str, said: str) -> str | None:
    r""" "same", "different" or "unreadable" (`said` is no set of that kind); None where `gold` is none.

    >>> set_verdict(r"A \cup B", r"B \cup A"), set_verdict(r"(A \cap B)'", r"A' \cup B'"), set_verdict("A", "A")
    ('same', 'same', None)
    """
    if not re.search(r"\\(?:cup|cap|setminus)(?![A-Za-z])", gold):
        return None
    names = sorted({*re.findall("[A-Z]", gold), *re.findall("[A-Z]", said)})
    if len(names) > MAX_NAMES:
        return None
    regions = _regions(gold, names)
    if regions is None:
        return None
    others = _regions(said, names)
    return "unreadable" if others is None else "same" if others == regions else "different"


def _regions(text: str, names: list[str]) -> int | None:
    tokens = [token.replace(" ", "") for token in _TOKEN.findall(text)]
    if _TOKEN.sub("", text) or not tokens or len(text) > 200:
        return None
    count = 2 ** len(names)
    sets = {name: sum(1 << k for k in range(count) if k >> place & 1) for place, name in enumerate(names)}
    try:
        value = _union(tokens, sets, (1 << count) - 1)
    except (IndexError, KeyError):
        return None
    return None if tokens else value


def _union(tokens: list[str], sets: dict[str, int], everything: int) -> int:
    """The value of `A \\cup B \\cup C`, its tokens taken off the list; several signs need brackets."""
    value, sign = _one(tokens, sets, everything), None
    while tokens and tokens[0] in (r"\cup", r"\cap", r"\setminus") and sign in (None, tokens[0]):
        sign = tokens.pop(0)
        other = _one(tokens, sets, everything)
        value = {r"\cup": value | other, r"\cap": value & other, r"\setminus": value & ~other}[sign]
    return value


def _one(tokens: list[str], sets: dict[str, int], everything: int) -> int:
    token = tokens.pop(0)
    if token == "(" or token.startswith(r"\overline"):
        value = _union(tokens, sets, everything)
        if tokens.pop(0) != (")" if token == "(" else "}"):
            raise KeyError(token)
        value = value if token == "(" else everything ^ value
    else:
        value = sets[token]
    while tokens and (tokens[0] == "'" or tokens[0].startswith("^")):
        tokens.pop(0)
        value = everything ^ value
    return value
