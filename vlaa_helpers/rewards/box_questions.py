"""What a question asks the box of."""

import re
from functools import lru_cache

from .neutral_words import SAYING, words_of
from .phrases import ASKING, Phrase, one_writing, phrases_of

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_SENTENCE = re.compile(r"(?<=[.?!])\s+|\n+")
_NEXT_INSTRUCTION = re.compile(
    r",? (?:and|by|then) (?:giv|output|return|provid|show|report|answer|mark|draw|writ|respond|stat|tell)\w*"
    r"|,? (?:with|using|as|in) (?:(?:a|an|one|the|single|normali[sz]ed|relative|its) )*"
    r"(?:bounding|b?box|coordinates?|values?|json|\[)",
    re.IGNORECASE,
)
_OF_ITS_BOX = re.compile(r"['’]s (?:(?:bounding )?box|bbox|location|position|coordinates)\b", re.IGNORECASE)
_FRAME = re.compile(
    r"(?:,? (?:in|as|with|to) (?:the )?(?:form|format|range|order|fractions)?(?: of)?(?: the image(?:['’]s)?)?"
    r"(?: width and height)?,?)?(?: (?:from|between))? ?\b0(?:\.0)? ?(?:to|and|[-–]) ?1(?:\.0)?\b"
    r"|(?:,? (?:in|as|using) (?:the )?(?:form|format|order)?(?: of)?:?)? ?\[\s*x_?\w*[^\[\]]*\](?: form(?:at)?)?",
    re.IGNORECASE,
)
"""What says how a box is to be written: "between 0 and 1 in [x1, y1, x2, y2]"."""
SIDES = frozenset("left right top bottom upper lower".split())
_SHOWN = frozenset("image picture photo scene figure".split())
NEUTRAL = SAYING - {"and"} - _SHOWN | frozenset(
    "box boxes bounding bbox bboxes coordinates coordinate corners corner object located location at found on top left "
    "right bottom upper lower with fractions label name class category description json for region requested "
    "normalized xyxy approximately can its her his their covers sentence describes described".split()
)
"""Words that may stand beside a box, besides the question's."""
_INSTRUCTION = (NEUTRAL - SIDES) | _SHOWN | {"and"}
_INSTRUCTION |= frozenset(
    "where find locate detect identify localize localise mark point out draw around ground phrase sentence describes "
    "describe us provide give output show shows tell me highlight outline segment which what position this following "
    "by area part return respond determine could would it about want look looking search searching referring see "
    "expression query corresponding mentioned i'm i'd need help task single all every any visible parts instance "
    "instances to as contains contain showing depicting main subject".split()
)
"""Words before the thing that a question asks for: "Give the bounding box of the region this sentence describes:"."""
_ASKS = _INSTRUCTION - SAYING - _SHOWN - {"and"}
"""Those of them that ask: "In the image there is a dog" does not."""
_ONLY_ASKS = ASKING - frozenset("long wide tall high deep old".split())
GENERIC = ((NEUTRAL - SIDES) | _SHOWN | {"and"}) - frozenset(
    "at is are was were be in of on with can by covers located found describes".split()
)
GENERIC |= frozenset(
    "area position target main subject following follows detected corresponding matching given specified question "
    "query expression phrase form format value values image input final part parts point points relative "
    "absolute normalised interest single visible key result output".split()
)
"""Words that only say that a box follows."""
IGNORED = (NEUTRAL | GENERIC - _SHOWN) - frozenset("label name class category".split())
"""Words that name no thing."""
_NEAR = re.compile(
    r"(?<=\w) (?:(?:that|which|who) (?:is|are) )?(?:the )?(?:closest|nearest|close|nearer|adjacent|next) to\b",
    re.IGNORECASE,
)
_FAR = re.compile(
    r"(?<=\w) (?:(?:that|which|who) (?:is|are) )?(?:the )?(?:farthest|furthest|far|away|farther) from\b", re.IGNORECASE
)
_HYPHEN = re.compile(r"(?<=[A-Za-z])-(?=[A-Za-z])")
_PAIR = re.compile(r"\b(?:pairs?|couple|group|bunch) of ", re.IGNORECASE)
_THAT_HAS = re.compile(r"\b(?:that|which|who) ha(?:s|ve) ", re.IGNORECASE)
_CAN = re.compile(r"\b(trash|garbage|soda|beer|tin|watering|paint|spray) can\b", re.IGNORECASE)
_ON_TOP = re.compile(r"\bon top of\b", re.IGNORECASE)
_WRITTEN = re.compile(
    r"\b(text|words?|string|title|sign) (?:that (?:reads|says) )?[\"'“‘]([^\"'“”’]+)[\"'”’]", re.IGNORECASE
)


@lru_cache(maxsize=4096)
def asked_thing(question: str) -> str:
    """The thing whose box is asked for, with what is said of it; "" where the question does not say.

    >>> asked_thing("Please provide the bounding box of the region this sentence describes: the dog on the sofa.")
    'dog on the sofa.'
    """
    started = ""
    for sentence in _SENTENCE.split(in_one_writing(_FRAME.sub("", question))):
        words = list(_WORD.finditer(sentence))
        first = next((word for word in words if word[0].casefold() not in _INSTRUCTION), None)
        asks = not _ASKS.isdisjoint(word[0].casefold() for word in words if first and word.start() < first.start())
        if first and asks:
            return _OF_ITS_BOX.split(_NEXT_INSTRUCTION.split(sentence[first.start() :])[0])[0]
        started = started or (sentence[first.start() :] if first else "")
    return started


@lru_cache(maxsize=4096)
def asked_phrases(thing: str) -> tuple[Phrase, ...]:
    """The phrases of a thing, of which "old" and "long" are words too."""
    return tuple(phrase for phrase in phrases_of(thing, _ONLY_ASKS) if phrase.words != ("located",))


def named_words(question: str) -> frozenset[str]:
    """The last word of the name of what is asked for, without which no clause speaks of it."""
    asked = asked_phrases(asked_thing(question))
    return frozenset(asked[0].words[-1:]) if asked else frozenset({""})


def with_cans(text: str) -> str:
    """A text in which a trash can is one word, and "can" a verb.

    >>> with_cans("The trash can can be seen")
    'The trashcan can be seen'
    """
    return _CAN.sub(r"\1can", text)


def in_one_writing(text: str) -> str:
    """A text in which "closest to" and "that is next to" are links between things."""
    text = _PAIR.sub("", with_cans(_THAT_HAS.sub("with ", _HYPHEN.sub(" ", text))))
    return _WRITTEN.sub(r"text \2", _ON_TOP.sub("on", _FAR.sub(" from ", _NEAR.sub(" near ", text))))


def is_one_of_several(text: str, question: str) -> bool:
    """Whether a text has in the plural what the question asks for in the singular.

    >>> is_one_of_several("The kids", "Where is the kid?"), is_one_of_several("The glasses", "Where are the glasses?")
    (True, False)
    """
    asked = frozenset(words_of(question))
    return any(
        (word.endswith("s") or word in ("men", "women", "people", "children"))
        and word not in asked
        and one_writing(word) in named_words(question) & asked
        for word in words_of(text)
        if not word.endswith("'s")
    )
