"""Units behind a number: Math-Verify drops them, so "5 m" and "5 km" would be the same."""

import re

from .neutral_words import question_words

_NAMES = {
    "m": "m metre meter metres meters", "km": "km kilometre kilometer kilometres kilometers",
    "mm": "mm millimetre millimeter millimetres millimeters",
    "cm": "cm centimetre centimeter centimetres centimeters", "mile": "mile miles mi", "nmi": "nmi",
    "foot": "ft foot feet",
    "inch": "inch inches", "yard": "yard yards yd", "s": "s sec secs second seconds",
    "min": "min mins minute minutes", "h": "h hr hrs hour hours", "day": "day days", "week": "week weeks",
    "month": "month months", "year": "year years yr yrs", "ms": "ms millisecond milliseconds", "g": "g gram grams",
    "kg": "kg kilogram kilograms", "mg": "mg milligram milligrams", "lb": "lb lbs pound pounds", "t": "tonne tonnes",
    "l": "L litre litres liter liters", "ml": "ml mL millilitre milliliter millilitres milliliters",
    "N": "N newton newtons", "J": "J joule joules",
    "W": "W watt watts", "kW": "kW kilowatt kilowatts", "V": "V volt volts",
    "A": "A ampere amperes amp amps", "Hz": "Hz hertz", "Pa": "Pa pascal pascals", "kPa": "kPa", "MPa": "MPa",
    "bar": "bar", "nm": "nanometre nanometer nanometres nanometers", "hectare": "hectare hectares",
    "acre": "acre acres", "gallon": "gallon gallons", "quart": "quart quarts", "ounce": "ounce ounces",
    "byte": "byte bytes", "bit": "bit bits", "kHz": "kHz kilohertz", "MHz": "MHz megahertz", "ohm": "ohm ohms",
    "kohm": "kilohm kilohms", "rupee": "rupee rupees INR", "yen": "yen JPY", "decade": "decade decades",
    "century": "century centuries", "person": "person persons people", "degree": "degree degrees deg",
    "radian": "rad radian radians", "unit": "unit units", "dollar": "dollar dollars USD", "euro": "euro euros EUR",
    "cent": "cent cents", "mile/h": "mph", "km/h": "kph kmph",
    "celsius": "celsius Celsius", "fahrenheit": "fahrenheit Fahrenheit",
}  # fmt: skip
_CANONICAL = {written: unit for unit, names in _NAMES.items() for written in names.split()}
_FOLDED = {written.casefold(): unit.casefold() for written, unit in _CANONICAL.items()}
LETTERS = frozenset(name for name in _CANONICAL if len(name) == 1)
"""Units of one letter, which could be variables: they count where both sides have a unit, or in \\text{}."""
CAPITALS = frozenset("NJWVA")
"""Those of them that are capitals: behind a number and a blank they are no factors."""
_NAME = "|".join(sorted(map(re.escape, _CANONICAL), key=len, reverse=True))
_ONE = rf"(?:(?:square|cubic|sq|cu)\s+)?(?:{_NAME})(?![A-Za-z])(?:\s*\^\s*\{{?[-\d]+\}}?)?"
_UNIT = re.compile(rf"(?:\s|\\[,;:! ]|(?<=[\d)}}]))\s*((?:{_ONE})(?:\s*(?:/|per)\s*{_ONE})?)\s*$")
_INNER = re.compile(
    rf"\d\s*(?:{'|'.join(name for name in _CANONICAL if len(name) > 1)})(?![A-Za-z])|\d (?:[msgL])(?![\w])"
)
_SIZES = (frozenset("m km mm cm mile nmi foot inch yard nm".split()), frozenset("g kg mg lb t ounce".split()))
_TIMES = frozenset("s min h day week month year".split())
_MEASURED = re.compile(rf"\d\s*(?:square\s|cubic\s)?({_NAME})(?![A-Za-z])")
_CONVERTS = re.compile(r"\b(?:scale|maps?|actual\w*|real|convert\w*)\b", re.IGNORECASE)
_HOW_MANY = re.compile(r"\bhow many\b", re.IGNORECASE)
_DEGREES = re.compile(r"\s*\^\s*\{?\s*\\circ\s*\}?\s*([CF]?)\s*$")
_OF_TEMPERATURE = re.compile(r"\bdegrees? (?=celsius\b|fahrenheit\b)", re.IGNORECASE)
_NAUTICAL = re.compile(r"\bnautical miles?\b")
_OMEGA = re.compile(r"(?<=[\d }])\\Omega\s*$")
_OF_AN_ANGLE = re.compile(r"\\(?:sin|cos|tan|cot|sec|csc)(?![A-Za-z])")
_INNER_DEGREES = re.compile(r"(\d+(?:\.\d+)?|[A-Za-z)])\s*\^\s*\{?\s*\\circ\s*\}?")
_UNKNOWN = re.compile(r"(.*[\d)}!])\s+([A-Za-z]{3,})", re.DOTALL)
_COUNTED = frozenset(
    word + ending
    for ending in ("", "s")
    for word in "apple orange book pencil pen student pupil child girl boy marble coin card ticket car dog cat ball "
    "object item thing block box way time point solution".split()
) | {"children", "boxes", "cubes"}
_NUMERIC = re.compile(r"(?:[\d.\s+\-*/^{}()!,]|\\(?:[dt]?frac|sqrt|pi|cdot|times)(?![A-Za-z]))+")


