"""Words that take an answer back, bound it or make it inexact: "not 3", "at least 3", "about 3".

A verifier that reads a number or a formula out of a sentence asks here first, so that nothing of the kind is paid.
"""

import re

_NEGATED = (
    r"\b(?:not|no|never|nor|neither|without|except|excluding|cannot|wrong|incorrect|false|unequal|unlike|unless)\b"
    r"|n['’]t\b|\b(?:all|anything|nothing|everything) but\b|\b(?:instead|rather|other|different) (?:of|than|from)\b"
)
_BOUNDED = (
    r"\b(?:more|less|fewer|or|between|maximum|minimum|exceed\w*|at least|at most|up to|no more|or so)\b"
    r"|\b(?:greater|larger|bigger|smaller|higher|lower) than\b|\b(?:over|under|above|below|beyond) (?=[\d$\\]|[a-z]+$)"
)
_INEXACT = (
    r"\b(?:approximately|approx|roughly|nearly|almost|circa|close to|estimated?|some)\b"
    r"|\b(?:about|around|near) (?=[\d$\\]|[a-z]+$)"
)
_HEDGE = re.compile(f"{_BOUNDED}|{_INEXACT}", re.IGNORECASE)
_NEGATION = re.compile(_NEGATED, re.IGNORECASE)


def is_negated(text: str) -> bool:
    """Whether a text takes something back.

    >>> is_negated("It isn't 3"), is_negated("There are 3")
    (True, False)
    """
    return _NEGATION.search(text) is not None


def is_hedged(text: str) -> bool:
    """Whether a text takes something back, gives only a bound, or says that it is inexact.

    >>> is_hedged("at least 3"), is_hedged("about 3"), is_hedged("3 above the line")
    (True, True, False)
    """
    return is_negated(text) or _HEDGE.search(text) is not None
