"""Whether words name the thing that a box is asked of, and no other one that the question speaks of."""

import re
from functools import lru_cache

from .box_questions import IGNORED, SIDES, asked_phrases, asked_thing, in_one_writing, named_words
from .hedges import is_negated
from .neutral_words import LOOKS, words_of
from .phrases import PLACES, Phrase, one_writing, phrases_of
from .restatement import restates

_SIZES = frozenset("bigger biggest smaller smallest larger largest taller tallest".split())
_BIG = frozenset("big small large little tiny".split())
_SIDE = re.compile(r"\b(?:left|right|top|bottom|middle|center|centre)(?:most)?\b", re.IGNORECASE)
_ON_A_SIDE = re.compile(rf"\b(?:on|at|in) the {_SIDE.pattern}", re.IGNORECASE)
_OWNS = re.compile(r"\b(?:has|have|had)\b", re.IGNORECASE)
_FOR = re.compile(r"\bfor\b", re.IGNORECASE)
_UNNAMED = re.compile(r"\b(?:object|thing|item)\s+(?:is|that|which|used)\b", re.IGNORECASE)
_OF_A_BOX = re.compile(
    r"\b(b?box|region|area|rectangle|part|coordinates?)(?: of the image)?\s+(?:(?:described|labell?ed|referred to"
    r"|identified|known) (?:as|by)|corresponding to|(?:that |which )?(?:contains|shows|encloses|surrounds|covers)"
    r"|containing|surrounding|enclosing|around|showing|depicting|bounding|covering|with)\s+",
    re.IGNORECASE,
)
_FITS = re.compile(
    r"\b(?:that |which )?(?:match(?:es|ing)?|fits?|corresponds?|corresponding)(?: to| with)? (?:the|this|your) "
    r"(?:given )?(?:description|query|phrase|sentence|expression|question)\b",
    re.IGNORECASE,
)
_OF_THE_QUESTION = re.compile(
    r"\b(?:detected|described|requested|identified|located|targeted|target|given|specified|referred|mentioned|phrase"
    r"|expression|description|query|area|position|part)\b(?!-)",
    re.IGNORECASE,
)
_PICTURED = r"(?:image|picture|photo|scene|frame)"
_PLACE = re.compile(
    r"\b(?:on|at|in|to|from|towards?) the (?:(?:far|very) )?"
    r"(?:(?:top|upper|bottom|lower|left|right|middle|center|centre|central)[- ]?)+(?:hand )?(?:most )?"
    r"(?:side|part|half|corner|area|portion|edge)?\b(?!\s*(?:side|part|half|corner|area)\b)"
    rf"(?!\s*of (?!the {_PICTURED}))(?: of the {_PICTURED})?",
    re.IGNORECASE,
)
_SIDE_WORD = re.compile(r"\b(left|right|top|bottom|upper|lower|middle|center|centre)(?:most)?\b(?! of)", re.IGNORECASE)
_ANOTHER_LINK = frozenset("without not than not with as if before after".split())
_BESIDE = frozenset("near beside by".split())
_NOT_BESIDE = PLACES - {"left_of", "right_of", "to", "around", "outside"}
_OWN = frozenset("of in with wearing".split())
_ANOTHER = frozenset(
    "other another second third fourth first last next different nearby neighboring opposite same toy fake and or "
    "missing wrong one three four five all both half".split()
)
"""Words before a thing that make another one of it, or several."""
_WRITTEN = re.compile(r"\b(?:text|words?)\b", re.IGNORECASE)
_OBJECT = re.compile(r"\b(?:object|thing|item)\b", re.IGNORECASE)
_ONE = re.compile(r"\b((?:the|a) (?:\w+ ){0,2})one\b", re.IGNORECASE)
_WITH = frozenset("with wearing having in holding carrying containing".split())


