"""Whether two formulas are the same: equations as equations, pieces one by one, and what Math-Verify overlooks."""

import re
from collections.abc import Iterable
from dataclasses import replace

from .math_brackets import is_interval, other_brackets
from .math_compare import compare
from .math_formula import Formula, Piece
from .math_inequalities import inequality_links, same_inequality
from .math_points import as_coordinates
from .math_ratios import same_ratio
from .math_units import CAPITALS, is_numeric
from .polynomials import proportional

SAME, DIFFERENT, SEVERAL, UNREADABLE, BAD_GOLD = "same", "different", "several", "unreadable", "bad_gold"
"""The verdicts on an answer. "several": it says more than the ground truth asks for."""
_NAME = re.compile(
    r"[A-Za-z](?:_\{?\w+\}?)?'?|[A-Za-z]\s*(?:\\left)?\([a-z]\s*(?:\\right)?\)|m?\\angle\s*[A-Z]{1,3}|[A-Z]{2,3}"
    r"|\\(?:overline|triangle)\s*\{?[A-Z]{1,3}\}?|\\(?:alpha|beta|gamma|delta|theta|lambda|mu|phi|omega|rho|sigma)"
)
_FUNCTION_OF_X = re.compile(r"([a-zA-Z])\s*(?:\\left)?\(([a-z])\s*(?:\\right)?\)")
_COORDINATES = re.compile(r"\(\s*[a-z](?:\s*,\s*[a-z])+\s*\)")
_TRANSPOSE = re.compile(r"\^\s*\{?\s*T(?![A-Za-z])")
_COMMAND = re.compile(r"\\[A-Za-z]+")
_BASE = re.compile(r"\d\s*(?:\^\s*(?:\{[^{}]*\}|\w)\s*)?_\s*\{?\s*(\w+)\s*\}?")
_BLANK = re.compile(r"(?<![\d.]) | (?![\d.])")
_NUMBERED = re.compile(r"([a-z])_\s*\{?\s*([1-9])\s*\}?")
MAX_CHAIN = 6
"""Equals signs in an answer; a longer chain is a derivation, not an answer."""


def same_formula(gold: Formula, said: Formula) -> str:
    """One of the verdicts on `said`.

    Raises nothing: a comparison that takes too long is "unreadable".
    """
    if any(marks(gold.text) != marks(said.text) for marks in (_bases, _primes, _transposes)):
        return DIFFERENT
    if _swapped_case(gold.text, said.text):
        return DIFFERENT
    gold, said = as_coordinates(gold, without_numbering(gold, said))
    if len(gold.pieces) == len(said.pieces):
        if _has_names(gold):
            return _same_named_pieces(gold, said)
        if gold.joined != said.joined and any(each.has_inequality or each.is_logic for each in (gold, said)):
            return DIFFERENT
        if gold.is_ordered:
            return _first_that_fails(map(same_piece, gold.pieces, said.pieces))
        return _same_pieces(list(gold.pieces), list(said.pieces))
    if len(gold.pieces) == 1 and r"\{" in gold.text and not said.has_inequality:
        return _compare(gold.pieces[0].parts[-1], ", ".join(piece.parts[-1] for piece in said.pieces))
    if len(said.pieces) == 1 and r"\{" in said.text and not gold.has_inequality:
        return _compare(", ".join(piece.parts[-1] for piece in gold.pieces), said.pieces[0].parts[-1])
    return SEVERAL if len(said.pieces) > len(gold.pieces) else DIFFERENT


def _same_pieces(gold: list[Piece], said: list[Piece]) -> str:
    """Whether each piece of the one is the same as another piece of the other, in any order."""
    for piece in gold:
        verdicts = []
        for other in said:
            verdicts.append(same_piece(piece, other))
            if verdicts[-1] != DIFFERENT:
                break
        if not verdicts or verdicts[-1] != SAME:
            return verdicts[-1] if verdicts else DIFFERENT
        said = [other for place, other in enumerate(said) if place != len(verdicts) - 1]
    return SAME


def _has_names(formula: Formula) -> bool:
    """Whether a formula gives values of different names, such as `x = 3, y = 4`."""
    names = {piece.parts[0] for piece in formula.pieces if len(piece.parts) == 2 and is_name(piece.parts[0])}
    return len(names) > 1


