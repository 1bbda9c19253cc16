"""The numbers of a box as answers write them: in brackets, in JSON, in quotes, with the names of their corners."""

import re

from .neutral_words import MINUS_SIGNS, SAYING, change_nothing, words_of

_DECIMAL = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
_NUMBER = re.compile(rf"(?<![\w.]){_DECIMAL}(?!\w)")
_PLAIN_BOX = re.compile(r"\[({0}), ({0}), ({0}), ({0})\]".format(r"[-+]?\d{1,9}(?:\.\d{1,15})?"))
_MARKUP = re.compile(r"```+\w*|\\boxed\b|\\?[{}]|\\[()\[\]]|</?(?:box|bbox)>|[*`$]")
_QUOTED_NUMBER = re.compile(rf"([\"'])\s*({_DECIMAL})\s*\1")
_TEXT_VALUE = re.compile(r"(?<=[:=])\s*([\"'])[^\"']*[A-Za-z][^\"']*\1")
_BETWEEN_CORNERS = re.compile(r"\)\s*(?:to|and)\s*\(")
_CORNER = re.compile(
    r"\b(?:(?P<x1>x_?1|x_?min)|(?P<y1>y_?1|y_?min)|(?P<x2>x_?2|x_?max)|(?P<y2>y_?2|y_?max))\b"
    rf"|\b(?:(?P<left>left)|(?P<top>top)|(?P<right>right)|(?P<bottom>bottom))\b[\"']?\s*[:=]?\s*(?={_DECIMAL})",
    re.IGNORECASE,
)
_OF_SIDE = {"left": "x1", "top": "y1", "right": "x2", "bottom": "y2"}
_OTHER_SIGN = re.compile(r"\d|[^\w\s.,:;!()\[\]\"'=-]|(?<![\s(\[,;:=])-|-(?![\d.])")
_NEUTRAL = SAYING - {"and"} | frozenset(
    "box boxes bounding bbox bboxes coordinates coordinate corners corner object located location at found on top left "
    "right bottom upper lower with fractions has label name class category description json".split()
)


def box_numbers(text: str, question: str = "") -> list[float]:
    """The numbers of all boxes in a text, in the order x1, y1, x2, y2 where four of them are named.

    None when they are in another form than corners ("w", "h", "center", percent), or when a word or a sign beside them
    is not known to leave them as they are: "not [0, 0, 1, 1]", "[0, 0, 1, 1]/2".

    >>> box_numbers("top: 0.2, left: 0.1, bottom: 0.6, right: 0.5"), box_numbers("xywh: 0.1 0.2 0.5 0.6")
    ([0.1, 0.2, 0.5, 0.6], [])
    """
    if found := _PLAIN_BOX.fullmatch(text):
        return [float(number) for number in found.groups()]
    text = text.translate(MINUS_SIGNS)
    if '"' in text or "'" in text:
        text = _QUOTED_NUMBER.sub(r" \2 ", _TEXT_VALUE.sub(" ", text))
    text = _BETWEEN_CORNERS.sub(" ", _MARKUP.sub(" ", text))
    names = [_OF_SIDE.get(found.lastgroup, found.lastgroup) for found in _CORNER.finditer(text)]
    if names:
        text = _CORNER.sub(" ", text)
    numbers = [float(number) for number in _NUMBER.findall(text)]
    prose = _NUMBER.sub(" ", text).replace("bbox_2d", "bbox").replace("_", " ")
    if _OTHER_SIGN.search(prose) or not change_nothing(words_of(prose), prose, _NEUTRAL, question):
        return []
    if not names or len(numbers) > 4:
        return numbers
    if sorted(names) != ["x1", "x2", "y1", "y2"] or len(numbers) != 4:
        return []
    corners = dict(zip(names, numbers, strict=True))
    return [corners[name] for name in ("x1", "y1", "x2", "y2")]
