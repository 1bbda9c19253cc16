r"""Functions by cases and systems, `\begin{cases} … \end{cases}`: Math-Verify cannot read them, so row by row."""

import re
from collections.abc import Callable

from .math_relations import is_name, same_name

_CASES = re.compile(r"(?P<name>.*?)\\begin\{cases\}(?P<rows>.*?)\\end\{cases\}[\s.$]*", re.DOTALL)
_ROW_END = re.compile(r"\\\\(?:\[[^\]]*\])?")
_IF = re.compile(
    r"\\(?:text|mathrm)\s*\{\s*,?\s*(?:if|for|when|where)?\s*\}|(?<![A-Za-z\\])(?:if|for|when)(?![A-Za-z])"
)
MAX_ROWS = 8


def read_cases(text: str) -> tuple[str, list[list[str]]] | None:
    r"""What stands before a `cases` block, without display marks and an equals sign, and its rows of cells; else None.

    >>> read_cases(r"f(x) = \begin{cases} x, & \text{if } x > 0 \\ -x & x \le 0 \end{cases}")
    ('f(x)', [['x', 'x > 0'], ['-x', 'x \\le 0']])
    """
    found = _CASES.fullmatch(text.strip())
    if not found or len(rows := [row for row in _ROW_END.split(found["rows"]) if row.strip()]) > MAX_ROWS:
        return None
    cells = [[_IF.sub(" ", cell).strip(" \n,;.") for cell in row.split("&")] for row in rows]
    name = found["name"].strip(" \n$=:")
    return (name, cells) if not name or is_name(name) else None  # twice a block is another function


def same_cases(gold: str, said: str, same_cell: Callable[[str, str], bool]) -> bool | None:
    """Whether two blocks have the same rows, each cell by `same_cell`; None when one of the texts is no block."""
    first, second = read_cases(gold), read_cases(said)
    if first is None or second is None:
        return None
    if (first[0] and second[0] and not same_name(first[0], second[0])) or len(first[1]) != len(second[1]):
        return False
    rest = list(second[1])
    for row in first[1]:
        same = next((other for other in rest if len(other) == len(row) and all(map(same_cell, row, other))), None)
        if same is None:
            return False
        rest.remove(same)
    return True
