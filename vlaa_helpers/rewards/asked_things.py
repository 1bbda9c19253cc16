"""What a question asks to be counted: the noun phrase behind "how many", and the negation that goes with it."""

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
_NUMBER_OF = re.compile(r"\bnumber of (?:(?:the|all)\s+)?([a-z]+)", re.IGNORECASE)
_ENDS = frozenset(
    "are is was were do does did don't didn't aren't can could will would have has had remain remains left there exist "
    "on in at than that which who with without between from to not be and or if when after before".split()
)
"""The words that end a noun phrase."""


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
    counted = words_of(after)[:1] if ANY_THING.isdisjoint(nouns) else []
    counted += [name.casefold() for name in _NUMBER_OF.findall(before)]
    known = question_words(question)
    if any(word in known and word not in nouns and word not in neutral for word in counted):
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
