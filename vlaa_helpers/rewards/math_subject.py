r"""What a value is of: a quantity and a name that an answer says must be those that the question asks for."""

import re
from functools import lru_cache

from .asked_things import asked_clause

_LENGTHS = frozenset(
    "length distance side base width height radius diameter perimeter circumference hypotenuse".split()
)
_LENGTH_UNITS = frozenset("km m cm mm nm mile foot inch yard unit".split())
_UNITS = {
    "area": frozenset({f"{unit}^2" for unit in _LENGTH_UNITS} | {"unit", "hectare", "acre"}),
    "volume": frozenset({f"{unit}^3" for unit in _LENGTH_UNITS} | {"unit", "l", "ml", "gallon", "quart", "ounce"}),
    "angle": frozenset({"degree", "radian"}),
    "time": frozenset("ms s min h day week month year decade century".split()),
    "mass": frozenset("mg g kg t lb ounce".split()),
    "price": frozenset("dollar euro cent rupee yen lb".split()),
    **dict.fromkeys(_LENGTHS, _LENGTH_UNITS),
}
"""The units of a quantity, as `split_unit` writes them; of any other quantity all may be."""
_ALIKE = {"gradient": "slope", "average": "mean", "distance": "length", "weight": "mass", "cost": "price"}
_OTHERS = "slope mean median mode probability sum product difference quotient ratio intercept speed velocity".split()
_QUANTITY = rf"(?:{'|'.join(sorted([*_UNITS, *_OTHERS, *_ALIKE], key=len, reverse=True))})"
_ONE = re.compile(rf"\b{_QUANTITY}(?=s?\b)", re.IGNORECASE)
# "length of the base", "area and perimeter"
_CHAIN = re.compile(
    rf"(?:(?<![\\A-Za-z])|(?<=\\)(?=angle)){_QUANTITY}s?\b"
    rf"(?:,? (?:of|and|or) (?:the |its |one |each )?{_QUANTITY}s?\b)*",
    re.IGNORECASE,
)
_HOW = {
    "tall": "height", "high": "height", "wide": "width", "far": "length", "long is": "length", "heavy": "mass",
    "long does": "time", "long will": "time", "long did": "time", "much does it cost": "price",
}  # fmt: skip
_NAME = re.compile(
    r"(?:angle|∠)\s*\$?\s*(?P<angle>[A-Z])(?![A-Za-z])|(?<![\\A-Za-z])(?P<points>[A-Z]{2,4})(?![A-Za-z])"
)
_BEFORE_A_NUMBER = re.compile(rf"\b{_QUANTITY}s? \$?-?[\d.]+\$?(?: [a-z]+)?[.]?$", re.IGNORECASE)
_LETTER_ASKED = re.compile(r"\s*(?:the value of )?\$?[a-z]\$?\s*")
_NO_POINTS = frozenset("USD EUR INR JPY LCM HCF GCD GCF LHS RHS".split())


@lru_cache(maxsize=4096)
def asked_quantities(question: str) -> frozenset[str]:
    """The quantity that a question asks for, with those that belong to it; empty where it names none.

    >>> sorted(asked_quantities("What is the length of the base of ABC?")), asked_quantities("Find x if the area is 5.")
    (['base', 'length'], frozenset())
    """
    clause = asked_clause(question).strip()
    return _first_quantities(clause) or frozenset(name for how, name in _HOW.items() if clause.startswith(how))


def _first_quantities(text: str) -> frozenset[str]:
    found = _CHAIN.search(text)
    names = [one.casefold() for one in _ONE.findall(found[0])] if found else []
    return frozenset(_ALIKE.get(name, name) for name in names)


def is_unit_of_what_is_asked(unit: str, question: str) -> bool | None:
    """Whether a unit, as `split_unit` writes it, is one of the quantity asked for; None where that has none of its own.

    >>> [is_unit_of_what_is_asked(unit, "What is the area?") for unit in ("cm^2", "cm^3", "h")]
    [True, False, False]
    """
    units = [_UNITS.get(name) for name in asked_quantities(question)]
    return None if not units or None in units else any(unit in each for each in units)


def is_of_another(answer: str, gt: str, question: str) -> bool:
    """Whether an answer names a quantity or points that are not those asked for: the perimeter, BC for AB.

    Where the ground truth has a name itself, the formulas are compared with their names.

    >>> question = "What is the length of side AB?"
    >>> [is_of_another(answer, "12", question) for answer in ("BA = 12", "BC = 12", "The area is 12", "12")]
    [False, True, True, False]
    """
    asked, said = asked_quantities(question), _first_quantities(answer)
    if asked and said and asked.isdisjoint(said):
        return True
    nearest = _BEFORE_A_NUMBER.search(answer)
    if asked and nearest and asked.isdisjoint(_first_quantities(nearest[0])):
        return True  # "the radius with diameter 5"
    if said and _LETTER_ASKED.fullmatch(asked_clause(question)) and said.isdisjoint(_first_quantities(question)):
        return True
    names, asked_names = _names(answer), _names(asked_clause(question))
    return bool(asked_names and names and not _names(gt)) and not all(
        any(same_points(name, other) for other in asked_names) for name in names
    )


def _names(text: str) -> set[str]:
    return {found[found.lastgroup] for found in _NAME.finditer(text)} - _NO_POINTS


def same_points(said: str, asked: str) -> bool:
    """Whether two names are of one line, angle or shape: AB and BA, ABC and CBA, the angle B and ABC."""
    if len(said) != len(asked):
        return said == asked[1:-1] or asked == said[1:-1]
    return said in (asked, asked[::-1])
