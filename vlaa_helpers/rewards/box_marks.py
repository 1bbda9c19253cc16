"""Where boxes stand in a sentence: each is cut out, so that what is said around it can be read."""

import re

from .neutral_words import MINUS_SIGNS

MARK = "\u25a0"
"""Stands for a box in a text whose boxes are cut out."""
_DECIMAL = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?(?![\w%])"
_NEXT = r"\s*[,;]?\s+|\s*[,;]\s*"
_FOUR = rf"{_DECIMAL}(?:(?:{_NEXT}){_DECIMAL}){{3}}"
_PAIR = rf"[\[(]\s*(?:[xy]\d?\s*=\s*)?{_DECIMAL}(?:{_NEXT})(?:[xy]\d?\s*=\s*)?{_DECIMAL}\s*[\])]"
_CORNER_WORD = (
    r"(?:\s|[,;:=–-]|\b(?:to|and|through|until|the|its|a|with|of|(?:top|upper)[- ]left|(?:bottom|lower)[- ]right"
    r"|corner|point|coordinates?|vertex|is|are|at|located|lies|bounding|box|from)\b)"
)
_FIRST = (
    r"(?:(?:the |its |with )?\b(?:top|upper)[- ]left\b(?: (?:corner|point|coordinates?))?(?:\s|is|at|located|[:=])*)?"
)
_PAIRS = rf"{_FIRST}{_PAIR}{_CORNER_WORD}*{_PAIR}"
_EDGE = r"x_?1|x_?min|y_?1|y_?min|x_?2|x_?max|y_?2|y_?max|left|top|right|bottom"
_NAMED = rf"[\"']?\b(?:{_EDGE})\b[\"']?(?: edge| side| boundary)?(?:\s|is|at|[:=])*(?:[xy]\s*=\s*)?{_DECIMAL}"
_AND = r"\s*[,;]?\s*(?:\band\b\s*)?(?:\bthe\b\s*)?"
_FORM = re.compile(
    rf"[\[(<]{{0,3}}(?<![\w.]){_FOUR}\s*[\])>]{{0,3}}|[\[(]?{_PAIRS}[\])]?|{_NAMED}(?:{_AND}{_NAMED}){{3}}",
    re.IGNORECASE,
)
_NUMBER = re.compile(rf"(?<![\w.]){_DECIMAL}")
_SIDE = re.compile(rf"\b({_EDGE})\b(?=\D*\d)", re.IGNORECASE)
_OF_SIDE = {"left": "x1", "top": "y1", "right": "x2", "bottom": "y2"}
_RANGE = re.compile(
    r"[\[(]?(?<![\d.])0(?:\.0+)?\s*(?:-|–|to|and|,)\s*1(?:\.0+)?(?![\d.]*\d)[\])]?"
    r"|[\[(]\s*x_?(?:1|min)\s*,\s*y_?(?:1|min)\s*,\s*x_?(?:2|max)\s*,\s*y_?(?:2|max)\s*[\])](?:\s*=)?",
    re.IGNORECASE,
)
_JOINED = re.compile(r"(?<=[A-Za-z])_(?=[A-Za-z])")
_KEY = re.compile(r"\b(?:bbox|box)_2d\b", re.IGNORECASE)
_MARKUP = re.compile(
    r"```+\w*|\\boxed\b|\\text(?:bf)?\b|\\?[{}]|\\[()\[\]]|</?\w+>|<\|\w+\|>|[*`$]|^[ \t]*#+"
    r"|^[ \t]*(?:[-•+]|\d{1,2}[.)]|step \d{1,2}[.:])\s+",
    re.IGNORECASE | re.MULTILINE,
)


def marked_boxes(text: str) -> tuple[str, list[list[float]]]:
    """A text with a mark in each box's place, without markup and the frame's own range, and the boxes it stands for.

    >>> marked_boxes("The cup is at [0.1, 0.2, 0.5, 0.6], from 0 to 1.")
    ('The cup is at ■ , from  .', [[0.1, 0.2, 0.5, 0.6]])
    """
    boxes: list[list[float]] = []

    def cut(found: re.Match[str]) -> str:
        boxes.append(_corners(found[0]))
        return f" {MARK} "

    plain = _MARKUP.sub(" ", _KEY.sub("bbox", text.translate(MINUS_SIGNS).replace(MARK, " ")))
    return _JOINED.sub(" ", _RANGE.sub(" ", _FORM.sub(cut, plain))), boxes


def _corners(text: str) -> list[float]:
    """The numbers in the order x1, y1, x2, y2; none where they are named twice."""
    names = [
        _OF_SIDE.get(name, name.replace("_", "").replace("min", "1").replace("max", "2"))
        for name in map(str.casefold, _SIDE.findall(text))
    ]
    numbers = [float(number) for number in _NUMBER.findall(_SIDE.sub(" ", text))]
    if len(names) != 4 or "(" in text:
        return numbers
    return [numbers[names.index(name)] for name in ("x1", "y1", "x2", "y2")] if len(set(names)) == 4 else []
