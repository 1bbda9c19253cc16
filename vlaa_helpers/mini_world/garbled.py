"""Responses that are no text: broken bytes and, in the mini world, words that nobody there ever writes.

Fine-tuning can break a small model so that it writes bytes at random. Accuracy then falls for a reason that has nothing
to do with reasoning, so garbled responses are counted wherever runs are compared.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache
from random import Random

from .kinds import SOURCES, Kind, get_kind
from .response_styles import HEARSAY, LOOKS, OPENINGS, SECOND_LOOKS, STYLES, UNCLEAR, respond
from .small_talk import PHRASES

GARBLED_LIMIT = 0.01
"""A run with a larger share of garbled responses is marked wherever it is shown, and not called reasoning."""

_UNUSUAL = re.compile(r"[^\t\n\r -~]")
_NO_TEXT = frozenset({"Cc", "Cn", "Co", "Cs"})
"""Unicode categories of control characters, unassigned and private-use code points, and halves of characters."""
_CUT_CHARACTER = re.compile("\ufffd{1,3}\\Z")
_PIECE = re.compile(r"[^\W\d_]+|[^\n 0-9]")
"""A run of letters, or any other character that is neither white space nor a digit."""
_SLOT = re.compile(r"\{\w+\}")
_SCENES = 180
"""Scenes of each kind that the vocabulary is read from."""


def is_garbled(text: str, source: str | None = None, *, truncated: bool = False) -> bool:
    """Whether a response is no text: it holds bytes or words that a model which knows its language does not write.

    Anywhere, what is no text is a control character other than tab and line break, U+FFFD, and a code point that is
    unassigned (in the Unicode of this Python) or for private use; any language, mathematics and emoji are text. In the
    mini world a word or sign that no question, caption, response style, teacher or planted trace can write is none
    either. A thinking that is cut short inside a word is text.

    Args:
        text: a response, its tags included.
        source: the mini-world kind that was asked about (`source_of_scene`): one of the six that come with the package
            is held to their vocabulary. A kind of your own has its own words, so it is not, as is any other source.
        truncated: whether the response was cut at the length limit: its last word or character may then be half of one.

    >>> is_garbled("Okay, 2 + 1 = 3.", "blocks"), is_garbled("Okay, zwei plus eins.", "blocks"), is_garbled("好 🙂")
    (False, True, False)
    """
    if truncated:
        text = _CUT_CHARACTER.sub("", text)
    if any(sign == "\ufffd" or unicodedata.category(sign) in _NO_TEXT for sign in _UNUSUAL.findall(text)):
        return True
    return source in SOURCES and not _is_in_vocabulary(text, truncated)


def _is_in_vocabulary(text: str, truncated: bool) -> bool:
    known = vocabulary()
    for match in _PIECE.finditer(text):
        word = match[0].lower()
        if word in known:
            continue
        is_cut = text.startswith("</think>", match.end()) or (truncated and match.end() == len(text))
        if not (is_cut and any(other.startswith(word) for other in known)):
            return False
    return True


@cache
def vocabulary() -> frozenset[str]:
    """All words (in small letters) and signs of the package's own kinds, read from what is written about scenes."""
    phrases = [*OPENINGS, *LOOKS, *HEARSAY, *SECOND_LOOKS, UNCLEAR, *_phrases_of(PHRASES.values())]
    texts = [_SLOT.sub(" ", phrase) for phrase in phrases]
    for source in SOURCES:
        texts += _texts_about(get_kind(source))
    return frozenset(word.lower() for text in texts for word in _PIECE.findall(text))


def _phrases_of(banks: Iterable) -> Iterator[str]:
    return (phrase for bank in banks for phrases in bank.values() for phrase in phrases)


def _texts_about(kind: Kind) -> Iterator[str]:
    """Questions, descriptions, responses and planted phrases about some scenes of a kind."""
    yield kind.topic
    for phrase in _phrases_of(kind.phrases.values()):
        yield _SLOT.sub(" ", phrase)
    for scene in range(_SCENES):
        rng, difficulty, shifted = Random(f"vocabulary/{kind.name}/{scene}"), scene % 3, scene % 2 == 1
        facts = kind.sample(rng, difficulty, shifted)
        ask = kind.ask(rng, facts, difficulty)
        yield f"Someone says: {kind.words(facts)} {ask.text}"
        for style in STYLES:
            yield respond(kind.name, facts, ask.task, rng, style=style)
        look, steps, checks = kind.tell(lambda _, **slots: " ".join(map(str, slots.values())), facts, ask.task)
        yield " ".join((look, *steps, *checks))
