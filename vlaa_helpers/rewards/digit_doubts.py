"""What weakens the count of an answer of several clauses: doubts, bounds, denials and conditions."""

import re
from decimal import Decimal
from functools import lru_cache

from .asked_things import counted_clause
from .counted_things import head_of_counted
from .neutral_words import words_of
from .number_words import SMALL_NUMBER, find_numbers
from .phrases import one_writing
from .question_steps import kinds_of_change, without_steps

_DOUBT = re.compile(
    r"\b(?:not sure|unsure|uncertain|certain|(?-i:may)|maybe|perhaps|might|could be|possibl[ey]|probabl[ey]|likely"
    r"|unlikely"
    r"|guess\w*|assum\w+|suppos\w+|wait|actually|oops|hmm|correction|corrected|mistak\w+|wrong|incorrect\w*|errors?"
    r"|false|ignor\w+|instruction\w*|rewards?|grader|lie|joke|doubt\w*|unless|if only|unclear|cannot|can['’]t"
    r"|could(?:n['’]t| not)|unable|impossible|difficult|hard to|depend\w*|alternativ\w+|otherwise|either|instead"
    r"|opposite|recount\w*|sorry|double[- ]check\w*|should|hidden|blurr\w+|too (?:many|few)|as well(?! as)|too)\b"
    r"|\bno[,.!]|\bwhat if\b|(?:^|[.;:!\n,])\s*or\b",
    re.IGNORECASE,
)
"""Words that take back or weaken an answer, wherever they stand."""
_BOUND = re.compile(
    rf"\b(?:not|never|no|n['’]t|about|around|approximately|roughly|nearly|almost|at least|at most"
    rf"|(?<!add )(?<!adds )up to|over|under|between|(?:more|less|fewer) than|or)"
    rf"\s+(?:a |the |only |exactly )?{SMALL_NUMBER}"
    rf"|n['’]t (?:be |any )?{SMALL_NUMBER}|[~≈<>≤≥±]\s*{SMALL_NUMBER}",
    re.IGNORECASE,
)
_RANGE = re.compile(
    rf"({SMALL_NUMBER} (?!or\b|and\b|to\b)[a-z]+ [a-z]+ )between {SMALL_NUMBER} (?:and|to) {SMALL_NUMBER}",
    re.IGNORECASE,
)
"""What the values of counted things lie between: "6 students scored between 81 and 90"."""
_BUT = re.compile(rf"\bbut (?![^.;]*(?:{SMALL_NUMBER}|\b(?:no|only)\b))", re.IGNORECASE)
_MORE = re.compile(rf"{SMALL_NUMBER}\s+more\b", re.IGNORECASE)
_DENIED = re.compile(r"\b(?:not|no|never|none)\b|n['’]t\b", re.IGNORECASE)
_OF_THEM = re.compile(r"\s*(?:and )?(?:they|these|both|all of them|all are|it is)\b", re.IGNORECASE)
_OPPOSITES = tuple(
    tuple(pair.split())
    for pair in ("left right", "above below", "behind front", "top bottom", "inside outside", "sitting standing")
)
_COLOURS = frozenset("red green blue yellow purple orange brown gray grey cyan pink black white gold".split())
_OF_ANSWERS = re.compile(r"\b(?:answer|count|number|total|result|correct|right|true|that|this|they)\b", re.IGNORECASE)
_CONDITION = re.compile(r"\b(?:if|when|once|until|before)\b", re.IGNORECASE)


def is_doubtful(text: str, question: str = "") -> bool:
    """Whether a text takes back or weakens what it says, wherever that stands, in words that are not the question's.

    >>> is_doubtful("There are 3 cubes. Wait, one is a ball."), is_doubtful("There are 3 cubes, but no balls.")
    (True, False)
    """
    asked = question.casefold()
    return _BUT.search(text) is not None or any(
        not found[0].isalpha() or found[0].casefold() not in asked for found in _DOUBT.finditer(text)
    )


def is_denied(text: str) -> bool:
    """Whether a text denies something."""
    return _DENIED.search(text) is not None


def contradicts(text: str, question: str) -> bool:
    """Whether a clause says of "them" the opposite side, or another colour, than what is counted has.

    >>> contradicts("They are on the right side.", "How many cubes are left of the ball?")
    True
    """
    if not _OF_THEM.match(text):
        return False
    counted, head = words_of(counted_clause(question)), head_of_counted(question)
    said, asked = set(words_of(text)), set(counted)
    colours = set(counted[: [*map(one_writing, counted), head].index(head)]) & _COLOURS
    if colours and said & _COLOURS and not said & colours:
        return True
    return any(
        one in asked and other in said and one not in said and other not in asked
        for pair in _OPPOSITES
        for one, other in (pair, pair[::-1])
    )


def takes_back(text: str, question: str) -> bool:
    """Whether a clause bounds or denies a number, speaks of an answer that is not, adds to one, or sets a condition.

    Bounds and conditions that say again the question's are none.
    """
    text = _RANGE.sub(r"\1", text)
    return bool(
        any(_number_in(found[0]) not in _numbers_of(question) for found in _BOUND.finditer(text))
        or (_DENIED.search(text) and _OF_ANSWERS.search(text))
        or (_MORE.search(text) and not kinds_of_change(question))
        or _CONDITION.search(without_steps(text, question))
    )


def _number_in(text: str) -> Decimal | None:
    return next((number for _, _, number in find_numbers(text)), None)


@lru_cache(maxsize=4096)
def _numbers_of(question: str) -> frozenset[Decimal]:
    return frozenset(number for _, _, number in find_numbers(question) if number is not None)
