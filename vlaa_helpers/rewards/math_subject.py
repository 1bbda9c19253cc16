r"""What a value is of: a quantity and a name that an answer says must be those that the question asks for."""

import re
from functools import lru_cache

from .asked_things import asked_clause
from .math_contrasts import COMPARED, is_contrasted

_LENGTHS = frozenset(
    "length distance side base width height radius diameter perimeter circumference hypotenuse diagonal altitude chord "
    "arc leg midline".split()
)
_ANY_LENGTH = frozenset("length distance side".split())
_LENGTH_UNITS = frozenset("km m cm mm nm mile foot inch yard unit".split())
_SPEED_UNITS = frozenset(f"{length}/{time}" for length in _LENGTH_UNITS for time in "s min h day year".split()) | {
    "unit"
}
_UNITS = {
    "area": frozenset({f"{unit}^2" for unit in _LENGTH_UNITS} | {"unit", "hectare", "acre"}),
    "volume": frozenset({f"{unit}^3" for unit in _LENGTH_UNITS} | {"unit", "l", "ml", "gallon", "quart", "ounce"}),
    "angle": frozenset({"degree", "radian"}),
    "time": frozenset("ms s min h day week month year decade century".split()),
    "mass": frozenset("mg g kg t lb ounce".split()),
    "price": frozenset("dollar euro cent rupee yen lb".split()),
    "speed": _SPEED_UNITS,
    "velocity": _SPEED_UNITS,
    **dict.fromkeys(_LENGTHS, _LENGTH_UNITS),
}
"""The units of a quantity, as `split_unit` writes them; of any other quantity all may be."""
_ALIKE = {"gradient": "slope", "average": "mean", "distance": "length", "weight": "mass", "cost": "price"}
_OTHERS = (
    "slope mean median mode probability sum product difference quotient ratio intercept "
    "domain range amplitude period frequency vertex focus center centre midpoint determinant current resistance voltage"
).split()
_QUANTITY = rf"(?:{'|'.join(sorted([*_UNITS, *_OTHERS, *_ALIKE], key=len, reverse=True))})"
_ONE = re.compile(rf"\b{_QUANTITY}(?=s?\b)", re.IGNORECASE)
# "length of the base", "area and perimeter"
_CHAIN = re.compile(
    rf"(?:(?<![\\A-Za-z])|(?<=\\)(?=angle))(?:(?:average|mean) (?={_QUANTITY}))?{_QUANTITY}s?\b"
    rf"(?:,? (?:of|and|or) (?:the |its |one |each )?(?:[a-z]+ )?{_QUANTITY}s?\b)*",
    re.IGNORECASE,
)
_HOW = {
    "tall": "height", "high": "height", "wide": "width", "far": "length", "long is": "length", "heavy": "mass",
    "long does": "time", "long will": "time", "long did": "time", "much does it cost": "price",
}  # fmt: skip
_EXTENTS = tuple(frozenset(group.split()) for group in ("tall high", "wide broad", "long", "deep", "far away", "thick"))
_EXTENT = re.compile(r"\b(?:tall|high|wide|broad|long|deep|away|thick)\b", re.IGNORECASE)
_ASKED_EXTENT = re.compile(r"\bhow (tall|high|wide|broad|long|deep|far|thick)\b", re.IGNORECASE)
_FROM_TO = re.compile(r"distance from (?:the )?(?:point )?\$?([A-Z])\$? to")
_GIVEN = re.compile(rf"\b{_QUANTITY}\b[^.;?=]{{0,40}}?\b(?:is|are|=) \$?\d", re.IGNORECASE)
_NAME = re.compile(
    r"(?:angle|∠)\s*\$?\s*(?P<angle>[A-Z])(?![A-Za-z])|(?<![\\A-Za-z])(?P<points>[A-Z]{2,4})(?![A-Za-z])"
)
_BEFORE_A_NUMBER = re.compile(rf"\b{_QUANTITY}s? \$?-?[\d.]+\$?(?: [a-z]+)?[.]?$", re.IGNORECASE)
_LETTER_ASKED = re.compile(r"\s*(?:the value of )?\$?[a-z]\$?\s*")
_ITS = re.compile(r"\bits\b", re.IGNORECASE)
_IS_ASKED = re.compile(r"\b(the [^,.;?]+?) (?:is|are) (?:asked|wanted|sought|required|to be found)\b", re.IGNORECASE)
_OF_A_YEAR = re.compile(
    r"\W*(?:the )?[a-z ]*\b(?:in|of|for|from) ((?:1[89]|20)\d\d)\b[^\d]*(?:is|was|are|were|=)\W", re.IGNORECASE
)
"""One of two years whose difference is asked for: "The value in 2010 is 45."."""
_NO_POINTS = frozenset("USD EUR INR JPY LCM HCF GCD GCF LHS RHS".split())