def _same_named_pieces(gold: Formula, said: Formula) -> str:
    """Whether values of different names are the same: by their names, or without names in the same order."""
    if (gold.joined == "or") != (said.joined == "or"):
        return DIFFERENT
    if all(len(piece.parts) > 1 for piece in said.pieces):
        return _same_pieces(list(gold.pieces), list(said.pieces))
    return _first_that_fails(same_piece(one, other) for one, other in zip(gold.pieces, said.pieces, strict=True))


def _first_that_fails(verdicts: Iterable[str]) -> str:
    """The first verdict that is not "same"; those behind it are not asked for: each may take its time."""
    return next((verdict for verdict in verdicts if verdict != SAME), SAME)


def same_piece(gold: Piece, said: Piece) -> str:
    """One of the verdicts on one formula."""
    if said.unit and said.unit != gold.unit and (gold.unit or not _is_without_unit(said)):
        return DIFFERENT
    if len(said.parts) > MAX_CHAIN:
        return UNREADABLE
    if len(gold.parts) == 1:
        if verdict := same_inequality(gold.parts[0], said.parts[0]) if len(said.parts) == 1 else None:
            return verdict
        return _all_same(_number_of(gold, said), _values(said.parts))
    left, right = gold.parts[0], gold.parts[-1]
    if len(said.parts) == 1:
        if is_name(left):
            return _compare(right, said.parts[0])
        return _compare(left, said.parts[0]) if is_name(right) else DIFFERENT
    if len(gold.parts) == 2 and is_name(left) and _is_function_of_another(said.parts):
        return DIFFERENT
    if is_name(left) and same_name(left, said.parts[0]):
        return _all_same(right, said.parts[1:])
    if len(said.parts) > 2:
        return DIFFERENT
    return same_equation((left, right), said.parts)


def _is_without_unit(said: Piece) -> bool:
    """Whether a formula is the same without its unit: a number, with a unit in words that is known or asked for."""
    return said.may_lose_unit and not said.unit_is_letter and is_numeric(said.parts[-1])


def _number_of(gold: Piece, said: Piece) -> str:
    """The ground truth's number; with its unit where that is one letter: the answer may mean it as a factor."""
    is_factor = gold.unit_is_letter and not said.unit
    if is_factor and gold.unit in CAPITALS and is_numeric(said.parts[-1]):
        return gold.parts[0]
    return f"{gold.parts[0]} {gold.unit}" if is_factor else gold.parts[0]


def _values(parts: tuple[str, ...]) -> tuple[str, ...]:
    """The sides of an answer that must each be the ground truth: without a name that stands for the rest."""
    if len(parts) == 2 and _is_point(parts[0]):
        return parts[1:]
    if _is_function_of_another(parts):
        return parts
    if len(parts) > 1 and is_name(parts[0]) and not _mentions(parts[1:], parts[0]):
        return parts[1:]
    if len(parts) == 2 and is_name(parts[1]) and not _mentions(parts[:1], parts[1]):
        return parts[:1]
    return parts


def _all_same(gold: str, parts: tuple[str, ...]) -> str:
    return _first_that_fails(_compare(gold, part) for part in parts)


def same_equation(gold: tuple[str, str], said: tuple[str, ...]) -> str:
    """Whether two equations are the same but for a number that both sides are multiplied by.

    Where the ground truth's sides have no difference (`x = \\pm 3`, `D = [0, 1]`), another equation is another one.
    """
    sides = [_as_y(side) for side in (*gold, *said)]
    differences = [f"({left}) - ({right})" for left, right in (sides[:2], sides[2:])]
    plain = proportional(*differences)
    if plain is not None:
        return SAME if plain else DIFFERENT
    verdict = compare(*differences, "equation")
    return DIFFERENT if verdict == BAD_GOLD else verdict


def _as_y(side: str) -> str:
    found = _FUNCTION_OF_X.fullmatch(side)
    return "y" if found and found[1] in "fy" else side


