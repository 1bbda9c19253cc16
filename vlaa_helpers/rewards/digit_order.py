"""The count of a sentence that says the question again word by word, with a number in the place of "how many"."""

import re
from decimal import Decimal
from functools import lru_cache

from .counted_things import head_of_counted, stem
from .number_words import find_numbers
from .phrases import one_writing
from .restatement import asking_sentence

_HOW_MANY = re.compile(r"\b(?:how many|(?:what is )?the number of)\b", re.IGNORECASE)
_TOKEN = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:['’][^\W\d_]+)?|[^\s\w.,]")
_LINKS = frozenset("in on at for during over of with".split())
_PRONOUNS = frozenset("he she it they".split())
_DROPPED = (
    frozenset(
        "the a an this that these those which who where is are was were be been do does did has have had there so "
        "therefore thus hence exactly only just total can could will would we i see".split()
    )
    | _PRONOUNS
)
"""Words whose place differs between a question and its answer, or that say nothing."""
MAX_SUBJECT = 4
"""Words of a subject for which "he" or "it" may stand."""


def count_in_order(text: str, question: str) -> Decimal | None:
    """The number before the counted noun of a sentence whose other words are the question's in its order; else None.

    >>> question = "In how many subjects did Ravi score more than 60 marks?"
    >>> [count_in_order(f"So {he} scored {more} than 60 marks in 3 subjects.", question)
    ...  for he, more in (("he", "more"), ("Ravi", "more"), ("Kim", "more"), ("he", "less"))]
    [Decimal('3'), Decimal('3'), None, None]
    """
    head, (kind, asked) = head_of_counted(question), _asked_in_order(question)
    if not head or len(asked) < 2:
        return None
    for start, end, value in find_numbers(text):
        noun = _noun_behind(text, end, head)
        if value is None or noun is None or _roots(text[end : noun.start()]) != kind:
            continue
        before, behind = _roots(text[:start]), _roots(text[noun.end() :])
        for said in (before + behind, behind + before):
            if said == asked or (_says_a_pronoun(text) and said in [asked[k:] for k in range(1, MAX_SUBJECT)]):
                return value
    return None


def _says_a_pronoun(text: str) -> bool:
    return not _PRONOUNS.isdisjoint(text.casefold().split())


@lru_cache(maxsize=4096)
def _asked_in_order(question: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words between "how many" and its noun, and the question's others."""
    sentence = asking_sentence(question)
    asks, head = _HOW_MANY.search(sentence), head_of_counted(question)
    noun = _noun_behind(sentence, asks.end(), head) if asks else None
    if noun is None:
        return (), ()
    before = sentence[: asks.start()].rpartition(",")[2]
    return _roots(sentence[asks.end() : noun.start()]), _roots(before) + _roots(sentence[noun.end() :].rstrip("? "))


def _noun_behind(text: str, place: int, head: str) -> re.Match | None:
    """Where the counted noun stands within four words behind a place."""
    found = list(_TOKEN.finditer(text, place))[:MAX_SUBJECT]
    return next((token for token in found if one_writing(token[0]) == head), None)


def _roots(text: str) -> tuple[str, ...]:
    """The stems of a text's words, without those that say nothing and the links next to what is cut out."""
    words = [word for word in map(str.casefold, _TOKEN.findall(text)) if word not in _DROPPED]
    while words and words[-1] in _LINKS:
        words.pop()
    while words and words[0] in _LINKS:
        words = words[1:]
    return tuple(map(stem, words))