def says_the_thing(text: str, question: str, *, more: bool = False) -> bool:
    """Whether words beside a box say again the thing that is asked for, or only that a box follows.

    Colours and sizes may be added where the question has none; a thing that the question does not name may be any one
    word.

    Args:
        more: whether more may be said of the thing than the question says, beside all that it says: "the cup on the
            table" for the cup.

    >>> question = "Where is the cup to the left of the blue plate?"
    >>> [says_the_thing(text, question) for text in ("The blue plate is at", "The cup by the plate is at", "red cup")]
    [False, True, True]
    """
    if not any(map(str.isalpha, text)):
        return True
    asked = asked_phrases(_FOR.sub("of", asked_thing(question)))
    said = _said(in_one_writing(text), question, asked)
    if said is None or (said and said[0].link not in ("", "the", "of")):
        return False
    if len(said) == 1 and _UNNAMED.search(question) and len(said[0].words) == 1 and said[0].link in ("", "of"):
        return said[0].words[0] not in words_of(question)
    if any(_is_only_beside(phrase, asked) for phrase in said):
        return False
    if said and asked and _is_said_more_closely(said, asked, question):
        said = [asked[0], *said[1:]]
    if more and said and asked and not said[0].link:
        said = _without_more(said, asked)
    return restates(said, asked, first_alone=True)


def _said(text: str, question: str, asked: tuple[Phrase, ...]) -> list[Phrase] | None:
    """The phrases of a text that speak of things, without looks that may be added; None where it says who has what."""
    thing = asked_thing(question)
    ignored = IGNORED.difference(*(phrase.words for phrase in asked[:1]))
    if not _SIDE.search(question):
        text = _ON_A_SIDE.sub(" ", text)
    elif _SIDE.search(thing):
        ignored -= SIDES
    if _OWNS.search(text) and not _OWNS.search(thing):
        return None
    said = [phrase for phrase in phrases_of(_FOR.sub("of", text), ignored) if not _leads_to_numbers(phrase)]
    if not said or not asked:
        return said
    added = _qualities_that_may_be_added(asked)
    first = Phrase(said[0].link, tuple(word for word in said[0].words if word not in added))
    owners = {one_writing(word) for word in words_of(thing) if word.endswith("'s")}
    whole = tuple(word for word in asked[0].words if word not in owners)
    if first.words != said[0].words and first.words and first.words[-len(whole) :] != whole:
        first = said[0]  # "the black cat" is not the striped one
    if first.link in ("the", "of"):  # "the box of the jar": what it is of is the subject
        first = Phrase("", first.words)
    return [first, *said[1:]] if first.words or first.link else said[1:]


def _is_only_beside(phrase: Phrase, asked: tuple[Phrase, ...]) -> bool:
    """Whether a phrase is beside what the question's thing is on, in or behind."""
    return phrase.link in _BESIDE and any(
        other.link in _NOT_BESIDE and other.words[-1:] == phrase.words[-1:] for other in asked
    )


def _qualities_that_may_be_added(asked: tuple[Phrase, ...]) -> frozenset[str]:
    """Colours where the question has none of the thing, and sizes where it has none; none that another thing has."""
    words = frozenset(word for phrase in asked if not phrase.link for word in phrase.words)
    of_others = frozenset(word for phrase in asked if phrase.link for word in phrase.words)
    sizes = frozenset() if words & (_BIG | _SIZES) else _BIG
    colours = frozenset() if words & (LOOKS | _SIZES) - _BIG else LOOKS - _BIG
    return (sizes | colours) - of_others


def _without_more(said: list[Phrase], asked: tuple[Phrase, ...]) -> list[Phrase]:
    """The phrases without those of which the question has none, where all of its own are said."""
    whole = frozenset(asked[0].words)
    said = [phrase for phrase in said if phrase.link not in _OWN or not whole.issuperset(phrase.words)]
    if any(phrase.link == "of" for phrase in said) and said[0].words != asked[0].words:
        return said
    own = [phrase for phrase in said[1:] if phrase.words and restates([asked[0], phrase], asked)]
    if len({phrase.words for phrase in own if phrase.link}) < sum(bool(phrase.link) for phrase in asked[1:]):
        return said
    more = [phrase for phrase in said[1:] if phrase not in own]
    is_another = any(
        phrase.link in _ANOTHER_LINK
        or not (phrase.words or phrase.link.endswith("ing"))
        or not phrase.link
        or asked[0].words[-1] in phrase.words
        for phrase in more
    )
    return said if is_another else [said[0], *own]


