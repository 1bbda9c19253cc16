"""Points: "x = 2, y = 3", "(x, y) = (2, 3)" and, where a point is asked for, "(2, 3)" are the same."""

import re

from .math_formula import Formula, Piece

_NAMES = ("x", "y", "z")
_SOLUTION = re.compile(r"\b(?:solve|system|solution|point|intersect\w*|meet)\b", re.IGNORECASE)
_TUPLE = re.compile(r"\\?(?:left\s*)?\(([^()]*)\\?(?:right\s*)?\)")


def as_coordinates(gold: Formula, said: Formula) -> tuple[Formula, Formula]:
    """The two formulas, both as values of names or both as points, where one is so and the other otherwise."""
    if len(gold.pieces) == len(said.pieces):
        return gold, said
    if len(said.pieces) == 1 and (values := _values_of_names(said)):
        return gold, values
    if len(gold.pieces) == 1 and gold.pieces[0].parts[-1].startswith("(") and (point := _point(said)):
        return gold, point
    return gold, said


def solution_as_point(gold: Formula, said: Formula, question: str) -> Formula:
    """The ground truth `x = 1, y = -2` as (1, -2), where the question asks for a solution and the answer is a point."""
    is_point = len(said.pieces) == 1 and said.pieces[0].parts[0].startswith("(") and len(said.pieces[0].parts) == 1
    return (_point(gold) or gold) if is_point and len(gold.pieces) > 1 and _SOLUTION.search(question) else gold


def _values_of_names(formula: Formula) -> Formula | None:
    """`(x, y) = (2, 3)` as x = 2, y = 3."""
    tuples = [_TUPLE.fullmatch(part.strip()) for part in formula.pieces[0].parts]
    if len(tuples) != 2 or None in tuples:
        return None
    names, values = (found[1].split(",") for found in tuples)
    if len(names) != len(values) or not all(re.fullmatch(r"\s*[a-z]\s*", name) for name in names):
        return None
    pieces = tuple(Piece((name.strip(), value.strip())) for name, value in zip(names, values, strict=True))
    return Formula(formula.text, pieces, ",")


def _point(formula: Formula) -> Formula | None:
    """`x = 2, y = 3` as (2, 3)."""
    names = tuple(piece.parts[0].strip() for piece in formula.pieces if len(piece.parts) == 2)
    if formula.joined not in (",", "and") or len(names) != len(formula.pieces) or names != _NAMES[: len(names)]:
        return None
    values = ", ".join(piece.parts[1].strip() for piece in formula.pieces)
    return Formula(formula.text, (Piece((f"({values})",)),))
