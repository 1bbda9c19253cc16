"""Answers of the counterpart of what is asked for: "girls to boys", the x-axis, the tree for the tower."""

import re
from functools import lru_cache

from .asked_things import asked_clause
from .neutral_words import SAYING, question_words, words_of
from .phrases import one_writing

COMPARED = re.compile(r"\bhow much (?:\w+er|more|less) (?:is|are) (.+?) than ", re.IGNORECASE)
_HOW_MUCH_MORE = re.compile(r"\bhow (?:many|much) (?:more|fewer|less)\b", re.IGNORECASE)
_MORE = re.compile(r"\b(?:more|fewer|less|difference|minus|than|extra)\b|\d\s*[-−–]\s*\d|[:=]", re.IGNORECASE)
_NAME = re.compile(r"(?<=[a-z] )[A-Z][a-z]+\b")
_AXIS = re.compile(r"\b([xyz])[-‑ ](?:axis|intercept|coordinate|value)", re.IGNORECASE)
_JOINED = re.compile(r"\b([a-z]{3,}) (?:and|or) (?:\d+ )?(?=([a-z]{3,}))", re.IGNORECASE)
_RATIO_OF = re.compile(
    r"\bratio of (?:the )?([^=:]+?) to (?:the )?([^=:.?]+?)(?=\s+(?:is|are)\b|\s*[=:.?]|$)", re.IGNORECASE
)
_RATIO = re.compile(r"\W*(?:the )?([a-z]{3,})(?:\s*:\s*| to )(?:the )?([a-z]{3,})\s*(?:=|is\b|:)", re.IGNORECASE)
_WHERE = re.compile(r"\b(?:in|if|for|when|where|on|at)\b", re.IGNORECASE)
_OPPOSITES = tuple(
    tuple(pair.split("/"))
    for pair in (
        "new/old small/large small/big smaller/larger short/long shorter/longer inner/outer interior/exterior "
        "upper/lower top/bottom left/right first/second first/last shaded/unshaded maximum/minimum highest/lowest "
        "largest/smallest longest/shortest increase/decrease before/after domain/range row/column odd/even "
        "positive/negative horizontal/vertical inscribed/circumscribed red/blue hour/minute numerator/denominator"
    ).split()
)
_SHAPES = frozenset(
    "triangle rectangle square circle sector trapezoid trapezium parallelogram rhombus quadrilateral kite pentagon "
    "hexagon octagon cube cone cylinder prism pyramid sphere".split()
)
_OWNED = r"(?:height|length|width|weight|mass|price|cost|speed|age)"
_OWNER = re.compile(rf"\b{_OWNED} of (?:the |an? )?([a-z]{{3,}})\b|\b([a-z]{{3,}})['’]s {_OWNED}\b", re.IGNORECASE)
_PART_ASKED = re.compile(r"\b(?:area|perimeter) of (?:the |this )?(?:shaded )?(?:region|part|sector|segment)\b", re.I)
_OF_A_SHAPE = re.compile(
    rf"^(?:so |and )?the (?:area|perimeter) of (?:the |this )?({'|'.join(_SHAPES - {'sector'})})s?\b", re.IGNORECASE
)
"""The whole, where a part of it is asked for: "The area of the circle" for that of the shaded sector."""
_SUBJECT = re.compile(
    r"^(?:so |and )?(?:the |this |that )?([a-z][^=\d]*?)\s+(?:is|are|has|have|equals?)\s", re.IGNORECASE
)
_BEHIND_A_NOUN = re.compile(r"\b(?:of|in|on|at|from)\b")
_CAPITALS = re.compile(r"\\?\b[A-Z]+\b|\\[a-z]+")
_KIND = re.compile(
    r"\b([a-z]+) (area|volume|length|width|height|speed|price|number|angle|side|value|cost|mean|temperature|score)\b",
    re.I,
)
_DISTANCE = re.compile(
    r"\bdistance (?:from|between) (?:the )?(?:points? )?\$?([A-Z]+)\$? (?:to|and) (?:the )?(?:line )?\$?([A-Z]+)\b"
)
_PREDICATE = re.compile(r"\b(?:is|are) ([a-z]{3,})[.?]?$", re.IGNORECASE)
_DERIVED = re.compile(r"\b(?:difference|sum|ratio|product|quotient|minus|plus)\b", re.IGNORECASE)
_PRONOUN = re.compile(r"\b(?:it|its|they|their|them|he|she|his|her|this|that|these|those|each|one)\b", re.IGNORECASE)
_CURRENCIES = frozenset("euro euros yen rupee rupees".split())
_LOOSE = SAYING | frozenset(
    "value values measure size length number total amount result sum expression equation function formula curve graph "
    "line degree degrees final equal of by for to at on from with and each both".split()
)
"""Words that may be said of anything."""


def is_contrasted(answer: str, question: str) -> bool:
    """Whether an answer speaks of the counterpart of what is asked for, or of another thing of the question.

    >>> [is_contrasted(f"The {thing} is 5 m tall.", "A tree is 6 m tall. How tall is the tower?")
    ...  for thing in ("tree", "tower")]
    [True, False]
    """
    asked, said = set(words_of(asked_clause(question))), set(words_of(answer))
    pairs = [*_OPPOSITES, *((found[1].casefold(), found[2].casefold()) for found in _JOINED.finditer(question))]
    for pair in pairs:
        for one, other in (pair, pair[::-1]):
            if one in said and other not in said and other in asked and one not in asked:
                return True
    if _HOW_MUCH_MORE.search(question) and not _MORE.search(answer):
        if any(name in answer for name in _NAME.findall(question)):
            return True  # "Anna read 6 books", where it asks how many more she read than Tom
    if re.search(r"\$\d", question) and any(word in said for word in _CURRENCIES - set(words_of(question))):
        return True
    if "$" in question and "cent" not in question and re.search(r"\bcents?\b", answer):
        return True
    return (
        _is_of_another_ratio(answer, question)
        or _is_of_another_axis(answer, question)
        or _is_one_of_compared(answer, question)
        or _is_another_distance(answer, question)
        or _is_of_another_predicate(answer, question)
        or _is_of_another_kind(answer, question)
        or _is_part_of_what_is_asked(answer, question)
        or _is_another_thing(answer, question)
        or _is_given(answer, question)
    )


