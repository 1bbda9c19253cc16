"""Numbers of the files that come with the package, each row with the labels that a text has to name to quote it."""

import csv
import gzip
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import Any

from ...core import paper_numbers
from .number_text import Number, column_role, line_numbers, words_of

UNSAID = {"all", "test", "greedy", "base", "mixed", "mini", "0"}
"""Labels of a table's row that a sentence may leave out: what the series measures where it says nothing else."""
NUMERIC_KEYS = {"size", "k"}
SETTINGS = {"digest", "start", "stage", "verifiers", "traces", "same_questions"}
"""Columns of a study that its arm's name stands for: no sentence has to name them."""
MANY = 8
"""Of more numbers than this with one name (a grid of cells), only the least and the largest can be quoted."""
_IN_WORDS = {"one": "1", "two": "2", "four": "4", "eight": "8", "sixteen": "16"}

Row = tuple[frozenset[str], tuple[Number, ...]]
"""Labels that must be named, and the numbers that may be quoted then."""


@cache
def file_rows(path: Path) -> tuple[Row, ...]:
    """Return what a shipped table (CSV), benchmark (JSON) or card (Markdown) says.

    A table with a column `step` is a log and gives no row: the hundreds of numbers of a curve would confirm anything,
    so what is read off a curve has to be printed by the cell that draws it.
    """
    whole = path.read_bytes()
    text = (gzip.decompress(whole) if path.suffix == ".gz" else whole).decode("utf-8")
    if ".csv" in path.suffixes:
        return tuple(_csv_rows(list(csv.DictReader(text.splitlines()))))
    numbers = _json_numbers(json.loads(text)) if path.suffix == ".json" else line_numbers(text)
    return ((frozenset(), tuple(numbers)),)


def named_in(labels: frozenset[str], text: str) -> bool:
    """Say whether a text names all labels: their words, or the number ("2,048", "eight", the 8 of "pass@8")."""
    words, integers = words_of(text), _integers(text)
    return all(words_of(label) <= words and _digits(label) <= integers for label in labels)


@cache
def _integers(text: str) -> frozenset[str]:
    found = frozenset(found.replace(",", "") for found in re.findall(r"\d[\d,]*(?:\.\d+)?", text))
    return found | {_IN_WORDS[word] for word in words_of(text) & _IN_WORDS.keys()}


@cache
def _digits(label: str) -> frozenset[str]:
    return frozenset(re.findall(r"\d[\d.]*", label))


def _csv_rows(rows: list[dict[str, str]]) -> Iterator[Row]:
    """Rows of a table, grouped over seeds: the numbers of each seed and their mean."""
    if not rows or "step" in rows[0]:
        return
    columns = [name for name in rows[0] if name != "seed" and name not in SETTINGS]
    keys = [
        name for name in columns if name in NUMERIC_KEYS or any(_value(row[name]) is None for row in rows if row[name])
    ]
    groups: dict[tuple[str, ...], list[dict[str, str]]] = defaultdict(list)
    for row in rows:
        groups[tuple(row[name] for name in keys)].append(row)
    for labels, group in groups.items():
        numbers = [Number(name, float(label)) for name, label in zip(keys, labels, strict=True) if name in NUMERIC_KEYS]
        for name in columns:
            values = [value for row in group if name not in keys and (value := _value(row[name])) is not None]
            seen = {*values, fmean(values)} if values else set()
            numbers += [Number(name, v, role=column_role(name), labels=(words_of(name),)) for v in sorted(seen)]
        yield frozenset(labels) - UNSAID, tuple(numbers)


def _value(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _leaves(node: Any, name: str = "") -> Iterator[tuple[str, float]]:
    """Each number of a tree of mappings and lists, with the name it stands under; long lists (single runs) are left."""
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from _leaves(value, str(key))
    elif isinstance(node, list) and node and (len(node) <= 2 or isinstance(node[0], Mapping)):
        for value in node:
            yield from _leaves(value, name)
    elif isinstance(node, tuple):
        yield from ((name, float(value)) for value in (*node, fmean(node)))
    elif isinstance(node, int | float) and not isinstance(node, bool):
        yield name, float(node)


def _json_numbers(tree: Any) -> Iterator[Number]:
    named: dict[str, list[float]] = defaultdict(list)
    for name, value in _leaves(tree):
        named[name].append(value)
    for name, values in named.items():
        kept = values if len(values) <= MANY else [min(values), max(values)]
        yield from (Number(name, value, role=column_role(name), labels=(words_of(name),)) for value in kept)


@cache
def paper_constants() -> tuple[Number, ...]:
    """Return the numbers that `core.paper_numbers` keeps, and the mean of each row of a table."""
    tables = {name: value for name, value in vars(paper_numbers).items() if name.isupper()}
    return tuple(Number(name, value) for name, value in _leaves(tables))
