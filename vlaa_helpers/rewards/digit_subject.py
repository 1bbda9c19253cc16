"""Whether the words beside a number only say again what a question counts, or say nothing of it."""

import re
from functools import lru_cache

from .asked_things import counted_clause
from .counted_things import as_asked, head_of_counted
from .lead_in import SHOWN
from .neutral_words import ANY_THING, LOOKS, SAYING, THINGS, question_words, words_of
from .phrases import Phrase, one_writing, phrases_of
from .question_steps import things_changed
from .restatement import asked_phrases, asking_sentence, restates

_SHOWING = (
    r"(?:shows|contains|has|displays|depicts|includes|uses|presents|lists|plots|illustrates|features|represents|covers"
    r"|consists of|is made up of)"
)
_SAID_BESIDE = re.compile(
    r"\bin (?:total|all|number)\b|\bof (?:them|these|those|all)\b|\b(?:in|on|inside|of) (?:it|here|there)\b"
    rf"|\b(?:the|this) (?:(?:given|provided|bar|line|pie) )*{SHOWN} {_SHOWING}\b"
    rf"|\b(?!on (?:the|this) table\b)(?:in|on|from|of|by|within) (?:the|this) "
    rf"(?:(?:given|provided|entire|whole|bar|line|pie) )*{SHOWN}\b"
    r"|\b(?:shown|seen|visible|present|displayed|depicted|presented|listed)\b(?! than)",
    re.IGNORECASE,
)
_OF_THEM = re.compile(
    r"^\s*of (?:them|these|those|which|whom)\b|^(?=\s+(?:is|are|was|were|have|had|will)\b)", re.IGNORECASE
)
_IS_THE = re.compile(r"\s*(?:is|are|was|were) (?=the\b)", re.IGNORECASE)
_COMPARES = re.compile(r"\b(?:more|fewer|less)\b", re.IGNORECASE)
_OWNS = re.compile(r"\b(?:has|have|contains?|shows?)\s*$", re.IGNORECASE)
_OBJECTS = re.compile(rf"\bhow many (?:{'|'.join(ANY_THING)})\b", re.IGNORECASE)
AMOUNT = frozenset(
    "exist exists "
    "total count number sum amount quantity altogether overall together all left remain remains remaining has have get "
    "got see counted count equals equal become becomes gives give makes make contains contain shows show still will "
    "them they on what which can found present long wide tall high deep old".split()
)
_PLACED = frozenset(
    "floating sitting standing lying parked placed located positioned situated resting hanging arranged there".split()
)
"""Words for being somewhere, which say nothing where the question says nothing of the kind."""
_BEARING = frozenset("wearing having holding carrying".split())
_EQUALS = re.compile(r"(?:\b(?:is|are|was|were|equals)|[:=])[\s(]*$", re.IGNORECASE)
_LABEL = re.compile(r"\bnumber\s*$", re.IGNORECASE)
_NAME = re.compile(r"\b([A-Z]) (?:has|have|had|is|was|got|gets)\b")
_LETTER = re.compile(r"\b([A-Z])\b(?!')")
_DIFFERENCE = re.compile(r"\bdifference(?: is|:| =)\s*$|^\s*difference\s*$", re.IGNORECASE)
_GETTING = re.compile(r"\b(?<!to )(?:get|gets|got|receive[sd]?)\b", re.IGNORECASE)
_INSIDE = frozenset("in on inside under above".split())
_PLURALS = frozenset({"people", "sheep", "fish"})
_NUMBERS = frozenset({"number", "count", "total", "amount", "sum"})
_DOING = re.compile(r"\b[a-z]{2,}ing\b|\b(?:parked|placed|located|positioned|situated|arranged)\b", re.IGNORECASE)


def is_of_what_is_asked(before: str, after: str, question: str) -> bool:
    """Whether the words on both sides of a number only say again what is to be counted, or are neutral.

    >>> question = "How many red apples are on the table?"
    >>> [is_of_what_is_asked("there are ", behind, question) for behind in (" apples", " pears", " tables")]
    [True, False, False]
    """
    if not any(map(str.isalnum, before + after)):
        return True
    neutral = _neutral(question) | _kinds(words_of(before + ";" + after), question) - _things_asked(question)
    head, wanted = head_of_counted(question), _wanted(question)
    if _DIFFERENCE.search(before) and _COMPARES.search(question):
        before, after = "", f" {_COMPARES.search(question)[0]}{after}"
    if is_of_others(before, after, question, head):
        return False
    if (turned := _IS_THE.match(after)) and not any(map(str.isalnum, before)):
        before, after = after[turned.end() :], ""
    parts = (_named(part, wanted) for part in (before, _OF_THEM.sub(f" {head} ", after)))
    said, counted = (phrases_of(as_asked(_SAID_BESIDE.sub(" ", part), question, head), neutral) for part in parts)
    if said and counted and head in counted[0].words and not kind_of_thing(question, head) <= _words(said + counted):
        return False
    if any(_is_beside(phrase, other) for phrase in said + counted for other in wanted):
        return False
    if said and not said[-1].words and said[-1].link not in ("", "of"):
        return False
    if said and said[0].link in ("", "the") and _OWNS.search(before):  # "the boat has 2 people" are those in the boat
        said = [Phrase("in", said[0].words), *said[1:]] if not restates(said, wanted) else said
    if head and said and not counted and _EQUALS.search(before) and not _counts(before, head):
        return False
    return restates(said, wanted) and restates(counted, wanted, first_alone=True)


