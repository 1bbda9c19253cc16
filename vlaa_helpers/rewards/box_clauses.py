"""Clauses beside a box: what each speaks of, and whether a box behind it is where that is."""

import re

from .box_names import may_be_named
from .box_questions import GENERIC, SIDES, asked_thing, named_words
from .neutral_words import words_of
from .phrases import phrases_of

_SCENE = r"(?:image|picture|photo|scene|figure|chart|graph|diagram|room|page|document|screenshot|map)"
_SEES = (
    r"(?:i|we|you) (?:can |have |could )?(?:see|detect(?:ed)?|find|found|identif(?:y|ied)|locate[d]?|observe[d]?"
    r"|notice[d]?|spot(?:ted)?)(?: that)?"
)
_START = re.compile(
    r"\s*(?:(?:(?:on|in|at) the [a-z ]{0,40}\bthere (?:is|are)|there (?:is|are)|here (?:is|are)"
    r"|the (?:sentence|phrase|description|region) (?:describes|shows|contains|refers to|described is)"
    r"|(?:it|this|that) is(?= (?:the|an?)\b)"
    r"|so|thus|therefore|hence|and|then|also|here|now|finally|while|where|first|next|as|one|only|in this case"
    rf"|in this {_SCENE}|in the (?:given |provided )?{_SCENE}"
    rf"|(?:the|this) {_SCENE} (?:shows|contains|depicts|features|has|displays)|{_SEES})\b\s*)+",
    re.IGNORECASE,
)
VERBS = (
    r"\b(?:is|are|was|were|be|can|could|will|would|has|have|appears?|covers?|occup(?:y|ies)|spans?|extends?|stands|sits"
    r"|lies|fills?|takes|stretches|reads|shows?|contains?|corresponds?|represents?|marks?|indicates?|encloses?"
    r"|captures?|surrounds?|highlights?|describes?|locates?|includes?|outlines?|refers?)\b"
    r"|(?<!\bthe )(?<!\ba )(?<!\bone )\b(?:located|detected|found|identified|positioned|situated"
    r"|visible|marked|shown)\b"
)
VERB = re.compile(rf"(?<!\bthat )(?<!\bwhich )(?<!\bwho )(?:{VERBS})", re.IGNORECASE)
_EMPTY = GENERIC | frozenset("at in on with as by of is are to from for be was covers contains encloses shows".split())
_A_SIDE = re.compile(
    r"\s*(?:(?:on|in|at) )?(?:the )?(?:(?:left|right|top|bottom|upper|lower|middle|center|central)[- ]?)+(?:hand )?"
    r"(?:side|part|half|corner|area)\b",
    re.IGNORECASE,
)
PRONOUNS = frozenset("it its he his she her hers they their them this that these those both".split())
_SPEAKER = frozenset("i we let let's to looking based given".split())
_BEING = frozenset("is are was be as at in within inside via = been".split())
_COVERING = frozenset(
    "covers cover covering occupies occupying occupy spans spanning span fills filling has have having takes extends "
    "extending stretches stretching with using using has gives give".split()
)
_PLACED = re.compile(
    r"(?:located|found|detected|identified|placed|positioned|situated|marked|seen|shown|given|defined|bounded|enclosed"
    r"|described|represented|outlined|framed|visible|spotted|follows|contained|follow|covered|occupied)$"
)
_GOES_TO = re.compile(
    r"\b(?:(?:refers?|corresponds?|corresponding|mapped|set|equal) to|(?:[a-z]+ed|given|shown) by"
    r"|(?:spans?|extends?|ranges?|stretches|goes|runs|starts?|bounded) from)$"
)
_GAZE = re.compile(
    r"\b(?:look|point|star|aim|gaz|fac|wav|smil|throw|kick|jump|mov|walk|run|head|sw[iu]ng|aim)\w*\s+(?:at|to|by|from)\b"
)
_ATTACHED = re.compile(r"(?:located|found|placed|positioned|situated|marked|seen|shown|visible)$")
_NEAR_AT = re.compile(
    r"\b(?:is|are) (?:right |just |directly )?"
    r"(?P<place>(?:behind|beside|next to|near|in front of) (?:the|a|an) [a-z ]+?) at$"
)
"""Either thing may be meant: "The stop sign is behind the tree at"."""
_BEFORE_ATTACHED = frozenset("is are was be been and also clearly currently".split())


