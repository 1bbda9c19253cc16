"""What a question changes before it counts, "Subtract all balls", and whether a clause of an answer says that again."""

import re
from functools import lru_cache

from .asked_things import counted_clause
from .neutral_words import ANY_THING, SAYING, THINGS, question_words, words_of
from .number_words import find_numbers
from .phrases import one_writing

_TAKING = frozenset(
    "subtract subtracting subtracted remove removing removed take taking taken removal subtraction subtractions".split()
)
_ADDING = frozenset("add adding added addition".split())
_COUNTING = frozenset("count counting counted".split())
CHANGING = _TAKING | _ADDING | _COUNTING
"""Words that change what is counted, or count it."""
_BESIDE = SAYING | frozenset(
    "given mentioned specified all away every each more both you they them those these it out up other only "
    "from".split()
)
_GIVEN = frozenset("given mentioned specified those these".split())
_SHAPES = frozenset("cube block sphere ball cylinder".split())
_NAMED = _GIVEN | frozenset("them both it more removal addition subtraction subtractions".split())
_CLAUSE = re.compile(r"[.?!;,]|\b(?:if|when|after|once)\b", re.IGNORECASE)
_CONDITION = re.compile(r"\b(?:if|when|after|once)\b([^.?!;,]*)", re.IGNORECASE)
_FROM = re.compile(r"\b(?:from|to)\b", re.IGNORECASE)
_STEP = re.compile(
    r"\b(?:after|once|when|if)\b(?P<if>[^,.;:]*?)(?:,|\.?$|(?=\s(?:is|are|equals)\s+\d))"
    r"|^(?:by )?(?P<doing>(?:subtracting|removing|taking|adding|counting)\b[^,.;:]*?)"
    r"(?:,(?: (?:this|that|it|which) (?:leaves|gives|makes))?|\b(?:leaves|gives|makes|yields|results in)\b)"
    r"(?: us)?(?: with)?",
    re.IGNORECASE,
)
_LEAVES = re.compile(
    r"(?:^|(?<=\s))(?:(?:this|that|which|it) )?(?:leaves|leaving)(?: us)?(?: with)?(?= \w)", re.IGNORECASE
)


def kinds_of_change(text: str) -> set[str]:
    """ "take", "add" or both, where a text takes things away or adds some.

    >>> kinds_of_change("Subtract all balls. How many objects are left?")
    {'take'}
    """
    words = set(words_of(text))
    return {kind for kind, verbs in (("take", _TAKING), ("add", _ADDING)) if verbs & words}


@lru_cache(maxsize=4096)
def things_changed(question: str, kind: str = "") -> tuple[frozenset[str], ...]:
    """The words for the things that a question takes away or adds, a set for each change.

    >>> [sorted(things) for things in things_changed("Subtract all big balls. How many objects are left?")]
    [['ball', 'big']]
    """
    found = []
    for clause in _CLAUSE.split(question):
        kinds = kinds_of_change(clause)
        if kinds and "how many" not in clause.casefold() and (not kind or kind in kinds):
            found.append(frozenset(one_writing(word) for word in words_of(clause) if word not in _BESIDE | CHANGING))
    return tuple(found)


def without_steps(text: str, question: str) -> str:
    """A text without the clauses that say again what the question changes: "after removing 3 balls".

    >>> without_steps("After removing 3 balls, 5 are left", "Remove all balls. How many objects are left?").strip()
    '5 are left'
    """
    return _LEAVES.sub(" ", _STEP.sub(lambda step: " " if _is_of_question(step, question) else step[0], text)).strip()


def _is_of_question(step: re.Match, question: str) -> bool:
    said = step["if"] if step["if"] is not None else step["doing"]
    words = words_of(said)
    if not words:
        return False
    if any(_content(said) == _content(condition) for condition in _CONDITION.findall(question)):
        return True
    changed, *origin = _FROM.split(said, maxsplit=1)
    if origin and not (question_words(question) | THINGS | SAYING | {"all"}).issuperset(words_of(origin[0])):
        return False
    rest = {one_writing(word) for word in words_of(changed) if word not in _BESIDE | CHANGING}
    if not _GIVEN.isdisjoint(words):  # "the given objects"
        rest -= {one_writing(word) for word in ANY_THING}
    if kinds := kinds_of_change(changed):
        things = things_changed(question)
        numbers = {number for _, _, number in find_numbers(changed)}
        is_named = bool(rest or numbers) or not _NAMED.isdisjoint(words)
        return (
            kinds <= kinds_of_change(question)
            and is_named
            and _are_of(rest, things)
            and _same_numbers(changed, question)
        )
    counted = {one_writing(word) for word in question_words(counted_clause(question))}
    return not _COUNTING.isdisjoint(words) and bool(rest) and rest <= counted


def _content(text: str) -> list[str]:
    return [one_writing(word) for word in words_of(text) if word not in _BESIDE] + [
        str(number) for _, _, number in find_numbers(text)
    ]


def _are_of(rest: set[str], things: tuple[frozenset[str], ...]) -> bool:
    """Whether the words are of those that the question changes."""
    if any(not ANY_THING.isdisjoint(change) for change in things):  # "things": of any shape
        rest = rest - _SHAPES
    return bool(things) and rest <= frozenset().union(*things)


def _same_numbers(said: str, question: str) -> bool:
    """Whether the numbers of a change are the question's, where it says how many are changed."""
    asked = {
        number
        for clause in _CLAUSE.split(question)
        if kinds_of_change(clause) and "how many" not in clause.casefold()
        for _, _, number in find_numbers(clause)
    }
    return not asked or {number for _, _, number in find_numbers(said)} <= asked
