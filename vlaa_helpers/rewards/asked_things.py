"""What a question asks for: the clause that asks, the noun phrase behind "how many", the negation that goes with it."""

import re
from functools import lru_cache

from .hedges import is_negated
from .neutral_words import ANY_THING, question_words, words_of

_ASKED = re.compile(
    r"\b(?:how many|number of)\s+(?:of\s+)?(?:(?:the|these|those|all)\s+)?(?:\d+\s+)?([^?!;:]*)", re.IGNORECASE
)
_COMPARED = re.compile(
    r"\bhow many (?:more|fewer|less)\b|\b(?:sum|difference) (?:of|between) the number\b", re.IGNORECASE
)
_VERB = r"(?:\b(?:are|is|was|were|do|does|did|can|will|have|has|had)\s+)?"
_NEGATED_REST = re.compile(rf"{_VERB}\b(?:not|without|never|no)\b.*|\b\w+n['’]t\b.*", re.IGNORECASE)
_CLAUSE = re.compile(
    r"\b(?:what(?:['’]s| is| are| was| will be)?|find|calculate|determine|compute|work out|how)\b(.*?)"
    r"(?=[.?!;,]|\b(?:if|when|where|given|with|such|that|which|whose|so|because)\b|$)",
    re.IGNORECASE | re.DOTALL,
)
_NUMBER_OF = re.compile(r"\bnumber of (?:(?:the|all)\s+)?([a-z]+)", re.IGNORECASE)
_SUBJECT = re.compile(r"([a-z]+)\s*(?:\bis|\bare|[:=])\s*$", re.IGNORECASE)
_PLACE = re.compile(r"\b(?:on|in|at|below|above|under|behind|near|beside|of|from) (?:the |a )?([a-z]+)")
_COPULAS = frozenset("is are was were".split())
_NONE = re.compile(r"\b(?:no|none)\b(.*)", re.IGNORECASE)
_IN_THE_PICTURE = re.compile(
    r"\bin (?:(?:the|this|that|my) )?(?:\w+ )?(?:image|picture|photo|figure|scene)\b", re.IGNORECASE
)
_OF_AN_ANSWER = frozenset(
    "answer answers option options choice choices solution solutions result results correct right image images picture "
    "pictures photo photos figure figures scene".split()
)
"""Words that, behind "no" and "none", refuse to answer: "None is right", "No answer"."""
_ENDS = frozenset(
    "are is was were do does did don't didn't aren't can could will would have has had remain remains left there exist "
    "on in at than that which who with without between from to not be and or if when after before".split()
)
"""The words that end a noun phrase."""


@lru_cache(maxsize=4096)
def asked_clause(question: str) -> str:
    """What stands behind the last "what is", "find" or "how" of a question, up to a condition; "" without one.

    >>> asked_clause("In triangle ABC, what is the length of AB, if BC = 5?")
    ' the length of AB'
    """
    found = _CLAUSE.findall(" ".join(question.split()))
    return found[-1] if found else ""


@lru_cache(maxsize=4096)
def asked_nouns(question: str) -> frozenset[str] | None:
    """The words of what is to be counted, in singular and plural; empty for a difference, None where it is not said.

    >>> nouns = asked_nouns("How many red apples are on the table?")
    >>> "apples" in nouns, "red" in nouns, "table" in nouns, asked_nouns("How many are there?")
    (True, True, False, None)
    """
    if _COMPARED.search(question):
        return frozenset()
    phrase = []
    for word in words_of(_clause(question)):
        if word in _ENDS:
            break
        phrase.append(word)
    return question_words(" ".join(phrase)) if phrase else None


def _clause(question: str) -> str:
    found = _ASKED.findall(question)
    return found[-1] if found else ""


def counts_another(before: str, after: str, question: str, neutral: frozenset[str]) -> bool:
    """Whether a number is said to count something of the question's that is not what it asks for.

    >>> counts_another("", " tables", "How many apples are on the table?", frozenset())
    True
    """
    nouns = asked_nouns(question)
    if nouns is None:
        return False
    known = question_words(question)

    def is_other(word: str, asked: frozenset[str]) -> bool:
        return word in known and word not in asked and word not in neutral

    first, second = [*words_of(after), "", ""][:2]
    if ANY_THING.isdisjoint(nouns):
        if first in _COPULAS and second not in _ENDS and is_other(second, nouns | question_words(_clause(question))):
            return True
        if is_other(first, nouns):
            return True
    subject = _SUBJECT.search(before)  # "the table is 7"
    counted = [name.casefold() for name in _NUMBER_OF.findall(before)]
    if subject and nouns.isdisjoint(words_of(before)) and subject[1].casefold() in _PLACE.findall(question.casefold()):
        counted.append(subject[1].casefold())
    if any(is_other(word, nouns) for word in counted):
        return True
    said = words_of(f"{before} ; {after}")
    return is_negated(_clause(question)) and not all(word in nouns or word in neutral for word in said)


def without_asked_negation(text: str, question: str) -> str:
    """An answer without the negated words that it repeats from the question.

    >>> without_asked_negation("3 people are not wearing hats.", "How many people are not wearing hats?")
    '3 people .'
    """
    rest = _NEGATED_REST.search(_clause(question))
    return re.sub(re.escape(rest[0].strip(" .")), "", text, flags=re.IGNORECASE) if rest else text


def refuses_to_answer(text: str, question: str) -> bool:
    """Whether "no" or "none" is said of answers or pictures, which the question does not speak of.

    >>> refuses_to_answer("None of these answers is right.", "How many dogs?"), refuses_to_answer("None.", "How many?")
    (True, False)
    """
    found = _NONE.search(_IN_THE_PICTURE.sub("", text))
    return found is not None and any(
        word in _OF_AN_ANSWER and word not in question_words(question) for word in words_of(found[1])
    )
