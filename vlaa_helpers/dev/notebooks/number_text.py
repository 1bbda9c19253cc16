"""Numbers as they stand in a text, an HTML table or code, and whether one is another, rounded. Knows no notebooks."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from html import unescape

EXACT = 99
"""Decimals of a number that was not rounded to be shown."""
_NUMBER = re.compile(
    r"(?<![\w.,/#@^$])(?<!\w-)(?P<sign>(?<![\w)%–])[+−-])?(?P<digits>\d{1,3}(?:,\d{3})+|\d+)(?P<fraction>\.\d+)?"
    r"(?P<power>e[+-]?\d+)?(?![\w²]|\.\d|,\d|:\d|/\d)\s?(?P<unit>%|points?\b)?"
)
_JOINED = re.compile(r"\s*(?:–|→|,|to|and|or|of|against|instead of|, and)\s*")
"""What stands between two numbers that share the unit of the second."""
_CELL = re.compile(r"<(th|td)\b([^>]*)>(.*?)</(?:th|td)>", flags=re.S)
_COLSPAN = re.compile(r'colspan="(\d+)"')


@dataclass(frozen=True)
class Number:
    """A number as written: 11.3, with one decimal, of the unit "points", beside the words in `labels`."""

    text: str
    value: float
    decimals: int = EXACT
    unit: str = ""  # "%", "points" or none
    sign: str = ""  # "+" or "-" where it is written
    role: str = ""  # "interval" for a bound of a 95% interval, "range" where it may be one, "n", "p"
    labels: tuple[frozenset[str], ...] = ()
    start: int = 0
    end: int = 0


@cache
def words_of(text: str) -> frozenset[str]:
    """Return the words of at least three letters in lower case, without a plural's s."""
    return frozenset(word.rstrip("s") for word in re.findall(r"[a-z]{3,}", text.lower().replace("_", " ")))


def read_numbers(text: str, labels: tuple[frozenset[str], ...] = (), role: str = "") -> list[Number]:
    """Return the numbers of a text in order; those joined ("59 to 62%", "8.5, 2.0 and 3.5 points") share the unit.

    >>> [(number.value, number.unit) for number in read_numbers("from 59 to 48.5%: −10.5 points (n = 1,800)")]
    [(59.0, '%'), (48.5, '%'), (-10.5, 'points'), (1800.0, '')]
    """
    found: list[Number] = []
    for m in _NUMBER.finditer(text):
        sign = {"+": "+", "−": "-", "-": "-"}.get(m["sign"] or "", "")
        value = float(m["digits"].replace(",", "") + (m["fraction"] or "") + (m["power"] or ""))
        number = Number(
            text=m[0].strip(),
            value=-value if sign == "-" else value,
            decimals=EXACT if m["power"] else len(m["fraction"] or ".") - 1,
            unit="points" if (m["unit"] or "").startswith("point") else m["unit"] or "",
            sign=sign,
            role=role or _role(text[max(0, m.start() - 30) : m.start()], text[m.end() : m.end() + 8]),
            labels=labels,
            start=m.start(),
            end=m.end(),
        )
        found.append(number)
    for k in range(len(found) - 2, -1, -1):
        if not found[k].unit and _JOINED.fullmatch(text[found[k].end : found[k + 1].start]):
            found[k] = replace(found[k], unit=found[k + 1].unit)
    return found


def _role(before: str, after: str) -> str:
    if re.search(r"95%[^()]{0,24}$", before):
        return "interval"
    if re.search(r"\([^()]*$", before) and (
        re.match(r"\s?(to|–) ?[+−-]?\d", after) or re.search(r"\d%? (to|–) $", before)
    ):
        return "range"
    named = re.search(r"\b([np]) [=<] $", before)
    return named[1] if named else ""


def column_role(name: str) -> str:
    """Return the role of the numbers in a table's column of this name."""
    return "interval" if words_of(name) & {"low", "high"} else name if name in ("n", "p") else ""