@lru_cache(maxsize=4096)
def asked_quantities(question: str) -> frozenset[str]:
    """The quantity that a question asks for, with those that belong to it; empty where it names none.

    >>> sorted(asked_quantities("What is the length of the base of ABC?")), asked_quantities("Find x if the area is 5.")
    (['base', 'length'], frozenset())
    """
    clause = asked_clause(question).strip() or (found[1] if (found := _IS_ASKED.search(question)) else "")
    clause = re.sub(r"^many \w+", "", clause)  # these things are counted: "How many sides …"
    if COMPARED.search(question) or " minus " in clause:
        return frozenset({"difference"})
    return frozenset(name for how, name in _HOW.items() if clause.startswith(how)) or quantities_of(clause)


def quantities_of(text: str) -> frozenset[str]:
    """The first quantity that a text names, with those that belong to it.

    >>> sorted(quantities_of("the length of the base")), quantities_of("the prism")
    (['base', 'length'], frozenset())
    """
    found = _CHAIN.search(text)
    names = [one.casefold() for one in _ONE.findall(found[0])] if found else []
    return frozenset(_ALIKE.get(name, name) for name in names)


def is_unit_of_what_is_asked(unit: str, question: str) -> bool | None:
    """Whether a unit, as `split_unit` writes it, is one of the quantity asked for; None where that has none of its own.

    >>> [is_unit_of_what_is_asked(unit, "What is the area?") for unit in ("cm^2", "cm^3", "h")]
    [True, False, False]
    """
    asked = asked_quantities(question)
    units = [_UNITS.get(name) for name in (asked - {"mean"} or asked)]
    return None if not units or None in units else any(unit in each for each in units)


def is_of_another(answer: str, gt: str, question: str) -> bool:
    """Whether an answer names a quantity or points that are not those asked for: the perimeter, BC for AB.

    Where the ground truth has a name itself, the formulas are compared with their names.

    >>> question = "What is the length of side AB?"
    >>> [is_of_another(answer, "12", question) for answer in ("BA = 12", "BC = 12", "The area is 12", "12")]
    [False, True, True, False]
    """
    asked, said = asked_quantities(question), quantities_of(answer)
    if asked and said and (asked.isdisjoint(said) or _are_others(asked, said)):
        return True
    nearest = _BEFORE_A_NUMBER.search(answer)
    if asked and nearest and asked.isdisjoint(quantities_of(nearest[0])):
        return True  # "the radius with diameter 5"
    if (
        said
        and _LETTER_ASKED.fullmatch(asked_clause(question))
        and (said.isdisjoint(quantities_of(question)) or _GIVEN.search(question))
    ):
        return True
    if is_contrasted(answer, question):
        return True
    if _is_of_another_extent(answer, question):
        return True
    if (line := _FROM_TO.search(asked_clause(question))) and re.match(rf"{line[1]}[A-Z] ?=", answer):
        return answer[:2] in question  # a line from the point, of which the question says nothing yet
    first, *others = answer.split("=")
    names, asked_names = _names(first if len(others) > 1 and _names(first) else answer), _names(asked_clause(question))
    if asked & {"area", "volume"} and others and any(len(name) == 2 for name in _names(first)) and not said:
        return True  # "AB = 12" is no area
    if asked and not asked_names and _ITS.search(asked_clause(question)):
        asked_names = _names(question)
    return bool(asked_names and names and not _names(gt)) and not all(
        any(same_points(name, other) for other in asked_names) for name in names
    )


def is_of_one_year(answer: str, question: str) -> bool:
    """Whether an answer is of one of two years whose difference is asked for.

    >>> is_of_one_year("The value in 2010 is 45.", "What is the value in 2015 minus the value in 2010?")
    True
    """
    year = _OF_A_YEAR.match(answer)
    return bool(year) and year[1] in question and "difference" in asked_quantities(question)


def _are_others(asked: frozenset[str], said: frozenset[str]) -> bool:
    """Whether two quantities are of different things: "the length of the leg" for that of the hypotenuse."""
    return bool(asked - _ANY_LENGTH and said - _ANY_LENGTH) and (asked - _ANY_LENGTH).isdisjoint(said - _ANY_LENGTH)


def _is_of_another_extent(answer: str, question: str) -> bool:
    """Whether an answer says "wide" where the question asks "how tall"."""
    asked = _ASKED_EXTENT.search(question)
    said = {word.casefold() for word in _EXTENT.findall(answer)} if asked else set()
    group = next((group for group in _EXTENTS if asked and asked[1].casefold() in group), frozenset())
    return bool(said) and not said <= group


def _names(text: str) -> set[str]:
    return {found[found.lastgroup] for found in _NAME.finditer(text)} - _NO_POINTS


def same_points(said: str, asked: str) -> bool:
    """Whether two names are of one line, angle or shape: AB and BA, ABC and CBA, the angle B and ABC."""
    if len(said) != len(asked):
        return said == asked[1:-1] or asked == said[1:-1]
    return said in (asked, asked[::-1])
