"""Arithmetic in a text: statements such as "5 - 2 = 3" or "3 plus 4 is 7", and whether they hold.

Exact rational arithmetic, in time linear in the text. Sums with a letter in them, measured quantities ("3 cm + 4 cm")
and anything else that is not plainly a sum of numbers are left alone: what is found is meant to be right.
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

MAX_TOKENS = 60
"""Longer sums are left alone, as are numbers of more than `MAX_DIGITS` digits and powers above `MAX_POWER` or of
numbers of more than `MAX_BITS`."""
MAX_DIGITS, MAX_POWER, MAX_BITS = 30, 20, 200


@dataclass(frozen=True)
class Arithmetic:
    """A statement that two sums are equal.

    Attributes:
        start, end: where it stands, in characters.
        text: as written.
        holds: whether both sides are equal; one with decimals may be rounded at its last one, and after "≈" any may.
    """

    start: int
    end: int
    text: str
    holds: bool


@dataclass(frozen=True)
class Side:
    """One side of an equation: its value, None when it is not plainly a sum; `is_sum` when it has an operator."""

    start: int
    end: int
    text: str
    value: Fraction | None
    is_sum: bool
    decimals: int


@dataclass(frozen=True)
class Equation:
    """A chain of sides with "=", "is" or the like between them; `name` is what stands left of a leading sign ("x")."""

    start: int
    end: int
    name: str
    sides: tuple[Side, ...]
    signs: tuple[str, ...]


_TOKENS = {
    "number": r"(?<![A-Za-z_])(?:\\?\$)?(?:[1-9]\d{0,2}(?:,\d{3})+(?!\d|,\d{3})|\d++)(?:\.\d++)?|(?<![\w.])\.\d++",
    "fraction": r"\\[dt]?frac\{\d++\}\{\d++\}",
    "unit": r"°|degrees?\b|\^\{?\\circ\b\}?|\\?%",
    "equals": r"(?<![<>!=:≠])=(?!=)|≈|\\approx\b|\b(?:is|are|equals|gives|makes|leaves)\b",
    "times": r"(?<!\*)\*(?!\*)|×|·|\\times\b|\\cdot\b|\btimes\b|(?<=[\d)] )x(?= [\d(])",
    "over": r"/|÷|\\div\b|\bdivided by\b",
    "plus": r"\+|\bplus\b",
    "minus": r"[-−–]|\bminus\b",
    "power": r"\^",
    "open": r"(?<!\\)\(",
    "close": r"(?<!\\)\)",
}
_TOKEN = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in _TOKENS.items()), re.IGNORECASE)
# What a token can start with, looked at first: most letters of a text start none.
_ANY = rf"(?=[\d.$\\°%^=≈*×·/÷+\-−–()]|\b[adeglimptx])(?:{'|'.join(_TOKENS.values())})"
# A run has no possessive group: Python 3.11 before .5 reads those wrongly, and at the end of a pattern it needs none.
_RUN = re.compile(rf"{_ANY}(?:\s*+{_ANY})*", re.IGNORECASE)
_DIGIT = re.compile(r"\d")
_EQUALS = re.compile(_TOKENS["equals"], re.IGNORECASE)
# What stands before a sum and makes it part of something else: a letter, a bracket, "sin", "half of", "angle".
_FUNCTION = r"\b(?:sin|cos|tan|log|ln|sqrt|root|of|half|twice|double)"
_LABEL = r"\b(?:angles?|step|option|figure|equation|question|number|point|side|not)"
_TAINT_BEFORE = re.compile(
    rf"[\w\\}}\]°|∠√!#/&<≠]\Z|(?:{_FUNCTION}|{_LABEL})\s+\Z|(?<![\w'’])[b-hj-z]\s+\Z", re.IGNORECASE
)
_MINUS_BEFORE = re.compile(r"[\w})\]|]\s*\Z")
_WORD_BEFORE = re.compile(r"\b[a-z]{2,}\s\Z", re.IGNORECASE)
_TAINT_AFTER = re.compile(
    r"[\w{^|√∠]|\\[a-zA-Z]|\s*\?|\s+(?:[b-zB-HJ-Z]\b(?!['’])|\\[a-zA-Z]|√|∠|(?:more|less|fewer) than)"
)
_REFUTED = re.compile(r"\s*(?:wrong|false|incorrect|not)\b", re.IGNORECASE)
_RANGE = re.compile(r"\d[-–]\d")
"""What is a span of numbers as often as a difference: "3-5 is typical"."""
_NAME = re.compile(r"(?<![\w\\'’])(?:(?:\\angle|∠|angle)\s*)?[A-Za-z](?:_\{?\w\}?|[A-Z]{0,2})\s*\Z")
_NAME_IN_SUM = re.compile(rf"(?:[-+*/×÷·^|√−–\d]|(?<!\\)\(|\\[a-z]+|{_FUNCTION})\s*\Z", re.IGNORECASE)
_LOOK_BACK = 24


def read_equations(text: str) -> list[Equation]:
    """Every chain of numbers, sums and signs of equality in a text, with what could be read of it."""
    return [_read(text, run) for run in _RUN.finditer(text) if _DIGIT.search(run[0]) and _EQUALS.search(run[0])]


def find_arithmetic(text: str) -> list[Arithmetic]:
    """The arithmetic statements of a text. A chain makes one of each neighbouring pair of sides.

    A statement has a sum (a number, an operator, a number) on at least one side and a number or a sum on the other. A
    question ("3 + 4 = 7?") states nothing.

    >>> [(found.text, found.holds) for found in find_arithmetic("5 - 2 = 3, and 3 × 4 is 11. 1/3 = 0.33")]
    [('5 - 2 = 3', True), ('3 × 4 is 11', False), ('1/3 = 0.33', True)]
    """
    return check_equations(text, read_equations(text))


def check_equations(text: str, equations: list[Equation]) -> list[Arithmetic]:
    """The arithmetic statements among the equations of a text, as `find_arithmetic` has them."""
    found = []
    for equation in equations:
        for (left, right), sign in zip(pairwise(equation.sides), equation.signs, strict=True):
            if left.value is None or right.value is None or not (left.is_sum or right.is_sum):
                continue
            if sign.isalpha() and _RANGE.search(left.text):
                continue
            holds = _same(left, right, rounded=sign in ("≈", "\\approx"))
            found.append(Arithmetic(left.start, right.end, text[left.start : right.end], holds))
    return found


def _read(text: str, run: re.Match[str]) -> Equation:
    pieces: list[list[re.Match[str]]] = [[]]
    signs = []
    for token in _TOKEN.finditer(text, run.start(), run.end()):
        if token.lastgroup == "equals":
            signs.append(token[0].lower())
            pieces.append([])
        else:
            pieces[-1].append(token)
    before = text[max(0, run.start() - _LOOK_BACK) : run.start()]
    name = "" if pieces[0] else _name(before)
    last = len(pieces) - 1
    after = bool(_TAINT_AFTER.match(text, run.end()))
    if last > 1 and not pieces[-1] and _REFUTED.match(text, run.end()):  # "3 + 4 = 8 is wrong"
        last, after = last - 1, True
    sides = [
        _side(tokens, run, tainted=(place == 0 and _is_part_of_more(tokens, before)) or (place == last and after))
        for place, tokens in enumerate(pieces)
    ]
    return Equation(run.start(), run.end(), name, tuple(sides), tuple(signs))


def _name(before: str) -> str:
    """The name that ends a text, such as "x" or "angle ABC"; none when it is part of a sum ("2 + x")."""
    found = _NAME.search(before)
    if not found or _NAME_IN_SUM.search(before[: found.start()]):
        return ""
    return re.sub(r"[\s\\{}]", "", found[0])


def _is_part_of_more(tokens: list[re.Match[str]], before: str) -> bool:
    """Whether what stands before a sum belongs to it, so that the sum alone says nothing: "x + 3", "sin 30"."""
    if tokens and tokens[0].lastgroup in ("plus", "times", "over", "power", "unit", "close"):
        return True
    if tokens and tokens[0].lastgroup == "minus":
        attached = len(tokens) > 1 and tokens[1].start() == tokens[0].end()
        return bool(_MINUS_BEFORE.search(before)) and not (attached and _WORD_BEFORE.search(before))
    return _TAINT_BEFORE.search(before) is not None


def _side(tokens: list[re.Match[str]], run: re.Match[str], *, tainted: bool) -> Side:
    tokens = _without_outer_brackets(tokens)
    if not tokens:
        return Side(run.start(), run.start(), "", None, False, 0)
    start, end = tokens[0].start(), tokens[-1].end()
    is_sum, value = False, None
    if not tainted and len(tokens) <= MAX_TOKENS:
        try:
            value = _Parser(tokens).value()
            is_sum = any(t.lastgroup in ("times", "over", "plus", "minus", "power") for t in tokens[1:])
        except (ValueError, ZeroDivisionError) as problem:
            is_sum = isinstance(problem, ZeroDivisionError)
            value = _UNDEFINED if is_sum else None
    decimals = len(tokens[-1][0].partition(".")[2]) if tokens[-1].lastgroup == "number" else 0
    return Side(start, end, run.string[start:end], value, is_sum, decimals)


def _without_outer_brackets(tokens: list[re.Match[str]]) -> list[re.Match[str]]:
    """Drop brackets around the whole statement, of which this side has one: "(so 3 + 4 = 7)"."""
    kinds = [token.lastgroup for token in tokens]
    surplus = kinds.count("open") - kinds.count("close")
    first, stop = 0, len(kinds)
    while surplus > 0 and first < stop and kinds[first] == "open":
        first, surplus = first + 1, surplus - 1
    while surplus < 0 and first < stop and kinds[stop - 1] == "close":
        stop, surplus = stop - 1, surplus + 1
    return tokens[first:stop]


_UNDEFINED = Fraction(1, 10**99)
"""The value of a division by zero: equal to nothing that anyone writes."""


def _same(left: Side, right: Side, *, rounded: bool) -> bool:
    difference = abs(left.value - right.value)
    if difference == 0 or _UNDEFINED in (left.value, right.value):
        return difference == 0 and left.value != _UNDEFINED
    sides = [side for side in (left, right) if not side.is_sum and (rounded or side.decimals)]
    return any(difference <= Fraction(1, 2 * 10**side.decimals) for side in sides)


class _Parser:
    """Recursive descent over the tokens of one side. `2(3 + 4)` is a product; a per cent is a hundredth."""

    def __init__(self, tokens: list[re.Match[str]]):
        self.tokens, self.place = tokens, 0

    def value(self) -> Fraction:
        value = self._sum()
        if self.place < len(self.tokens):
            raise ValueError("something is left over")
        return value

    def _next(self) -> str:
        return self.tokens[self.place].lastgroup if self.place < len(self.tokens) else ""

    def _take(self, *kinds: str) -> str:
        kind = self._next()
        if kind not in kinds:
            return ""
        self.place += 1
        return kind

    def _sum(self) -> Fraction:
        value = self._product()
        while sign := self._take("plus", "minus"):
            value += self._product() * (1 if sign == "plus" else -1)
        return value

    def _product(self) -> Fraction:
        value = self._signed()
        while True:
            if self._take("times"):
                value *= self._signed()
            elif self._take("over"):
                value /= self._signed()
            elif self._next() == "open":
                value *= self._power()
            else:
                return value

    def _signed(self) -> Fraction:
        if sign := self._take("minus", "plus"):
            return self._power() * (-1 if sign == "minus" else 1)
        return self._power()

    def _power(self) -> Fraction:
        value = self._atom()
        if not self._take("power"):
            return value
        exponent = self._signed()
        size = max(value.numerator.bit_length(), value.denominator.bit_length())
        if exponent.denominator != 1 or abs(exponent) > MAX_POWER or size > MAX_BITS:
            raise ValueError("not a power to work out here")
        return value**exponent

    def _atom(self) -> Fraction:
        if self._take("open"):
            value = self._sum()
            if not self._take("close"):
                raise ValueError("not closed")
            return value
        text = self.tokens[self.place][0] if self.place < len(self.tokens) else ""
        if not self._take("number", "fraction") or len(text) > MAX_DIGITS:
            raise ValueError("no number")
        if text.startswith("\\") and "frac" in text:
            top, bottom = re.findall(r"\d+", text)
            value = Fraction(int(top), int(bottom))
        else:
            value = Fraction(text.lstrip("\\$").replace(",", ""))
        if self._next() == "unit":
            if "%" in self.tokens[self.place][0]:
                value /= 100
            self.place += 1
        return value
