"""Plain arithmetic worked out exactly: Math-Verify says that 31.4/6.28 and 5 differ."""

import ast
import operator
import re
from fractions import Fraction

_SIGNS = {r"\times": "*", r"\cdot": "*", r"\div": "/", "{": "(", "}": ")", "[": "(", "]": ")"}
_PLAIN = re.compile(r"[\d.\s+*/()-]{1,80}")
_WORK = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}


def value_of(text: str) -> Fraction | None:
    r"""The value of a sum, difference, product or quotient of decimals; None for anything else.

    >>> value_of(r"31.4 / (2 \times 3.14)"), value_of("2^3"), value_of("1/0")
    (Fraction(5, 1), None, None)
    """
    for written, sign in _SIGNS.items():
        text = text.replace(written, sign)
    if not _PLAIN.fullmatch(text) or "**" in text or "//" in text:
        return None
    try:
        return _worked_out(ast.parse(text.strip(), mode="eval").body, text.strip())
    except (SyntaxError, ValueError, KeyError, ZeroDivisionError, TypeError):
        return None


def _worked_out(node: ast.expr, text: str) -> Fraction:
    if isinstance(node, ast.Constant):
        return Fraction(ast.get_source_segment(text, node))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_worked_out(node.operand, text)
    if isinstance(node, ast.BinOp):
        return _WORK[type(node.op)](_worked_out(node.left, text), _worked_out(node.right, text))
    raise ValueError("no plain arithmetic")
