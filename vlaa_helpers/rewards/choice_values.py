"""Options that are values: what answers a count or an exercise is read as those verifiers read it."""

import re
from decimal import Decimal

from .digit import read_count
from .mathematics import same_values
from .options import Options
from .restatement import asking_sentence

_HOW_MANY = re.compile(r"\bhow many\b", re.IGNORECASE)
_WORD = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{4,}")
_EXERCISE = re.compile(
    r"\b(?:find|calculate|angle|triangle|circle|equation|area|perimeter|volume|length|degree|radius|diameter|side"
    r"|function|slope|probability|value of [a-z])\b|∠|△|\\angle",
    re.IGNORECASE,
)
_SAYS = re.compile(r"[^\W\d]\)?\s*=|\b(?:is|are|equals)\b")
_WORKING = re.compile(r"[\d\s.()+\-−*×·÷/^√²³π°{}=]*[+\-−*×·÷/^√²³][\d\s.()+\-−*×·÷/^√²³π°{}]*=[\d\s.√π°/]*")
"""Working in numbers alone: "90° - 25° = 65°"."""
_TERM = re.compile(r"(?<![\d.])\d+(?:\.\d+)?(?![\d.²³^])")
_LABELLED = re.compile(r"^\W*[A-Z][).:,]\s|\b(?:answer|option|choice)\b")
"""What names an option itself, and is no value."""
_OPEN_END = re.compile(r"(\b(?:is|are|equals|equal to)|=)\s*(?:\n.*)?$", re.DOTALL)
"""The end of a question that leaves its value open: "then ∠2 equals"."""
MAX_LENGTH = 1000
"""Characters of an answer; of a longer one no value is read."""


def _is_working(text: str, options: Options) -> bool:
    """Whether a text is working in numbers alone, of which none is an option: "108 / 2 = 54" is a step from 108."""
    if not _WORKING.fullmatch(text):
        return False
    terms = _TERM.findall(text.rpartition("=")[0])
    return not any(options.named_by(term) or options.named_by(f"{term}°") for term in terms)


def named_by_value(text: str, options: Options) -> str | None:
    """The letter of the option whose value an answer of working and words gives; None where it gives none.

    >>> from .options import read_options
    >>> named_by_value("a = 2 + 3, so the side is 5 cm.", read_options("Find the side a.\\nA. 5 cm\\nB. 6 cm"))
    'A'
    """
    if (
        len(text) > MAX_LENGTH
        or not options.texts
        or any(not re.search(r"[\dπ]", own) for own in options.texts.values())
    ):
        return None
    if any(_WORD.search(own) for own in options.texts.values()):
        return None
    asked = asking_sentence(options.stem)
    if _HOW_MANY.search(asked):
        count = read_count(text, options.stem)
        return options.named_by(f"{count.normalize():f}") if isinstance(count, Decimal) else None
    if not _EXERCISE.search(asked) or not (_SAYS.search(text) or _is_working(text, options)) or _LABELLED.search(text):
        return None
    stem = _OPEN_END.sub(r"\1 ( )", options.stem)
    same = same_values(options.texts.values(), text, stem)
    named = [letter for letter, own in options.texts.items() if own in same]
    return named[0] if len(named) == 1 else None
