r"""Plain text's functions and names as LaTeX: "log2(x)", "max(2, 3)", "abs(x)", "sinx", "x1", "theta", "3 x 10^5"."""

import re

_LOG_BASE = re.compile(r"(?<![A-Za-z])\\?log(2|10)(?=\s*\()")
_OF_SEVERAL = re.compile(r"(?<![\\A-Za-z])(max|min|gcd)(?=\s*\()")
_OF_A_LETTER = re.compile(r"(?<![\\A-Za-z])(?:(?:sin|cos|tan|log|ln)[xyz])+(?![A-Za-z])")  # not "cost"
_EACH_OF_A_LETTER = re.compile(r"(sin|cos|tan|log|ln)([xyz])")
_GREEK = re.compile(r"(?<![\\A-Za-z])(alpha|beta|gamma|delta|theta|lambda|sigma|phi|omega)(?![A-Za-z])")
_INDEX = re.compile(r"(?<![A-Za-z\d\\_^.])([a-z])(\d)(?![\w.])")
_TIMES_A_POWER = re.compile(r"(?<=\d)\s*[xX]\s*(?=10\s*(?:\^|\*\*))")
_PERCENT = re.compile(r"(?<=[\d}])\s?per\s?cent\b", re.IGNORECASE)
_IN_SIGNS = {"abs": ("|", "|"), "floor": (r"\lfloor ", r"\rfloor "), "ceil": (r"\lceil ", r"\rceil ")}
_ROUNDED = re.compile(rf"(?<![\\A-Za-z])({'|'.join(_IN_SIGNS)})\s*\(")
TWO = re.compile(r"\d\.?\s+[A-Za-z]|\.\s|\n")
"""The end of a value and the beginning of another formula: "7 y" in "x = 7 y = 5"."""


def plain_functions(text: str) -> str:
    r"""A text with plain functions, Greek letters, indices and powers of ten as LaTeX.

    >>> plain_functions("log2(x)"), plain_functions("abs(3*x+2)"), plain_functions("x1 + x2")
    ('\\log_{2}(x)', '|3*x+2|', 'x_1 + x_2')
    """
    text = _LOG_BASE.sub(r"\\log_{\1}", _TIMES_A_POWER.sub(r" \\times ", _PERCENT.sub(r"\\%", text)))
    text = _GREEK.sub(r"\\\1 ", _OF_A_LETTER.sub(_each_of_a_letter, _OF_SEVERAL.sub(r"\\\1", text)))
    return _INDEX.sub(r"\1_\2", _with_signs(text))


def _each_of_a_letter(run: re.Match) -> str:
    return _EACH_OF_A_LETTER.sub(r"\\\1 \2 ", run[0])


def _with_signs(text: str) -> str:
    r"""`abs(…)`, `floor(…)` and `ceil(…)` with their signs, from the innermost outwards."""
    for found in reversed(list(_ROUNDED.finditer(text))):
        inside = text[found.end() :]
        if (end := closing_bracket(inside)) is not None:
            opening, closing = _IN_SIGNS[found[1]]
            text = f"{text[: found.start()]}{opening}{inside[:end]}{closing}{inside[end + 1 :]}"
    return text


def closing_bracket(text: str, start: int = 0) -> int | None:
    """The place of the bracket that closes one which is open at `start`, or None."""
    depth = 1
    for place in range(start, len(text)):
        depth += (text[place] == "(") - (text[place] == ")")
        if depth == 0:
            return place
    return None