def is_name(part: str) -> bool:
    """Whether a side of an equation only names the other one: `y`, `f(x)`, `V`, `x_1`, `AB`, `\\angle A`."""
    return _NAME.fullmatch(part) is not None and part not in ("e", "i")


def same_name(a: str, b: str) -> bool:
    names = ["".join(re.sub(r"\\left|\\right|[{}]", "", name).split()) for name in (a, b)]
    if names[0] == names[1]:
        return True
    functions = [_FUNCTION_OF_X.fullmatch(name) for name in names]
    return (names[0] == "y" and functions[1] is not None) or (names[1] == "y" and functions[0] is not None)


def _is_point(part: str) -> bool:
    """Whether a side names the coordinates of a point in their usual order: `(x, y)`, `(a, b, c)`."""
    names = re.findall(r"[a-z]", part)
    return _COORDINATES.fullmatch(part) is not None and names == sorted(set(names))


def _is_function_of_another(parts: tuple[str, ...]) -> bool:
    """Whether a left side f(t) does not fit its right side: that has another variable, or f and t are one letter."""
    found = _FUNCTION_OF_X.fullmatch(parts[0])
    rest = _COMMAND.sub("", " ".join(parts[1:]))
    if found is None or not re.search(r"[a-zA-Z]", rest):
        return False
    return found[1] == found[2] or found[2] not in rest


def _mentions(parts: tuple[str, ...], name: str) -> bool:
    """Whether a name's variable occurs in the rest: "x = 2x + 1" is an equation, not a name for 2x + 1."""
    return len(name) == 1 and any(name in _COMMAND.sub("", part) for part in parts)


def _bases(text: str) -> list[str]:
    """What stands below numbers: Math-Verify reads 40_9 as 40."""
    return sorted(
        _BASE.findall(re.sub(r"\\log\s*_\s*\{?\w+\}?|[A-Za-z]_\{?\w+\}?|\\(?:int|sum|prod)_\{?\w+\}?", "", text))
    )


def _primes(text: str) -> int:
    """How many primes there are: Math-Verify reads y' as y."""
    return text.count("'") + text.count(r"\prime")


def _transposes(text: str) -> int:
    """How many T stand above something: Math-Verify drops them."""
    return len(_TRANSPOSE.findall(text))


def _swapped_case(gold: str, said: str) -> bool:
    """Whether a Greek letter stands in one text in capitals and in the other not: Math-Verify reads both alike."""
    capital = {name for name in _COMMAND.findall(gold + said) if name[1:2].isupper()}
    return any((name in gold) != (name in said) and name.lower() in gold + said for name in capital)


def without_blanks(text: str) -> str:
    """A text without its blanks, but for those between two numbers: 1 1/2 is no 11/2.

    >>> without_blanks("x = 1 1 / 2"), without_blanks("1 .5")
    ('x=1 1/2', '1 .5')
    """
    return _BLANK.sub("", " ".join(text.split()))


def without_numbering(gold: Formula, said: Formula) -> Formula:
    """An answer's solutions `x_1 = 2, x_2 = -5` with one name for all, where the ground truth gives them so."""
    if _NUMBERED.search(gold.text) or not 1 < len(said.pieces) == len(gold.pieces):
        return said
    names = [_NUMBERED.fullmatch(piece.parts[0]) for piece in said.pieces]
    numbers = [found[2] for found in names if found]
    if numbers != [str(place + 1) for place in range(len(said.pieces))] or len({found[1] for found in names}) > 1:
        return said
    pieces = tuple(replace(piece, parts=(names[0][1], *piece.parts[1:])) for piece in said.pieces)
    return replace(said, pieces=pieces)


def _compare(gold: str, said: str) -> str:
    if gold and without_blanks(said) == without_blanks(gold):
        return SAME
    ratio = same_ratio(gold, said, lambda a, b: _compare(a, b) == SAME)
    if ratio is not None:
        return SAME if ratio else DIFFERENT
    if other_brackets(gold, said):
        return DIFFERENT
    if is_interval(gold) and inequality_links(said):
        verdict = compare(said, gold)  # Math-Verify takes an interval for an inequality, and not the other way
        return UNREADABLE if verdict == BAD_GOLD else verdict
    return compare(gold, said)