def _is_of_another_ratio(answer: str, question: str) -> bool:
    """Whether an answer turns a ratio round: "girls to boys" for "the ratio of boys to girls"."""
    asked, said = _RATIO_OF.search(question), _RATIO_OF.search(answer) or _RATIO.match(answer)
    if not asked or not said:
        return False
    (first, second), (one, two) = (
        [set(words_of(_WHERE.split(part)[0])) for part in found.groups()] for found in (asked, said)
    )
    first, second = first - second, second - first
    return bool(one & second and two & first) and not (one & first or two & second)


def _is_of_another_axis(answer: str, question: str) -> bool:
    asked = {found[1].casefold() for found in _AXIS.finditer(asked_clause(question))}
    said = {found[1].casefold() for found in _AXIS.finditer(answer)}
    return bool(asked and said) and asked.isdisjoint(said)


def _is_one_of_compared(answer: str, question: str) -> bool:
    """Whether an answer gives the one of two things whose difference is asked for."""
    compared = COMPARED.search(question)
    return compared is not None and re.match(rf"{re.escape(compared[1])}\s*(?:is|=)", answer, re.I) is not None


def _is_another_distance(answer: str, question: str) -> bool:
    """Whether an answer gives the distance from A to D where the one from D to AC is asked for."""
    asked, said = _DISTANCE.search(asked_clause(question)), _DISTANCE.search(answer)
    return bool(asked and said) and {asked[1], asked[2]} != {said[1], said[2]}


def _is_of_another_predicate(answer: str, question: str) -> bool:
    """Whether an answer says "are rotten" where the question asks how many are good."""
    asked, said = _PREDICATE.search(asked_clause(question)), _PREDICATE.search(answer)
    if not asked or not said or asked[1].casefold() == said[1].casefold():
        return False
    return said[1].casefold() in question_words(question)


def _is_of_another_kind(answer: str, question: str) -> bool:
    """Whether a quantity has another word before it than in the question: "the total area" for "the lateral area"."""
    asked, said = _kinds(asked_clause(question)), _kinds(answer)
    return any(kinds.isdisjoint(asked[name]) for name, kinds in said.items() if name in asked)


def _kinds(text: str) -> dict[str, set[str]]:
    found = {}
    for kind in _KIND.finditer(text):
        if kind[1].casefold() not in SAYING and len(kind[1]) > 2:
            found.setdefault(kind[2].casefold(), set()).add(kind[1].casefold())
    return found


def _is_part_of_what_is_asked(answer: str, question: str) -> bool:
    """Whether an answer gives one of the two values whose difference or sum is asked for: "The lowest sales are 5"."""
    found, clause = _SUBJECT.match(answer), asked_clause(question)
    if not found or not _DERIVED.search(clause) or _DERIVED.search(found[1]):
        return False
    return bool(_things(found[1]) & _things(clause)) and not _PRONOUN.search(found[1])


def _is_another_thing(answer: str, question: str) -> bool:
    """Whether the subject of a sentence is a thing of the question, and not the one asked for; or another shape."""
    found = _SUBJECT.match(answer)
    said, asked = _things(found[1]) if found else frozenset(), _things(asked_clause(question))
    if _PART_ASKED.search(asked_clause(question)) and _OF_A_SHAPE.search(answer):
        return True
    owner, other = _OWNER.search(asked_clause(question)), _OWNER.search(answer)
    if owner and other:
        thing = one_writing((other[1] or other[2]).casefold())
        if thing not in asked and thing in map(one_writing, question_words(question)):
            return True
    shapes = {one_writing(word) for word in words_of(question)} & _SHAPES
    if said & _SHAPES and shapes and not said & shapes and "quadrilateral" not in shapes:
        return True  # the circle, where the question speaks of a square
    if not said or not asked:
        return False
    if said & _SHAPES and asked & _SHAPES and not said & asked & _SHAPES:
        return True
    if said & asked or _PRONOUN.search(asked_clause(question)):
        return False
    return bool(said & {one_writing(word) for word in question_words(question)})


def _is_given(answer: str, question: str) -> bool:
    """Whether the subject of a sentence is a thing whose value the question gives: "Its foot is 6 m from the wall"."""
    found = _SUBJECT.match(answer)
    words = words_of(_BEHIND_A_NOUN.split(found[1])[0]) if found else []
    if not words or len(words[-1]) < 3 or words[-1] in words_of(asked_clause(question)):
        return False
    return re.search(rf"\bits {re.escape(words[-1])} (?:is|are|was) \$?\d", question, re.IGNORECASE) is not None


@lru_cache(maxsize=4096)
def _things(text: str) -> frozenset[str]:
    words = words_of(_CAPITALS.sub(" ", text))
    return frozenset(one_writing(word) for word in words if len(word) > 2 and word not in _LOOSE)