def told(clause: str, question: str) -> str:
    """A clause up to a verb behind the name of what is asked for: "The television hangs on the wall"."""
    head = "|".join(map(re.escape, named_words(question)))
    for doing in (word for word in words_of(asked_thing(question)) if word.endswith("ing") and len(word) > 5):
        if does := re.search(rf"\b(?:{head})\b.*?(?= {re.escape(doing[:-3])}e?s\b)", clause, re.IGNORECASE):
            clause = clause[: does.end()]  # "a man talks to her"
    verb = (
        r"[a-z]+s\b" if not VERB.search(clause) else r"[a-z]+s (?:a|an|the|his|her|its|two|three|four|five|many|some)\b"
    )
    found = re.search(rf"\b(?:{head})(?= {verb})", clause, re.IGNORECASE) if head else None
    return clause[: found.end()] if found else clause


def spoken_of(clause: str, question: str) -> str:
    """What a clause speaks of: the "thing" that is asked for, an "other" one, a "pronoun", or "nothing" but boxes."""
    subject = subject_of(clause)
    words = words_of(subject)
    if named_words(question).isdisjoint(words) and all(word in _EMPTY or word in SIDES for word in words):
        return "nothing"
    if all(word in _EMPTY or word in PRONOUNS for word in words):
        return "pronoun"
    if may_be_named(subject, question):
        return "thing"
    if _A_SIDE.match(subject):
        return "nothing"
    return "nothing" if words[0] in _SPEAKER and words[:2] != ["to", "the"] else "other"


def subject_of(clause: str) -> str:
    """The words of a clause up to its verb, without those that only introduce them."""
    clause = without_start(clause)
    verb = VERB.search(clause)
    return clause[: verb.start()] if verb else clause


def without_start(clause: str) -> str:
    found = _START.match(clause)
    return clause[found.end() :] if found else clause


def leads_to_box(clause: str, question: str) -> bool:
    """Whether a box behind these words is where the clause's subject is, and not a place beside it."""
    words = words_of(clause)
    if clause.rstrip().endswith("="):
        return True
    if (near := _NEAR_AT.search(" ".join(clause.casefold().split()))) and near["place"] not in question.casefold():
        return False
    left = list(words)
    while left and (
        left[-1] in GENERIC or left[-1] in PRONOUNS or (left[-1] == "of" and left[-2:-1] and left[-2] in GENERIC)
    ):
        left.pop()
    if not left:
        return True
    if left[-1] in _BEING or _GOES_TO.search(" ".join(left)) or left[-1] in _COVERING or _PLACED.match(left[-1]):
        return not _GAZE.search(clause.casefold()) and not _is_of_another(left)
    name = without_start(clause)
    return not VERB.search(name) and is_complete(name) and may_be_named(name, question)


def is_complete(clause: str) -> bool:
    """Whether a clause ends behind a thing, and not behind a word that links it to what follows: "left of"."""
    phrases = phrases_of(clause)
    return not phrases or bool(phrases[-1].words)


def _is_of_another(words: list[str]) -> bool:
    """Whether the last place is that of the thing right before it: "is on a bench located at"."""
    place = next((k for k in range(len(words) - 1, 0, -1) if _ATTACHED.match(words[k])), 0)
    said_before = " ".join(words[:place])
    return bool(place) and words[place - 1] not in _BEFORE_ATTACHED and VERB.search(said_before) is not None
