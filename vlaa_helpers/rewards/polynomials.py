"""Whether two plain polynomials are the same, in microseconds and without SymPy: most ground truths are plain.

Two different polynomials agree at a random point modulo a prime near 2^61 with a chance below degree / 2^60
(Schwartz and Zippel), so their values at two points decide, whatever form they are written in.
"""

import ast
import re
from functools import lru_cache
from random import Random

PRIME = 2**61 - 1
_LETTERS = "abcfghjklmnpqrstuvwxyz"  # d, e, i and o can mean something else
_POINTS = [{letter: Random(f"{letter}{k}").randrange(PRIME) for letter in _LETTERS} for k in (1, 2)]
_TOKEN = re.compile(rf"\d+|[{_LETTERS}]|[-+*() ]|\^ ?\d(?!\d)")
_NOT_PLAIN = re.compile(r"[-+*] *[-+*]|[a-z] *[(\d]|[a-z]{2}|\) *\d|\d +\d|\^ ?\d *[\^(]")
_PRODUCT = re.compile(r"(?<=[\da-z)]) *(?=[a-z(])")


def same_polynomial(a: str, b: str) -> bool | None:
    """Whether both are the same polynomial; None when one is not plain, and so not for this function to say.

    Plain is: whole numbers, small letters, `+ - * ( )`, products without a sign (`2x`) and powers `^0` to `^9`.

    >>> same_polynomial("2x + 1", "1 + x*2"), same_polynomial("(x + 1)^2", "x^2 + 1"), same_polynomial("sin x", "x")
    (True, False, None)
    """
    left, right = _values(a), _values(b)
    return None if left is None or right is None else left == right


def proportional(a: str, b: str) -> bool | None:
    """Whether two polynomials, neither of them zero, are the same but for a factor; None when one is not plain.

    >>> proportional("y - (2x + 1)", "(2y) - (4x + 2)"), proportional("y - x", "y + x"), proportional("0", "0")
    (True, False, False)
    """
    left, right = _values(a), _values(b)
    if left is None or right is None:
        return None
    return any(left) and any(right) and left[0] * right[1] % PRIME == left[1] * right[0] % PRIME


@lru_cache(maxsize=65_536)
def _values(text: str) -> tuple[int, ...] | None:
    """The polynomial at two fixed random points modulo `PRIME`, or None."""
    if len(text) > 200 or _TOKEN.sub("", text) or _NOT_PLAIN.search(text):
        return None
    try:
        tree = ast.parse(_PRODUCT.sub("*", text.strip()).replace("^", "**"), mode="eval").body
        return tuple(_value(tree, point) for point in _POINTS)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _value(node: ast.expr, point: dict[str, int]) -> int:
    match node:
        case ast.Constant(value=int(number)):
            return number % PRIME
        case ast.Name(id=letter):
            return point[letter]
        case ast.UnaryOp(op=sign, operand=inner):
            return _value(inner, point) * (-1 if isinstance(sign, ast.USub) else 1) % PRIME
        case ast.BinOp(left=base, op=ast.Pow(), right=ast.Constant(value=int(power))):
            return pow(_value(base, point), power, PRIME)
        case ast.BinOp(left=a, op=ast.Add(), right=b):
            return (_value(a, point) + _value(b, point)) % PRIME
        case ast.BinOp(left=a, op=ast.Sub(), right=b):
            return (_value(a, point) - _value(b, point)) % PRIME
        case ast.BinOp(left=a, op=ast.Mult(), right=b):
            return _value(a, point) * _value(b, point) % PRIME
    raise ValueError(f"not plain: {ast.dump(node)}")
