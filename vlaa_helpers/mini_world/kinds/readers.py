"""What a text says about a mini-world image, statement by statement: what readers give, and those that kinds share.

A reader takes a text in small letters and yields statements. Patterns are possessive or bounded wherever a run may be
long: a megabyte of anything takes linear time.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from .words import ANY_COLOUR, ANY_SHAPE


@dataclass(frozen=True)
class Statement:
    """One thing that a text says about an image.

    Attributes:
        start, end: where, in characters.
        kind: one of `claims.CLAIM_KINDS`, which says what `about` and `says` are; "fact" for a kind of image that
            brings no readers of its own.
        about: what it speaks of.
        says: what it says of that; None, or a tuple with a None, when that cannot be read.
    """

    start: int
    end: int
    kind: str
    about: Any
    says: Any


Reader = Callable[[str], Iterator[Statement]]

_NUMBER_WORDS = "zero one two three four five six seven eight nine ten eleven twelve".split()
_VALUE_OF = {"no": 0, **{word: value for value, word in enumerate(_NUMBER_WORDS)}}
EXTREMES = {"highest": "highest", "tallest": "highest", "lowest": "lowest", "shortest": "lowest"}

COLOUR = rf"\b(?P<colour>{ANY_COLOUR})"
THING = rf"{COLOUR}[ -](?P<shape>{ANY_SHAPE})(?P<plural>s?)\b"
NUMBER = r"[-−]?\d{1,4}(?:\.\d{1,4})?(?![\w%]|\.\d)"
EXTREME = rf"(?:\bthe )?\b(?P<extreme>{'|'.join(EXTREMES)})"
HALF = "top|bottom|left|right"
_GROUP = rf"(?:{COLOUR} |\b)(?P<shape>{ANY_SHAPE}|object)s?\b"
_CORNER = r"(?P<row>top|upper|bottom|lower)[ -](?P<side>left|right)\b"
_COUNT = rf"(?P<count>\d{{1,4}}|{'|'.join(_VALUE_OF)})"

_OPERATION = re.compile(r"\b(?:add|adding|subtract|subtracting|remove|removing|tak(?:e|ing) away)\b[^.:;!?\n<]*+")
_LISTING_END = re.compile(r"[.;!?\n<]|\bi see\b")
_BOX = re.compile(r"\s*+" + r",\s*+".join([r"(\d{0,4}\.?\d{1,4})\s*+"] * 4))
_THINGS = re.compile(
    rf"{THING}(?! (?:is |are )?(?:left\b(?! of)|remain))"
    rf"(?:(?::| is| is at| at| box)? ?\[(?P<box>[\d.,\s]*+)(?=(?P<after>.?))"
    rf"|(?: is| sits| stands)? (?:at|in|on) the "
    rf"(?:{_CORNER}|(?P<region>{HALF})\b(?! \w)|(?!{ANY_COLOUR})(?P<lost>\w{{1,20}}+))"
    rf"|(?P<lost_too> at the)|(?P<counted>: ?\d))?"
)
_CORNER_THING = re.compile(rf"{_CORNER}(?: corner)?(?: is| has| holds| shows|:) (?:an? |the )?{THING}")
_GROUP_COUNT = re.compile(rf"{_GROUP}: ?(?P<count>\d{{1,4}})(?![\w.]\d)")
_COUNT_GROUP = re.compile(
    rf"(?P<total>\b(?:that is|there are|i count|i see) )?(?<![\w.]){_COUNT} (?(total)(?:\w{{1,20}}+ )??){_GROUP}"
    r"(?! (?:are )?(?:left|remain)| (?:at|in|on) the| ?\[)"
)


def read_number(text: str) -> float:
    return float(text.replace("−", "-"))


def read_thing(match: re.Match[str]) -> tuple[str, str]:
    """The colour and shape of a match of `THING`."""
    return match["colour"], match["shape"]


def _group(match: re.Match[str]) -> tuple[str | None, str | None]:
    return match["colour"], None if match["shape"] == "object" else match["shape"]


def _corner(match: re.Match[str]) -> tuple[str, str]:
    return {"upper": "top", "lower": "bottom"}.get(match["row"], match["row"]), match["side"]


def _operations(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in _OPERATION.finditer(text)]


def _outside(matches: Iterator[re.Match[str]], zones: list[tuple[int, int]]) -> Iterator[tuple[re.Match[str], bool]]:
    """The matches, each with whether it starts in one of the zones; both in the order of the text."""
    place = 0
    for match in matches:
        while place < len(zones) and zones[place][1] <= match.start():
            place += 1
        yield match, place < len(zones) and zones[place][0] <= match.start()


def read_things(text: str) -> Iterator[Statement]:
    """Things named, with their box or place where one follows; operations name things without saying they are there."""
    listed: Counter[tuple[str, str]] = Counter()
    end = 0
    for match, is_operation in _outside(_THINGS.finditer(text), _operations(text)):
        if is_operation or match["counted"] or (match["plural"] and match.end() == match.end("plural")):
            continue
        thing, start = read_thing(match), match.start()
        if _LISTING_END.search(text, end, start):
            listed.clear()
        end = match.end()
        if match["box"] is not None:
            stop, box = _read_box(match)
            yield Statement(start, stop, "box", thing, box)
        elif match["row"]:
            yield Statement(start, end, "place", thing, _corner(match))
        elif match["region"]:
            yield Statement(start, end, "place", thing, (match["region"],))
        elif match["lost"] or match["lost_too"]:
            yield Statement(start, end, "place", thing, None)
        else:
            listed[thing] += 1
            yield Statement(start, end, "object", thing, listed[thing])
    for match in _CORNER_THING.finditer(text):
        yield Statement(*match.span(), "place", read_thing(match), _corner(match))


def _read_box(match: re.Match[str]) -> tuple[int, tuple[float, ...] | None]:
    """Where a box ends, and its four numbers; None when there are fewer, or more without a bracket between."""
    numbers, after = match["box"], match["after"]
    found = _BOX.fullmatch(numbers) if len(numbers) < 80 else None
    stop = match.end() + 1 if after == "]" else match.start("box") + len(numbers.rstrip(" ,\n\t"))
    if not found or not (after in ("]", "") or numbers[-1].isspace() or after in "<.;"):
        return stop, None
    return stop, tuple(float(value) for value in found.groups())


def read_counts(text: str) -> Iterator[Statement]:
    """How many things there are of a group or in all, and how many an operation takes away."""
    zones = _operations(text)
    for match, is_operation in _outside(_GROUP_COUNT.finditer(text), zones):
        if _group(match) != (None, None):
            kind = "taken" if is_operation else "count"
            yield Statement(*match.span(), kind, _group(match), int(match["count"]))
    for match, is_operation in _outside(_COUNT_GROUP.finditer(text), zones):
        count = match["count"]
        if not is_operation and (match["total"] or _group(match) != (None, None)):
            value = int(count) if count.isdecimal() else _VALUE_OF[count]
            yield Statement(*match.span(), "count", _group(match), value)
