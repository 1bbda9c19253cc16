"""What a text says about a mini-world image, true or not: each statement, where it stands and how it was read.

Read are the ways the voices put it (`voices`), and the looser, cut off and garbled ways of models that learned from
them. A statement has a thing and something said of it. A bare answer ("It looks like 4.", a letter, a box without a
name, an expression) is none: that is for the reward to score. Neither is an operation ("Add 1 red star").
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from .scene_kinds import ANGLE_PLACES, COLOURS, FAMILIES, SHAPES


@dataclass(frozen=True)
class Statement:
    """One thing that a text says about an image.

    Attributes:
        start, end: where, in characters.
        kind: one of `claims.CLAIM_KINDS`, which says what `about` and `says` are.
        about: what it speaks of.
        says: what it says of that; None, or a tuple with a None, when that cannot be read.
    """

    start: int
    end: int
    kind: str
    about: Any
    says: Any


_NUMBER_WORDS = "zero one two three four five six seven eight nine ten eleven twelve".split()
_VALUE_OF = {"no": 0, **{word: value for value, word in enumerate(_NUMBER_WORDS)}}
_EXTREMES = {"highest": "highest", "tallest": "highest", "lowest": "lowest", "shortest": "lowest"}

_COLOURS = "|".join(COLOURS)
_COLOUR = rf"\b(?P<colour>{_COLOURS})"
_THING = rf"{_COLOUR}[ -](?P<shape>{'|'.join(SHAPES)})(?P<plural>s?)\b"
_GROUP = rf"(?:{_COLOUR} |\b)(?P<shape>{'|'.join(SHAPES)}|object)s?\b"
_CORNER = r"(?P<row>top|upper|bottom|lower)[ -](?P<side>left|right)\b"
_PLACE = "|".join(ANGLE_PLACES)
_HALF = "top|bottom|left|right"
_COUNT = rf"(?P<count>\d{{1,4}}|{'|'.join(_VALUE_OF)})"
_NUMBER = r"[-−]?\d{1,4}(?:\.\d{1,4})?(?![\w%]|\.\d)"
_EXTREME = rf"(?:\bthe )?\b(?P<extreme>{'|'.join(_EXTREMES)})"


# For small letters. Possessive or bounded wherever a run may be long: a megabyte of anything takes linear time.
_OPERATION = re.compile(r"\b(?:add|adding|subtract|subtracting|remove|removing|tak(?:e|ing) away)\b[^.:;!?\n<]*+")
_LISTING_END = re.compile(r"[.;!?\n<]|\bi see\b")
_BOX = re.compile(r"\s*+" + r",\s*+".join([r"(\d{0,4}\.?\d{1,4})\s*+"] * 4))
_THINGS = re.compile(
    rf"{_THING}(?! (?:is |are )?(?:left\b(?! of)|remain))"
    rf"(?:(?::| is| is at| at| box)? ?\[(?P<box>[\d.,\s]*+)(?=(?P<after>.?))"
    rf"|(?: is| sits| stands)? (?:at|in|on) the "
    rf"(?:{_CORNER}|(?P<region>{_HALF})\b(?! \w)|(?!{_COLOURS})(?P<lost>\w{{1,20}}+))"
    rf"|(?P<lost_too> at the)|(?P<counted>: ?\d))?"
)
_CORNER_THING = re.compile(rf"{_CORNER}(?: corner)?(?: is| has| holds| shows|:) (?:an? |the )?{_THING}")
_GROUP_COUNT = re.compile(rf"{_GROUP}: ?(?P<count>\d{{1,4}})(?![\w.]\d)")
_COUNT_GROUP = re.compile(
    rf"(?P<total>\b(?:that is|there are|i count|i see) )?(?<![\w.]){_COUNT} (?(total)(?:\w{{1,20}}+ )??){_GROUP}"
    r"(?! (?:are )?(?:left|remain)| (?:at|in|on) the| ?\[)"
)
_REGION_COUNT = re.compile(
    rf"(?:\b(?:at|in|on) )?the (?P<region>{_HALF}|picture): ?(?P<count>\d{{1,4}})(?![\w.]\d)(?: objects?\b)?"
)
_TIME = re.compile(r"\bit(?: is|'s) (?P<time>day|night)(?:time)?\b")
_LABEL = re.compile(
    rf"(?<![\w.])(?P<label>\d{{1,4}}|x)(?:°| degrees)? (?:is )?at the (?:(?P<place>{_PLACE})\b|\w{{1,20}}+)"
)
_PLACE_LABEL = re.compile(
    rf"\b(?P<place>{_PLACE})(?: corner| angle)? (?:is|=|says|reads) (?P<label>\d{{1,4}}|x)\b(?!\.\d)"
)
_STYLE = re.compile(r"(?<=\bi see )(?P<style>bar|point)s\b|\b(?P<listed>bar|point)s(?=: )")
_VALUE = re.compile(rf"{_COLOUR}(?: bar| point)?(?: is| has| at| reads| shows|:| =)? (?P<value>{_NUMBER})")
_EXTREME_COLOUR = re.compile(rf"{_EXTREME}(?: bar| point| one)? is (?:the )?{_COLOUR}\b")
_COLOUR_EXTREME = re.compile(rf"{_COLOUR}(?: bar| point)? is {_EXTREME}\b")
_EXTREME_THING = re.compile(rf"{_EXTREME}(?: object| one)? is (?:the )?{_THING}")
_CURVE = re.compile(rf"{_COLOUR} (?P<family>{'|'.join(FAMILIES)})\b")
_POINT = re.compile(
    rf"\((?P<x>{_NUMBER})\s?,\s?(?P<y>{_NUMBER})\)?|(?<=through )\((?P<x1>{_NUMBER})|(?<=and )\((?P<x2>{_NUMBER}),"
)
_CHANGE = re.compile(
    rf"(?:\bone step (?P<side>left|right)(?: of 0)?,? )?\by goes from (?P<first>{_NUMBER})"
    rf"(?: to (?:(?P<last>{_NUMBER})|\w{{1,20}}+))?"
)
_COEFFICIENT = re.compile(rf"(?<![\w'’])(?P<name>[ab]) (?:is|=) (?P<value>{_NUMBER})")


def read_statements(source: str, text: str) -> list[Statement]:
    """What a text says about an image of this kind, in the order of the text; `source` is one of `scenes.SOURCES`."""
    text = text.replace("İ", "I").lower()  # the one letter whose small form is longer
    found = [said for read in (*_ANYWHERE, *_READERS[source]) for said in read(text)]
    found.sort(key=lambda said: (said.start, -said.end))
    kept: list[Statement] = []
    for said in found:
        if not kept or said.end > kept[-1].end:  # a part of a longer statement is not said on its own
            kept.append(said)
    return kept


def read_number(text: str) -> float:
    return float(text.replace("−", "-"))


def _thing(match: re.Match[str]) -> tuple[str, str]:
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


def _read_things(text: str) -> Iterator[Statement]:
    """Things named, with their box or place where one follows; operations name things without saying they are there."""
    listed: Counter[tuple[str, str]] = Counter()
    end = 0
    for match, is_operation in _outside(_THINGS.finditer(text), _operations(text)):
        if is_operation or match["counted"] or (match["plural"] and match.end() == match.end("plural")):
            continue
        thing, start = _thing(match), match.start()
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
        yield Statement(*match.span(), "place", _thing(match), _corner(match))


def _read_box(match: re.Match[str]) -> tuple[int, tuple[float, ...] | None]:
    """Where a box ends, and its four numbers; None when there are fewer, or more without a bracket between."""
    numbers, after = match["box"], match["after"]
    found = _BOX.fullmatch(numbers) if len(numbers) < 80 else None
    stop = match.end() + 1 if after == "]" else match.start("box") + len(numbers.rstrip(" ,\n\t"))
    if not found or not (after in ("]", "") or numbers[-1].isspace() or after in "<.;"):
        return stop, None
    return stop, tuple(float(value) for value in found.groups())


def _read_counts(text: str) -> Iterator[Statement]:
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


def _read_regions(text: str) -> Iterator[Statement]:
    for match in _REGION_COUNT.finditer(text):
        yield Statement(*match.span(), "region", match["region"], int(match["count"]))


def _read_time(text: str) -> Iterator[Statement]:
    for match in _TIME.finditer(text):
        yield Statement(*match.span(), "time", "time", match["time"])


def _read_labels(text: str) -> Iterator[Statement]:
    for pattern in (_LABEL, _PLACE_LABEL):
        for match in pattern.finditer(text):
            yield Statement(*match.span(), "label", match["place"], match["label"])


def _read_charts(text: str) -> Iterator[Statement]:
    for match in _STYLE.finditer(text):
        yield Statement(*match.span(), "style", "style", match["style"] or match["listed"])
    for match in _VALUE.finditer(text):
        yield Statement(*match.span(), "value", match["colour"], read_number(match["value"]))
    for pattern in (_EXTREME_COLOUR, _COLOUR_EXTREME):
        for match in pattern.finditer(text):
            yield Statement(*match.span(), "extreme", _EXTREMES[match["extreme"]], match["colour"])


def _read_extreme_things(text: str) -> Iterator[Statement]:
    for match in _EXTREME_THING.finditer(text):
        yield Statement(*match.span(), "extreme", _EXTREMES[match["extreme"]], _thing(match))


def _read_curves(text: str) -> Iterator[Statement]:
    for match in _CURVE.finditer(text):
        yield Statement(*match.span(), "curve", "curve", (match["colour"], match["family"]))


def _read_functions(text: str) -> Iterator[Statement]:
    for match in _POINT.finditer(text):
        x = match["x"] or match["x1"] or match["x2"]
        yield Statement(*match.span(), "point", read_number(x), match["y"] and read_number(match["y"]))
    for match in _CHANGE.finditer(text):
        last = match["last"] and read_number(match["last"])
        yield Statement(*match.span(), "change", match["side"], (read_number(match["first"]), last))
    for match in _COEFFICIENT.finditer(text):
        yield Statement(*match.span(), "coefficient", match["name"], read_number(match["value"]))


_Reader = Callable[[str], Iterator[Statement]]
_ANYWHERE: tuple[_Reader, ...] = (_read_things, _read_labels, _read_curves, _read_time)
_READERS: dict[str, tuple[_Reader, ...]] = {
    "blocks": (_read_counts,),
    "angles": (),
    "charts": (_read_charts,),
    "functions": (_read_functions,),
    "boxes": (_read_counts, _read_extreme_things),
    "stories": (_read_counts, _read_regions),
}
