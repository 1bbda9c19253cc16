"""What a box is said to be of: the thing that the question asks for, and no other one that it speaks of."""

import re
from functools import lru_cache

from .hedges import is_negated
from .neutral_words import LOOKS, SAYING, change_nothing, question_words, words_of

_ASKED = re.compile(
    r"\b(?:where(?:['’]s| is| are)|locate|find|detect|describes:"
    r"|(?:box(?:es)?|coordinates?|position|location) (?:of|for))"
    r"\s+([^?.!,;:]+)",
    re.IGNORECASE,
)
_BESIDE = frozenset(
    "to left right of on in at near behind next under above below beside between by from for with without that which "
    "who is are was were and or wearing holding sitting standing riding carrying eating lying walking running playing "
    "looking facing".split()
)
"""The words that end the noun phrase of a thing."""
_NO_THING = frozenset("region regions area object objects thing things part this following sentence phrase".split())
_ORDINAL = re.compile(r"\b\d+(?:st|nd|rd|th)?\b")
NEUTRAL = SAYING - {"and"} | frozenset(
    "box boxes bounding bbox bboxes coordinates coordinate corners corner object located location at found on top left "
    "right bottom upper lower with fractions label name class category description json for region".split()
)
"""Words that may stand beside a box, besides the question's."""


@lru_cache(maxsize=4096)
def asked_thing(question: str) -> frozenset[str]:
    """The words for the thing whose box is asked for, in singular and plural; empty where the question does not say.

    >>> thing = asked_thing("Where is the cup to the left of the blue plate?")
    >>> "cup" in thing, "plate" in thing
    (True, False)
    """
    for found in _ASKED.finditer(question):
        words = _first_phrase(words_of(found[1]))
        if words and _NO_THING.isdisjoint(words):
            return question_words(" ".join(words))
    return frozenset()


def _first_phrase(words: list[str]) -> list[str]:
    """The words of the first thing that is named, up to one that says where it is or what it does."""
    phrase: list[str] = []
    for word in (word.removesuffix("'s") for word in words):
        if word in _BESIDE or word in NEUTRAL:
            if phrase:
                break
        else:
            phrase.append(word)
    return phrase


def is_of_another(text: str, question: str) -> bool:
    """Whether the first thing that a text names is not the one asked for; colours that the question leaves open may be.

    >>> question = "Where is the cup to the left of the blue plate?"
    >>> [is_of_another(text, question) for text in ("The blue plate is at", "The cup by the plate is at", "red cup")]
    [True, False, False]
    """
    asked = asked_thing(question)
    known = asked if not asked.isdisjoint(LOOKS) else asked | LOOKS
    return bool(asked) and not known.issuperset(_first_phrase(words_of(text)))


def may_be_its_label(label: str, question: str) -> bool:
    """Whether a box with this label is the one asked for: each word is the question's.

    Without a question it may be any one word, such as "cup 3".
    """
    label = _ORDINAL.sub("", label)
    words = words_of(label)
    if is_negated(label) or "none" in words or "nothing" in words:
        return False
    if not question:
        return len(words) < 2
    if is_of_another(label, question):
        return False
    is_open = asked_thing(question) and asked_thing(question).isdisjoint(LOOKS)
    return change_nothing(words, label, NEUTRAL | LOOKS if is_open else NEUTRAL, question)
