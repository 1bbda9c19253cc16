"""Points and roots: several values behind the name that the question asks for, "P(2, -3)", "The roots are -2 and 3"."""

import re

from .math_formula import Formula
from .math_left import says_what_is_asked
from .math_relations import is_name
from .neutral_words import SAYING, question_words, words_of
from .restatement import asking_sentence

_POINT_BEHIND = re.compile(r"(?P<head>[^()\d]*?)[\s:=$]*(?P<point>(?:\\left\s*)?\([^()]*,[^()]*\))\$?[\s.]*")
_CAPITAL = re.compile(r"(?<![A-Za-z\\])([A-Z])(?![A-Za-z])(?! [a-z]+ [a-z])")
_SEGMENT = re.compile(r"(?<![A-Za-z])[A-Z]{2}(?![A-Za-z])")
_OF_POINTS = SAYING | frozenset("coordinates coordinate point has have located lies at equals new final its".split())
_ROOTS = re.compile(
    r"(?P<left>(?:the )?(?:\w+ )?(?:roots|zeros|zeroes|solutions|x-intercepts|intercepts)"
    r"(?: of [^.=$\d]{1,60}?)?)\s*(?:\bare\b|:)\s*"
    r"(?=\S)",
    re.IGNORECASE,
)
_OF_ROOTS = re.compile(r"\b(?:roots|zeros|zeroes|solutions|x-intercepts)\b", re.IGNORECASE)
_OWN_DISPLAY = re.compile(r"\$([^$]+)\$\s*(,|and|or)\s*\$([^$]+)\$")


def without_name_of_point(answer: str, question: str) -> str | None:
    """A point without its name and the words that ask for it; None where another point is named.

    >>> question = "What are the coordinates of point P?"
    >>> [without_name_of_point(text, question) for text in ("P(2, -3)", "Point P is at (2, -3).", "Q = (2, -3)")]
    ['(2, -3)', '(2, -3)', None]
    """
    found = _POINT_BEHIND.fullmatch(answer)
    if not found or not found["head"].strip():
        return answer
    asked = asking_sentence(question)
    names, wanted = set(_CAPITAL.findall(found["head"])), set(_CAPITAL.findall(asked))
    if names and not wanted and names <= set("".join(_SEGMENT.findall(asked))):
        return None  # an end of the line whose midpoint is asked for
    if names and wanted and not names <= wanted:
        return None
    words = [word for word in words_of(found["head"]) if len(word) > 1]
    known = _OF_POINTS | question_words(asked)
    is_known = (
        known.issuperset(words) and not re.search(r"[^\w\s:=$.,'\\]", found["head"]) and "\\" not in found["head"]
    )
    return found["point"] if is_known and (names or words) else answer


def without_roots(answer: str, question: str) -> str:
    """A list of roots without the words that ask for them, where the question does.

    >>> without_roots("The roots are $-2$ and $3$.", "What are the roots?")
    '$-2 and 3$.'
    """
    found = _ROOTS.match(answer)
    if found and says_what_is_asked(found["left"], question):
        return _OWN_DISPLAY.sub(r"$\1 \2 \3$", answer[found.end() :])
    return answer


def names_fit(said: Formula, question: str) -> bool:
    """Whether values of one unknown have its name: `x = -2, y = 3` are no two roots."""
    names = {piece.parts[0] for piece in said.pieces if len(piece.parts) > 1 and is_name(piece.parts[0])}
    letters = {name[:1] for name in names}
    if not question or not _OF_ROOTS.search(question):
        return True
    return len(letters) < 2 and all(letter == "x" or _is_unknown(letter, question) for letter in letters)


def _is_unknown(letter: str, question: str) -> bool:
    """Whether a question has this letter, but for the left side of "y = x^2"."""
    return re.search(rf"(?<![A-Za-z\\]){re.escape(letter)}(?![A-Za-z(])(?!\s*=)", question) is not None