def _is_said_more_closely(said: list[Phrase], asked: tuple[Phrase, ...], question: str) -> bool:
    """Whether the first phrase says all that is asked for, behind words of its own: "the tall clock tower".

    What the question says behind its thing must be said too, or the words be the question's: "an empty vase" is none
    with flowers, while "the kitchen sink" is the one in the kitchen.
    """
    first, more = said[0], len(said[0].words) - len(asked[0].words)
    if asked[0].link or first.link not in ("", "the", "of") or not 1 <= more <= 2:
        return False
    own = first.words[:more]
    if first.words[more:] != asked[0].words or any(
        word in _ANOTHER | LOOKS | SIDES or is_negated(word) for word in own
    ):
        return False
    return len(said) >= len(asked) or frozenset(map(one_writing, words_of(question))).issuperset(own)


def _leads_to_numbers(phrase: Phrase) -> bool:
    return phrase.link in ("at", "in", "on", "by", "to", "of", "with", "as") and IGNORED.difference(SIDES).issuperset(
        phrase.words
    )


@lru_cache(maxsize=4096)
def may_be_named(text: str, question: str) -> bool:
    """Whether words name the thing that is asked for, perhaps as that of a box, and with its place in the picture.

    >>> may_be_named("the bounding box around the right zebra", "Where is the zebra on the right side?")
    True
    """
    thing = asked_thing(question)
    asked_sides = _sides(thing)
    if not asked_sides and says_the_thing(text, question):
        return True
    text = _OF_THE_QUESTION.sub("", _OF_A_BOX.sub(r"\1 of ", _FITS.sub(" ", text)))
    if thing.startswith("text"):
        text = _WRITTEN.sub("", text)
    text = in_one_writing(text)
    if asked_sides and not _sides(text) <= asked_sides:
        return False
    if says_the_thing(text, question):
        return True
    if head := " ".join(named_words(question)):
        text = _ONE.sub(rf"\g<1>{head}", text)
    text = _PLACE.sub(" ", text)
    text = _SIDE_WORD.sub(" ", text)
    if _UNNAMED.search(question):
        text = _OBJECT.sub(" ", text)
    return says_the_thing(_as_the_question_links(text, thing), question, more=True)


def _sides(text: str) -> frozenset[str]:
    if not _SIDE_WORD.search(text):
        return frozenset()
    same = {"upper": "top", "lower": "bottom", "centre": "center", "middle": "center"}
    return frozenset(same.get(side, side) for side in map(str.casefold, _SIDE_WORD.findall(text)))


def _as_the_question_links(text: str, thing: str) -> str:
    """A text whose "with" and "wearing" is the one that the question has before the same words."""
    for word in {word for word in words_of(thing) if word in _WITH or (word.endswith("ing") and len(word) > 5)}:
        said = "|".join(_may_stand_for(word))
        for found in re.finditer(rf"\b{word} (?:(?:a|an|the|his|her) )?(\w+)(?: (\w+))?", thing.casefold()):
            last = found[2] or found[1]
            text = re.sub(
                rf"\b(?:{said}) (?=(?:(?:a|an|the|his|her) )?(?:\w+ )?{last}\b)", f"{word} ", text, flags=re.IGNORECASE
            )
    for word in (word for word in words_of(thing) if word.endswith("ing")):
        text = re.sub(rf"\b(?:that|who|which) {re.escape(word[:-3])}e?s?\b", word, text, flags=re.IGNORECASE)
    for found in re.finditer(r"\b(of|on|in) ((?:the|a|an) (?:\w+ )?\w+)", thing.casefold()):
        others = "on|from|in|at" if found[1] == "of" else "of"
        text = re.sub(rf"\b(?:{others}) (?={re.escape(found[2])}\b)", f"{found[1]} ", text, flags=re.IGNORECASE)
    return text


def _may_stand_for(word: str) -> frozenset[str]:
    if word in ("in", "wearing"):
        return frozenset({"with", "wearing", "in", "having", "dressed in"})
    if word == "with":
        return _WITH
    if word == "riding":
        return frozenset({"on", "with"})
    return frozenset({"with", "holding", "carrying", "having"}) if word in _WITH else frozenset({"with"})
