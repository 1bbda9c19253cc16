"""What stands beside a box in JSON: its label, which names the thing that is asked for, and notes on that."""

import re

from .box_names import may_be_named
from .box_questions import asked_thing
from .hedges import is_negated
from .neutral_words import LOOKS, words_of

_ORDINAL = re.compile(r"\b\d+(?:st|nd|rd|th)?\b")


def may_be_its_label(label: str, question: str) -> bool:
    """Whether a box with this label is the one asked for.

    Without a question it may be any one word, such as "cup 3".
    """
    label = label.replace("_", " ")
    if question:
        has_number = _ORDINAL.search(asked_thing(question)) is not None
        return may_be_named(label if has_number else _ORDINAL.sub("", label), question)
    label = _ORDINAL.sub("", label)
    words = words_of(label)
    return len(words) < 2 and not is_negated(label) and words not in (["none"], ["nothing"])


def may_be_noted(text: str, question: str) -> bool:
    """Whether a note may stand beside a label: it has no other colour or size than the question.

    >>> may_be_noted("white", "Where is the black cat?"), may_be_noted("sleeping", "Where is the black cat?")
    (False, True)
    """
    return _looks_alike(text, asked_thing(question))


def _looks_alike(text: str, thing: str) -> bool:
    """Whether a text has no colours or sizes besides those of the thing, where that has some."""
    said, asked = LOOKS.intersection(words_of(text)), LOOKS.intersection(words_of(thing))
    return not asked or asked.issuperset(said)