@lru_cache(maxsize=4096)
def kind_of_thing(question: str, head: str) -> frozenset[str]:
    """The nouns that say of which kind the counted things are: "hydrogen" of "hydrogen atoms"."""
    words = [one_writing(word) for word in words_of(counted_clause(question))]
    before = words[: words.index(head)] if head in words else []
    return (
        frozenset(before) - LOOKS - _neutral(question) - question_words("more other same equal new old")
        if head
        else frozenset()
    )


def _is_beside(said: Phrase, asked: Phrase) -> bool:
    """Whether a phrase says near what another says in or on: "next to the vase" for the flowers in the vase."""
    return said.words == asked.words and said.link in ("near", "beside") and asked.link in _INSIDE


def _words(phrases: list[Phrase]) -> frozenset[str]:
    return frozenset(word for phrase in phrases for word in phrase.words)


def _counts(text: str, head: str) -> bool:
    """Whether a text says the counted noun in the plural, or the number of it: "The peak is 2" gives a value."""
    words = words_of(text)
    things = [word for word in words if one_writing(word) == head]
    return any(word != head or word in _PLURALS for word in things) or bool(things and _NUMBERS.intersection(words))


def is_of_others(before: str, after: str, question: str, head: str) -> bool:
    """Whether a number is that of other things, a label ("Number 11 is here"), or said of a name: "A has 70 votes"."""
    label = _LABEL.search(before) is not None and any(map(str.isalpha, after))
    is_named = _NAME.search(before) is not None
    letters = set(_LETTER.findall(before + after))
    things = words_of(after)[:3]
    others = (
        head
        and head not in ANY_THING
        and any(
            one_writing(word) != head and word.endswith("s") and word in question_words(question) - LOOKS - AMOUNT
            for word in things[: [*map(one_writing, things), head].index(head)]
        )
    )
    return label or (is_named and letters != set(_LETTER.findall(question))) or bool(others)


@lru_cache(maxsize=4096)
def _wanted(question: str) -> tuple[Phrase, ...]:
    """The phrases of what is counted; "legend entries" are entries in the legend too."""
    head = head_of_counted(question)
    wanted = asked_phrases(as_asked(_SAID_BESIDE.sub(" ", _GETTING.sub(" ", counted_clause(question))), question, head))
    before = wanted[0].words[:-1] if head and wanted and wanted[0].words[-1:] == (head,) else ()
    return (*wanted, *(Phrase("in", (word,)) for word in before if word not in LOOKS))


@lru_cache(maxsize=4096)
def _things_asked(question: str) -> frozenset[str]:
    return THINGS & question_words(counted_clause(question))


@lru_cache(maxsize=4096)
def _neutral(question: str) -> frozenset[str]:
    """The words that may stand beside a number whatever is counted, by what the question asks."""
    asked = counted_clause(question)
    neutral = SAYING | AMOUNT | ANY_THING | {"different", "distinct", "individual", "separate", "various"}
    if "how old" in question.casefold():
        neutral |= {"year", "years"}
    if not _DOING.search(asked):
        neutral |= _PLACED
    if _COMPARES.search(asked):
        neutral |= {"difference"}
    if head_of_counted(question) == "angle":
        neutral -= {"right"}
    if asked == asking_sentence(question):  # no count: its "number" is a thing
        neutral -= question_words(asked) & AMOUNT
    return neutral - _things_asked(question)


def _named(text: str, wanted: tuple[Phrase, ...]) -> str:
    """A text with the question's own words for "it" and "them" behind the same link: "behind it"."""
    for phrase in wanted:
        if phrase.link and (pronoun := re.search(rf"\b{phrase.link}( (?:it|them|him|her))\b", text, re.IGNORECASE)):
            text = f"{text[: pronoun.start(1)]} {' '.join(phrase.words)}{text[pronoun.end() :]}"
        if phrase.link in _BEARING and phrase.words:
            text = re.sub(rf"\bwith (?=(?:an? |the )?(?:\w+ )?{phrase.words[-1]})", f"{phrase.link} ", text)
    return text


def _kinds(words: list[str], question: str) -> frozenset[str]:
    """The colours and shapes that may stand beside a number: all, where the question names none, or both say objects.

    Where the question alone speaks of objects, those that it names. What it takes away is not among what is left.
    """
    says_things = not ANY_THING.isdisjoint(words)
    if "of" in words and not says_things:  # "one of the dogs is brown"
        return frozenset()
    return _kinds_beside(question, says_things)


@lru_cache(maxsize=4096)
def _kinds_beside(question: str, says_things: bool) -> frozenset[str]:
    if question and "how many" not in question.casefold() and counted_clause(question) == asking_sentence(question):
        return frozenset()  # it asks for no count
    asks_for_things = _OBJECTS.search(question) is not None
    if _names_no_thing(question) or (asks_for_things and says_things):
        kinds = THINGS if not head_of_counted(question) or asks_for_things else LOOKS
    else:
        kinds = THINGS & question_words(question) if asks_for_things else frozenset()
    taken = frozenset().union(*things_changed(question, "take"))
    return frozenset(word for word in kinds if one_writing(word) not in taken)


@lru_cache(maxsize=4096)
def _names_no_thing(question: str) -> bool:
    return THINGS.isdisjoint(words_of(question))
