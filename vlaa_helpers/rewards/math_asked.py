"""The unit that a question asks for: "in m/s", "(in cm²)", "How many minutes", "Convert 2 h to minutes"."""

import re
from functools import lru_cache

from .math_units import split_unit
from .restatement import asking_sentence

_POWERS = str.maketrans({"²": "^2", "³": "^3"})
_DEGREE_SIGN = re.compile(r"°\s*([CF]?)(?![A-Za-z])")
# what may follow: up to four words, of which the first ones must be a unit
_PLACE = re.compile(
    r"(\(in |\(|\bin |\bhow many |\b(?:convert|change|express)\b[^?]*? (?:to|into) )(?=(\S+(?: \S+){0,3}))",
    re.IGNORECASE,
)
_PERCENT = re.compile(
    r"\b(?:what|which|how many|in|as a|find the|calculate the)\s+per\s?cent(?:age)?\b|\(%\)|\bin %", re.I
)
_ENDS = re.compile(r"[?,;:!)].*|\.(?=\s|$).*", re.DOTALL)
_LETTERS = frozenset("msghL")
"""Units of one letter that a question may ask for; another letter is a name ("in A")."""


@lru_cache(maxsize=4096)
def asked_unit(question: str) -> str | None:
    """The unit in one writing, as `split_unit` gives it, or None where the question asks for none that is known.

    >>> asked_unit("What is the speed in m/s?"), asked_unit("How far (in km)?"), asked_unit("How many dogs in A?")
    ('m/s', 'km', None)
    """
    names = {"C": " celsius", "F": " fahrenheit", "": " degrees"}
    text = _DEGREE_SIGN.sub(lambda sign: names[sign[1]], question.translate(_POWERS).replace("$", ""))
    for place in _places(text):
        words = _ENDS.sub("", place[2]).split(" ")
        for count in range(len(words), 0, -1):
            written = " ".join(words[:count])
            is_closed = place[1] != "(" or place[2][len(written) :].startswith(")")
            unit = split_unit(f"1 {written}")[1]
            if unit and is_closed and (len(written) > 1 or (written in _LETTERS and place[1] != "(")):
                return unit
    return None


def _places(text: str) -> list[re.Match]:
    """Where a unit may be asked for, those of the sentence that asks first; no "in 2.5 hours"."""
    found = [place for part in (asking_sentence(text), text) for place in _PLACE.finditer(" ".join(part.split()))]
    return [place for place in found if not place[2][0].isdigit()]


def asks_for_percent(question: str) -> bool:
    """Whether a number alone is one of percent.

    >>> asks_for_percent("What percentage passed?"), asks_for_percent("What is the ratio?")
    (True, False)
    """
    return _PERCENT.search(question) is not None
