r"""Ground truths that are read as mathematics but mean something else: dates, times, ranges, formulas of chemistry."""

import re
from math import gcd

_LOOKS_LIKE = {
    "a date": r"\d{4}-\d{1,2}-\d{1,2}|\d{1,2}/\d{1,2}/\d{2,4}|\d{1,2}/0\d",
    "a time": r"\d{1,2}(?::\d\d)?\s*[ap]\.?m\.?|0\d:\d\d|\d{1,2}:0\d",
    "a range": r"\d+(?:\.\d+)?(?:[-–—]\d+(?:\.\d+)?)+",
    "a number of combinations": r"\d+\s?[CP]\s?\d+|[CP]\(\s*\d+\s*,\s*\d+\s*\)",
    "sizes": r"\d+(?:\s*[xX]\s*\d+)+|\d+\s*(?:[xX×]|\\times|by)\s*\d+\s*(?:\\text\s*\{)?\s*(?:matrix|grid)\}?",
    "a number of a section or version": r"\d+(?:\.\d+){2,}",
    "feet and inches": r"\d+\s*'\s*(?:\d+(?:\.\d+)?\s*(?:\"|''))?",
    "a decade": r"\d{3}0s",
    "the number of a figure": r"(?:[Ff]ig(?:ure|\.)?|[Tt]able|[Ss]tep|[Qq]uestion|[Cc]hapter)\s*\d+",
    "a function without what it is of": r"\\?(?:max|min|mod|lim|log|ln|exp|gcd|sin|cos|tan)",
    "a Roman number": r"[IVX]{2,}",
    "a direction": r"[NS][EW]",
    "a label or a formula of chemistry": r"(?=\D*\d)[A-Z][A-Za-z]*\d+(?:[A-Z][a-z]?\d*)*",
}
_KINDS = {kind: re.compile(pattern) for kind, pattern in _LOOKS_LIKE.items()}
_RATIO = re.compile(r"(\d{1,2}):([0-5]\d)")


def no_mathematics(gt: str, question: str = "") -> str | None:
    r"""What a ground truth looks like that would be read as other mathematics than is meant; None for any other.

    >>> no_mathematics("2024-01-05"), no_mathematics("H2O"), no_mathematics("5 - 7"), no_mathematics("9:45")
    ('a date', 'a label or a formula of chemistry', None, 'a time')
    """
    text = gt.strip(" $")
    ratio = _RATIO.fullmatch(text)
    if ratio and "ratio" not in question.casefold() and gcd(int(ratio[1]), int(ratio[2])) > 1:
        return "a time"  # a ratio is given in its lowest terms
    return next((kind for kind, pattern in _KINDS.items() if pattern.fullmatch(text)), None)