# ---- is one the other? ----

_MAY_BE = {
    "": ("", "n"),
    "interval": ("interval", "range"),
    "range": ("", "n", "interval", "range"),
    "n": ("n",),
    "p": ("p",),
}
"""Role in prose: roles of the sources that it may quote."""


def agrees(shown: Number, source: Number) -> bool:
    """Say whether a number in prose is a source's number, rounded to the digits that the prose shows.

    Per cent, points and shares are each other's. A sign that is written has to be the source's, a change can only be
    a change, a bound of an interval only a bound, and a source with fewer digits than the prose is none.
    """
    if source.role not in _MAY_BE[shown.role]:
        return False
    if (shown.sign == "-" and source.value > 0) or (shown.sign == "+" and source.value < 0):
        return False
    return any(
        source.decimals + gained >= shown.decimals
        and abs(abs(source.value) * scale - abs(shown.value)) <= 0.5000001 * 10.0**-shown.decimals
        for scale, gained in _scales(shown, source)
    )


def _scales(shown: Number, source: Number) -> Iterator[tuple[float, int]]:
    """Factors from the source's unit to the prose's, each with the decimals that it gains."""
    signed = shown.sign or shown.unit == "points"
    is_change = bool(source.sign) or source.value < 0 or source.unit == "points"
    is_change = is_change or any("change" in label for label in source.labels)
    may_scale = is_change or not signed or source.role in ("interval", "range")
    is_share = abs(source.value) <= 1 and source.decimals >= 2 and not source.unit
    if shown.unit and may_scale:
        if source.unit:
            yield 1, 0
        elif is_share:
            yield 100, -2
    if shown.unit:
        return
    if not source.unit:
        yield 1, 0
    if (shown.decimals or shown.sign) and may_scale:  # "(95% +5.0 to +17.7)", "0.287 of them"
        if source.unit:
            yield 1, 0
            yield 0.01, 2
        elif is_share and (shown.sign or shown.role or abs(shown.value) >= 10):
            yield 100, -2


# ---- where numbers stand ----


def html_numbers(html: str) -> Iterator[Number]:
    """Yield the numbers in the tables of a page, each with the words of its column's head and of its row's."""
    for table in re.findall(r"<table.*?</table>", html, flags=re.S):
        columns: list[str] = []
        labels: list[str] = []
        for row in re.findall(r"<tr.*?</tr>", table, flags=re.S):
            heads, data = (_cell_texts(row, tag) for tag in ("th", "td"))
            for head in heads:
                yield from read_numbers(head)
            if not data:  # rows of column heads; a table may have two
                columns = [f"{a} {b}" for a, b in zip(columns, heads, strict=False)] if columns else heads
                continue
            labels = labels[: max(len(labels) - len(heads), 0)] + heads  # a head over several rows stays
            for column, text in zip(columns[-len(data) :], data, strict=False):
                yield from read_numbers(
                    text, (words_of(column), words_of(" ".join(labels))), column_role(column.strip())
                )


def _cell_texts(row: str, tag: str) -> list[str]:
    """The texts of a row's cells of one kind; one that spans columns stands once for each."""
    found = [
        (unescape(re.sub(r"<[^>]*>", "", text)).strip(), _COLSPAN.search(attributes))
        for name, attributes, text in _CELL.findall(row)
        if name == tag
    ]
    return [text for text, span in found for _ in range(int(span[1]) if span else 1)]


def line_numbers(text: str) -> Iterator[Number]:
    """Yield the numbers of a text line by line, each with the words of its line."""
    for line in text.splitlines():
        yield from read_numbers(line, (words_of(line),))


def code_numbers(source: str) -> Iterator[Number]:
    """Yield the literal numbers of code; where it does not parse, the numbers in its text."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        yield from read_numbers(source)
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
            yield Number(repr(node.value), float(node.value))