def is_numeric(text: str) -> bool:
    """Whether a text in LaTeX has numbers and signs alone, no letters."""
    return _NUMERIC.fullmatch(text) is not None and re.search(r"\d|\\pi", text) is not None


def unit_of(word: str) -> str | None:
    """The one writing of a unit that is known, such as "cm" for "centimetres"; None for any other word."""
    return _CANONICAL.get(word)


def split_unit(text: str) -> tuple[str, str]:
    r"""A number and its unit, each name of a unit in one writing; "" as unit where there is none.

    >>> split_unit("3 hours"), split_unit("2x m"), split_unit(r"36\pi cm^3")
    (('3', 'h'), ('2x m', ''), ('36\\pi', 'cm^3'))
    """
    degrees = _DEGREES.search(text)
    if degrees and not _OF_AN_ANGLE.search(text):
        return text[: degrees.start()], {"": "degree", "C": "celsius", "F": "fahrenheit"}[degrees[1]]
    text = _NAUTICAL.sub("nmi", text)
    written = _OMEGA.sub(" ohm", _OF_TEMPERATURE.sub("", text))
    found = _UNIT.search(written)
    if not found or not is_numeric(head := written[: found.start()].rstrip(r"\, ")):
        return text, ""
    if found[1] in CAPITALS and found[0] == found[1]:
        return text, ""  # "2A"
    named = re.sub(r"[A-Za-z]+", lambda name: _CANONICAL.get(name[0], name[0]), found[1])
    power = re.sub(r"^(square|sq) (.*)", r"\2^2", re.sub(r"^(cubic|cu) (.*)", r"\2^3", named))
    return head, re.sub(r"\s*per\s*", "/", re.sub(r"[{}\s]", "", power.replace(" per ", "/")))


def split_any_unit(text: str) -> tuple[str, str]:
    """A number and its unit as `split_unit` gives them, and where it finds none, a word behind a number as its unit.

    >>> split_any_unit("5 roubles"), split_any_unit("5 cm"), split_any_unit("x roubles")
    (('5', 'roubles'), ('5', 'cm'), ('x roubles', ''))
    """
    number, unit = split_unit(text)
    if unit:
        return number, unit
    found = _UNKNOWN.fullmatch(text.strip())
    return (found[1], found[2]) if found and is_numeric(found[1]) else (text, "")


def has_inner_unit(text: str) -> bool:
    r"""Whether a step has numbers with their units: "3 cm \times 8 cm", "200000 cm".

    >>> has_inner_unit("3 cm * 8 cm"), has_inner_unit("3 * 8"), has_inner_unit("3x m")
    (True, False, False)
    """
    return _INNER.search(text) is not None


def may_be_left_out(unit: str, question: str) -> bool:
    """Whether a number with this unit is the same where neither the ground truth nor the question has a known one.

    >>> may_be_left_out("km", "How long is it?"), may_be_left_out("km", "How many apples are there?")
    (True, False)
    """
    words = question_words(question)
    if _HOW_MANY.search(question):
        asked = words | {_FOLDED.get(word, word) for word in words}
        return asked.issuperset(re.findall("[a-z]+", unit.casefold()))
    if _is_of_another_size(unit, question):
        return False
    is_known = unit in _NAMES or unit in _COUNTED or split_unit(f"1 {unit}")[1] != ""
    return is_known or unit.casefold() in words


def _is_of_another_size(unit: str, question: str) -> bool:
    """Whether a question measures with other units of the same kind: kilometres where it has centimetres."""
    if _CONVERTS.search(question):
        return False
    measured = {_CANONICAL.get(name) for name in _MEASURED.findall(question)}
    for base in unit.partition("^")[0].split("/"):
        kinds = (*_SIZES, _TIMES) if "/" in unit else _SIZES
        named = measured & next((names for names in kinds if base in names), frozenset())
        if named and base not in named:
            return True
    return False


def degrees_as_radians(text: str) -> str:
    r"""Degrees inside a formula as numbers, which Math-Verify would drop: sin 30° is not sin 30.

    >>> degrees_as_radians(r"\sin 30^{\circ}")
    '\\sin (30 \\cdot \\frac{\\pi}{180})'
    """
    return _INNER_DEGREES.sub(r"(\1 \\cdot \\frac{\\pi}{180})", text) if "circ" in text else text


def is_of_an_angle(text: str) -> bool:
    """Whether a formula has a function of an angle, inside which degrees are a part of pi."""
    return _OF_AN_ANGLE.search(text) is not None


def without_degrees(text: str) -> str:
    r"""A side of a chain whose last side is in degrees, as a number of degrees.

    >>> without_degrees(r"(180^{\circ} - 40^\circ)/2")
    '(180 - 40)/2'
    """
    return _INNER_DEGREES.sub(r"\1", text)
