"""The numbers of a box as answers write them: in brackets, in JSON, in quotes, with the names of their corners."""

import re
from functools import lru_cache

from .box_labels import may_be_its_label, says_the_thing
from .lead_in import without_lead_in
from .neutral_words import MINUS_SIGNS

_DECIMAL = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
_NUMBER = re.compile(rf"(?<![\w.]){_DECIMAL}(?!\w)")
_PLAIN_BOX = re.compile(r"\[({0}), ({0}), ({0}), ({0})\]".format(r"[-+]?\d{1,9}(?:\.\d{1,15})?"))
_MARKUP = re.compile(
    r"```+\w*|\\boxed\b|\\?[{}]|\\[()\[\]]|</?(?:box|bbox)>|<\|box_(?:start|end)\|>|[*`$]|^\s*<(?=[-+\d.])|(?<=\d)>\s*$"
)
_QUOTED_NUMBER = re.compile(rf"([\"'])\s*({_DECIMAL})\s*\1")
# what the box is of: a text in JSON behind its name, or between Qwen2-VL's own marks
_LABEL = re.compile(
    r"\b(?:label|name|class|category|description|object)[\"']?\s*[:=]\s*([\"'])(?P<text>[^\"']*[A-Za-z][^\"']*)\1"
    r"|<\|object_ref_start\|>(?P<marked>[^<]*)<\|object_ref_end\|>"
)
_CONFIDENCE = re.compile(r"([\"'])(?:confidence|score)\1\s*:\s*(?:0?\.\d+|[01](?:\.0*)?)(?!\d)")
_BETWEEN_CORNERS = re.compile(
    r"(?<=\))\s*(?:to|and)\s*(?=\()|\bfrom\s*(?=\()|(?<=\))\s*and\s+(?=the (?:bottom|lower)[- ]right\b)", re.IGNORECASE
)
_CORNER_NAME = re.compile(r"\b(top|upper|bottom|lower)-(left|right)\b", re.IGNORECASE)
# the other diagonal, and places beside a box: "left of [0, 0, 1, 1]"
_ELSEWHERE = re.compile(
    r"\b(?:(?:top|upper) right|(?:bottom|lower) left|(?:left|right|top|bottom) of)\b", re.IGNORECASE
)
_OF_THE_BOX = re.compile(r"\bof[\s:(\[]*$", re.IGNORECASE)
MAX_LENGTH = 2000
"""Characters of an answer; a longer one is no box."""
_CORNER = re.compile(
    r"\b(?:(?P<x1>x_?1|x_?min)|(?P<y1>y_?1|y_?min)|(?P<x2>x_?2|x_?max)|(?P<y2>y_?2|y_?max))\b"
    rf"|\b(?:(?P<left>left)|(?P<top>top)|(?P<right>right)|(?P<bottom>bottom))\b[\"']?\s*[:=]?\s*(?={_DECIMAL})",
    re.IGNORECASE,
)
_OF_SIDE = {"left": "x1", "top": "y1", "right": "x2", "bottom": "y2"}
_OTHER_SIGN = re.compile(r"\d|[^\w\s.,:;!()\[\]\"'=-]|(?<![\s(\[,;:=])-|-(?![\d.])")


def box_numbers(text: str, question: str = "") -> list[float]:
    """The numbers of all boxes in a text, in the order x1, y1, x2, y2 where four of them are named.

    Empty when they are in another form than corners ("w", "h", "center", percent), or when a word or a sign beside them
    is not known to leave them as they are: "not [0, 0, 1, 1]", "[0, 0, 1, 1]/2".

    >>> box_numbers("top: 0.2, left: 0.1, bottom: 0.6, right: 0.5"), box_numbers("xywh: 0.1 0.2 0.5 0.6")
    ([0.1, 0.2, 0.5, 0.6], [])
    """
    if found := _PLAIN_BOX.fullmatch(text):
        return [float(number) for number in found.groups()]
    return [] if len(text) > MAX_LENGTH else list(_in_another_form(text, question))


@lru_cache(maxsize=4096)
def _in_another_form(text: str, question: str) -> list[float]:
    if not text.isascii():
        text = text.translate(MINUS_SIGNS)
    if any(sign in text for sign in "\"'|"):
        if not all(
            may_be_its_label(found["text"] or found["marked"] or "", question) for found in _LABEL.finditer(text)
        ):
            return []
        text = _QUOTED_NUMBER.sub(r" \2 ", _CONFIDENCE.sub(" ", _LABEL.sub(" ", text)))
    text = _CORNER_NAME.sub(r"\1 \2", without_lead_in(_BETWEEN_CORNERS.sub(" ", _MARKUP.sub(" ", text))))
    if _is_elsewhere(text, question):
        return []
    names = [_OF_SIDE.get(found.lastgroup, found.lastgroup) for found in _CORNER.finditer(text)]
    if names:
        text = _CORNER.sub(" ", text)
    numbers = [float(number) for number in _NUMBER.findall(text)]
    prose = re.sub(r"\bb?box_2d\b", "bbox", _NUMBER.sub(" ; ", text)).replace("_", " ")
    if _OTHER_SIGN.search(prose) or any(map(str.isnumeric, prose)) or not says_the_thing(prose, question):
        return []
    if not names or len(numbers) > 4:
        return numbers
    if sorted(names) != ["x1", "x2", "y1", "y2"] or len(numbers) != 4:
        return []
    corners = dict(zip(names, numbers, strict=True))
    return [corners[name] for name in ("x1", "y1", "x2", "y2")]


def _is_elsewhere(text: str, question: str) -> bool:
    """Whether the words before the numbers speak of a place beside the box, in words that are not the question's."""
    first = _NUMBER.search(text)
    if first and _OF_THE_BOX.search(text[: first.start()]):
        return True
    return any(found[0].casefold() not in question.casefold() for found in _ELSEWHERE.finditer(text))
