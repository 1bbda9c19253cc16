"""Units behind a number: Math-Verify drops them, so "5 m" and "5 km" would be the same."""

import re

_NAMES = {
    "m": "m metre meter metres meters", "km": "km kilometre kilometer kilometres kilometers", "mm": "mm millimetre "
    "millimeter millimetres millimeters", "cm": "cm centimetre centimeter centimetres centimeters",
    "mile": "mile miles mi", "foot": "ft foot feet", "inch": "inch inches", "yard": "yard yards yd",
    "s": "s sec secs second seconds", "min": "min mins minute minutes", "h": "h hr hrs hour hours", "day": "day days",
    "week": "week weeks", "month": "month months", "year": "year years yr yrs", "ms": "ms millisecond milliseconds",
    "g": "g gram grams", "kg": "kg kilogram kilograms", "mg": "mg milligram milligrams", "lb": "lb lbs pound pounds",
    "t": "tonne tonnes", "l": "L litre litres liter liters", "ml": "ml mL millilitre milliliter millilitres "
    "milliliters", "N": "newton newtons", "J": "joule joules", "W": "watt watts", "kW": "kW kilowatt kilowatts",
    "V": "volt volts", "A": "ampere amperes amp amps", "Hz": "Hz hertz", "Pa": "Pa pascal pascals", "degree":
    "degree degrees deg", "radian": "rad radian radians", "unit": "unit units", "dollar": "dollar dollars",
    "euro": "euro euros", "cent": "cent cents", "mph": "mph",
}  # fmt: skip
_CANONICAL = {written: unit for unit, names in _NAMES.items() for written in names.split()}
LETTERS = frozenset(name for name in _CANONICAL if len(name) == 1)
"""Units of one letter, which could be variables: they count where both sides have a unit, or in \\text{}."""
_NAME = "|".join(sorted(map(re.escape, _CANONICAL), key=len, reverse=True))
_ONE = rf"(?:(?:square|cubic|sq|cu)\s+)?(?:{_NAME})(?![A-Za-z])(?:\s*\^\s*\{{?[-\d]+\}}?)?"
_UNIT = re.compile(rf"(?:\s|\\[,;:! ]|(?<=[\d)}}]))\s*((?:{_ONE})(?:\s*(?:/|per)\s*{_ONE})?)\s*$")
_DEGREES = re.compile(r"\s*\^\s*\{?\s*\\circ\s*\}?\s*$")
_NUMERIC = re.compile(r"(?:[\d.\s+\-*/^{}()!,]|\\(?:[dt]?frac|sqrt|pi|cdot|times)(?![A-Za-z]))+")


def is_numeric(text: str) -> bool:
    """Whether a text in LaTeX has numbers and signs alone, no letters."""
    return _NUMERIC.fullmatch(text) is not None and re.search(r"\d|\\pi", text) is not None


def split_unit(text: str) -> tuple[str, str]:
    r"""A number and its unit, each name of a unit in one writing; "" as unit where there is none.

    >>> split_unit("3 hours"), split_unit("2x m"), split_unit(r"36\pi cm^3")
    (('3', 'h'), ('2x m', ''), ('36\\pi', 'cm^3'))
    """
    if degrees := _DEGREES.search(text):
        return text[: degrees.start()], "degree"
    found = _UNIT.search(text)
    if not found or not is_numeric(head := text[: found.start()].rstrip(r"\, ")):
        return text, ""
    named = re.sub(r"[A-Za-z]+", lambda name: _CANONICAL.get(name[0], name[0]), found[1])
    power = re.sub(r"^(square|sq) (.*)", r"\2^2", re.sub(r"^(cubic|cu) (.*)", r"\2^3", named))
    return head, re.sub(r"\s*per\s*", "/", re.sub(r"[{}\s]", "", power.replace(" per ", "/")))
