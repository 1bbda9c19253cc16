"""What a box is said to be of: the thing that the question asks for, and no other one that it speaks of."""

import re
from functools import lru_cache

from .hedges import is_negated
from .neutral_words import LOOKS, SAYING, words_of
from .phrases import Phrase, phrases_of
from .restatement import asked_phrases, restates

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_SENTENCE = re.compile(r"(?<=[.?!])\s+|\n+")
_ORDINAL = re.compile(r"\b\d+(?:st|nd|rd|th)?\b")
_SIZES = frozenset("bigger biggest smaller smallest larger largest taller tallest".split())
_NEXT_INSTRUCTION = re.compile(r",? and (?:give|output|return|provide|show|report|answer|mark)\b", re.IGNORECASE)
_SIDES = frozenset("left right top bottom upper lower".split())
_SIDE = re.compile(r"\b(?:left|right|top|bottom|middle|center|centre)\b", re.IGNORECASE)
_CORNER = re.compile(r"\b(?:top|upper|bottom|lower)[- ](?:left|right)(?: corner)?\b", re.IGNORECASE)
_ON_A_SIDE = re.compile(rf"\b(?:on|at|in) the {_SIDE.pattern}", re.IGNORECASE)
_OWNS = re.compile(r"\b(?:has|have|had)\b", re.IGNORECASE)
_FOR = re.compile(r"\bfor\b", re.IGNORECASE)
_UNNAMED = re.compile(r"\b(?:object|thing|item)\s+(?:is|that|which|used)\b", re.IGNORECASE)
_SHOWN = frozenset("image picture photo scene figure".split())
NEUTRAL = SAYING - {"and"} - _SHOWN | frozenset(
    "box boxes bounding bbox bboxes coordinates coordinate corners corner object located location at found on top left "
    "right bottom upper lower with fractions label name class category description json for region requested "
    "normalized approximately can its her his their".split()
)
"""Words that may stand beside a box, besides the question's."""
_INSTRUCTION = (NEUTRAL - _SIDES) | _SHOWN
_INSTRUCTION |= frozenset(
    "where find locate detect identify localize mark point out draw around ground phrase sentence describes describe "
    "us provide give output show shows tell me highlight outline segment which what position this following by area "
    "part return respond determine could would it about want look referring "
    "expression query corresponding".split()
)
"""Words before the thing that a question asks for: "Give the bounding box of the region this sentence describes:"."""

_ASKS = _INSTRUCTION - SAYING - _SHOWN
"""Those of them that ask: "In the image there is a dog" does not."""


@lru_cache(maxsize=4096)
def asked_thing(question: str) -> str:
    """The thing whose box is asked for, with what is said of it; "" where the question does not say.

    >>> asked_thing("Please provide the bounding box of the region this sentence describes: the dog on the sofa.")
    'dog on the sofa.'
    """
    for sentence in _SENTENCE.split(question):
        words = list(_WORD.finditer(sentence))
        first = next((word for word in words if word[0].casefold() not in _INSTRUCTION), None)
        asks = not _ASKS.isdisjoint(word[0].casefold() for word in words if first and word.start() < first.start())
        if first and asks:
            return _NEXT_INSTRUCTION.split(sentence[first.start() :])[0]
    return ""


def says_the_thing(text: str, question: str) -> bool:
    """Whether words beside a box say again the thing that is asked for, or only that a box follows.

    Colours and sizes may be added where the question has none; a thing that the question does not name may be any one
    word.

    >>> question = "Where is the cup to the left of the blue plate?"
    >>> [says_the_thing(text, question) for text in ("The blue plate is at", "The cup by the plate is at", "red cup")]
    [False, True, True]
    """
    if not any(map(str.isalpha, text)):
        return True
    thing = asked_thing(question)
    asked = asked_phrases(thing)
    first = frozenset(asked[0].words) if asked else frozenset()
    is_open = first.isdisjoint(LOOKS) and first.isdisjoint(_SIZES)
    ignored = (NEUTRAL | LOOKS if is_open and asked else NEUTRAL) - first
    if not _SIDE.search(question):
        text = _ON_A_SIDE.sub(" ", text)
    elif _SIDE.search(thing):
        text, ignored = _CORNER.sub(" ", text), ignored - _SIDES
    if _OWNS.search(text) and not _OWNS.search(thing):
        return False
    said = [phrase for phrase in phrases_of(_FOR.sub("of", text), ignored) if not _leads_to_numbers(phrase)]
    if said and said[0].link not in ("", "the", "of"):
        return False
    if len(said) == 1 and _UNNAMED.search(question) and len(said[0].words) == 1 and not said[0].link:
        return said[0].words[0] not in words_of(question)
    return restates(said, asked, first_alone=True)


def _leads_to_numbers(phrase: Phrase) -> bool:
    return phrase.link in ("at", "in", "on", "by", "to", "of") and (NEUTRAL - _SIDES).issuperset(phrase.words)


def may_be_its_label(label: str, question: str) -> bool:
    """Whether a box with this label is the one asked for.

    Without a question it may be any one word, such as "cup 3".
    """
    label = _ORDINAL.sub("", label)
    if question:
        return says_the_thing(label, question)
    words = words_of(label)
    return len(words) < 2 and not is_negated(label) and words not in (["none"], ["nothing"])
