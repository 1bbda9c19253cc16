r"""What brackets mean: `{1, 2}` and `\pm 1` are sets, `(1, 2)` and `[1, 2]` have an order, and none is a number.

Math-Verify says that `(1, 2)` and `{1, 2}` are the same, and `[3, 3]` and 3.
"""

import re

from .math_units import is_numeric

_SIZE = re.compile(r"\\(?:left|right|[bB]igg?[lr]?)(?![A-Za-z])\s*")
_MEMBER = re.compile(r"[a-z]\s*\\in(?![A-Za-z])\s*")
_SET = re.compile(r"\\?\{.*,.*\\?\}", re.DOTALL)
_ORDERED = re.compile(r"[(\[][^()\[\]]*,[^()\[\]]*[)\]]")
_INTERVAL = re.compile(r"\[|\]|\\infty|\\in(?![A-Za-z])")


def other_brackets(gold: str, said: str) -> bool:
    r"""Whether one text is a set and the other one has an order, or one has an order and the other is a number.

    >>> other_brackets("(1, 2)", r"\{1, 2\}"), other_brackets("3", "[3, 3]"), other_brackets("[1, 2]", "[1, 2)")
    (True, True, False)
    """
    kinds = {_kind(gold), _kind(said)}
    if kinds == {"ordered"} and {_ends(gold), _ends(said)} == {"()", "[]"}:
        return True  # a point is no interval, and an open one is no closed one
    return kinds in ({"set", "ordered"}, {"number", "ordered"})


def _ends(text: str) -> str:
    bare = _MEMBER.sub("", _SIZE.sub("", text)).strip()
    return bare[:1] + bare[-1:]


def _kind(text: str) -> str:
    text = _MEMBER.sub("", _SIZE.sub("", text)).strip()
    if _ORDERED.fullmatch(text):
        return "ordered"
    if _SET.fullmatch(text) or "\\pm" in text:
        return "set"
    return "number" if is_numeric(text) and "," not in text else ""


def is_interval(text: str) -> bool:
    r"""Whether a text is surely an interval; `(1, 2)` could be a point.

    >>> is_interval("[1, 2)"), is_interval(r"(3, \infty)"), is_interval("(1, 2)")
    (True, True, False)
    """
    return _kind(text) == "ordered" and _INTERVAL.search(text) is not None
