r"""Sentences in the wording that the other readers know: "is found to be" as "is", "the square root of 5" as \sqrt{5}."""

import re

from .neutral_words import SAYING, question_words, words_of

_DONE = (
    r"found|calculated|computed|determined|obtained|given|written|known|expressed|measured|simplified|evaluated|derived"
    r"|represented|read"
)
_COPULA = re.compile(
    r"\b(?:(?:measures|becomes|simplifies to|reduces to|evaluates to|amounts to|comes (?:out )?to(?: be)?|works out to(?: be)?"
    r"|turns out to be|adds up to|is (?:now )?equals?(?: to)?|(?:must|should|will|would) be|equals to)"
    rf"|(?:is|are|was|were|has been|have been|can be|could be|may be) (?:{_DONE})(?: to be| to| as| by)"
    r"|(?:is|are) (?:therefore|thus|then|hence|simply|also|indeed|just|equally|each|both)"
    r"|was|were|equal(?: to)?(?= \$?[-+\d\\]))(?![\w-])",
    re.IGNORECASE,
)
_ROOT = re.compile(r"\b(?:the )?(square|cube) root of (\d+(?:\.\d+)?|\\pi)(?!\s*[-+*/^\w(])", re.IGNORECASE)
_TIMES = re.compile(r"(?<=\d) times (?=\d|\\|π|pi\b)", re.IGNORECASE)
_CHANGES = {
    "increase": re.compile(r"\b(?:has |have )?(?:increased|risen|rose|grew|grown) by\b"),
    "decrease": re.compile(r"\b(?:has |have )?(?:decreased|fallen|fell|dropped|declined) by\b"),
}
_HOLDS = re.compile(r"([^=<>≤≥\\\d]*?) (?:when|for|where|if)\s+(?=\$?-?[\d.a-z]+\s*(?:[<>≤≥]|\\[lg]))", re.IGNORECASE)
_SHAPE_SIGNS = str.maketrans({"△": r"\triangle ", "∥": r"\parallel ", "⊥": r"\perp "})
_GIVEN = re.compile(
    r",?\s*\b(?:in|from|on|at|for|between|when|if|with|after) (?=[^.,;:=]*\d)[^.,;:=]*?\d++(?![\w%°]|\.\d|\s[%°])",
    re.IGNORECASE,
)


def in_known_words(text: str, question: str) -> str:
    r"""A text in which verbs that only say "is" are "is", roots in words are signs, and the question's givens are left out.

    >>> in_known_words("The angle is found to be 5°", ""), in_known_words("5 times the square root of 2", "")
    ('The angle is 5°', '5\\sqrt{2}')
    """
    text = _ROOT.sub(lambda root: rf"\sqrt{'[3]' if root[1].casefold() == 'cube' else ''}{{{root[2]}}}", text)
    text = _TIMES.sub("*", text).replace(r"*\sqrt", r"\sqrt") if " times " in text else text
    for asked, verbs in _CHANGES.items():
        text = verbs.sub("is", text) if asked in question else text
    holds = _HOLDS.match(text)
    if holds and question_words(question).union(SAYING).issuperset(words_of(holds[1])):
        text = text[holds.end() :]
    return without_givens(_COPULA.sub("is", text.translate(_SHAPE_SIGNS)), question)


def without_givens(text: str, question: str) -> str:
    """A text without what it says in the question's very words, where that has a number: "in 2019", "when x = 2".

    >>> without_givens("The revenue in 2019 is 5", "What was the revenue in 2019?")
    'The revenue is 5'
    """
    if not question:
        return text
    plain = " ".join(question.casefold().split())
    return _GIVEN.sub(lambda given: "" if given[0].strip(" ,").casefold() in plain else given[0], text)
