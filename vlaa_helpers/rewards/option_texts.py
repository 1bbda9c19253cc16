"""Where a text has an option's text: as the question writes it, shortened, or in another form of its words."""

import re
from functools import lru_cache

from .neutral_words import question_words

_OPENS = frozenset("a an the it they this that its is are was were would be been to there he she".split())
"""Words with which an option may open that say nothing of it: "It rises", "To show the error"."""
_LINK = re.compile(r"\s+(?=(?:as|with|in|of|on|for|at|by|during|when|over|between|than|from)\s)")
_WORD = re.compile(r"[^\W\d_]{5,}")
_ENDING = re.compile(r"(?:ing|ed|es|s|e)$")
_ALIKE = r"(?:e|es|s|ed|ing)?"
_IN_Y = re.compile(r"(?:y|ies|ied|ying)$")
_ALIKE_IN_Y = r"(?:y|ies|ied|ying)"
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_SHORT_NUMBER = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?) ?(k|thousand|m|million|bn|billion)(?![\w²³^/])", re.IGNORECASE)
_BRACKET = re.compile(r"(?<!\bon)(?<!\bin)(?<!\bat)\s+\((?=[^()]*[a-z]{3})[^()]*\)$")
_POWERS = {"k": 3, "thousand": 3, "m": 6, "million": 6, "bn": 9, "billion": 9}


def cores(texts: dict[str, str], stem: str) -> dict[str, str]:
    """Each option's text without what it shares with the question; those that share some.

    >>> cores({"A": "it rises with heat", "B": "it falls with heat"}, "How does heat change the ratio?")
    {'A': 'rises', 'B': 'falls'}
    """
    known = question_words(stem) | _OPENS
    found = {}
    for letter, text in texts.items():
        words = text.split()
        while len(words) > 1 and words[0] in _OPENS:
            words = words[1:]
        core = " ".join(words)
        for link in _LINK.finditer(core):
            if known.issuperset(core[link.end() :].split()[1:]):
                core = core[: link.start()]
                break
        if core != text and len(core) > 1 and not core[:1].isdigit():
            found[letter] = core
    return found


def without_bracket(texts: dict[str, str]) -> dict[str, str]:
    """Each option's text without a bracket at its end: "group 2 (blue)"; those that have one."""
    cut = {letter: _BRACKET.sub("", text) for letter, text in texts.items()}
    return {letter: text for letter, text in cut.items() if text and text != texts[letter]}


def in_full_each(texts: dict[str, str]) -> dict[str, str]:
    """Each option's text with its numbers in full, of those that are numbers."""
    return {letter: in_full(text) for letter, text in texts.items() if text and in_full(text) != text}


def in_full(text: str) -> str:
    """A text with its short numbers in full: "200k", "0.2 million" and "200,000" are "200000"."""
    return _SHORT_NUMBER.sub(_as_whole, _THOUSANDS.sub("", text))


def _as_whole(found: re.Match) -> str:
    value = round(float(found[1]) * 10 ** _POWERS[found[2].casefold()], 6)
    return f"{value:.0f}" if value == round(value) else found[0]


@lru_cache(maxsize=4096)
def any_of(texts: frozenset[str]) -> re.Pattern:
    """Any of the texts, the longest that fits, not inside a longer word or number; an article before it."""
    longest_first = sorted(texts, key=len, reverse=True)
    return re.compile(rf"(?<![\w.,-])(?:an? )??({'|'.join(map(inflected, longest_first))})(?!\w|[.,/]\d)")


@lru_cache(maxsize=4096)
def inflected(text: str) -> str:
    """A pattern of a text whose longer words may have another ending: "increasing" for "increases"."""
    pattern, end = "", 0
    for word in _WORD.finditer(text):
        is_in_y = _IN_Y.search(word[0])
        root = (_IN_Y if is_in_y else _ENDING).sub("", word[0])
        pattern += re.escape(text[end : word.start()])
        pattern += re.escape(root) + (_ALIKE_IN_Y if is_in_y else _ALIKE) if len(root) > 3 else re.escape(word[0])
        end = word.end()
    return pattern + re.escape(text[end:])
