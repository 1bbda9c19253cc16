"""What the folder of an evaluation may hold: it may come from a stranger, and cards and pages are written from it."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

EXPECTED = "expected what `vlaa evaluate` writes"
_ROW = {
    **dict.fromkeys(("id", "source", "question", "gt", "response"), str), "answer": str | None,
    "value": float | int | None, **dict.fromkeys(("correct", "has_answer", "truncated"), bool), "tokens": float | int,
    "seconds": float | int,
}  # fmt: skip
"""Columns of a response that a report needs, and what they hold."""
_ABOUT = {"benchmark": str, "repository": str, "rows": int, "left_out": dict}
"""What a report says of a benchmark's records on a card."""
_WORDS = {"images": ("true", "blank", "swapped"), "prompt": ("ours", "own")}


def check_settings(settings: Mapping[str, Any], path: Path) -> None:
    """Raises ValueError for settings that no evaluation has; the message names the file."""
    for name in ("records", "samples"):
        if name not in settings:
            raise ValueError(f"{path} has no {name!r}; {EXPECTED}")
        if type(settings[name]) is not int or settings[name] < 1:
            raise ValueError(f"{path}: {name} is {settings[name]!r:.60}; expected 1 or more")
    for name, words in _WORDS.items():
        if name in settings and settings[name] not in words:
            raise ValueError(f"{path}: {name} is {settings[name]!r:.60}; expected {' or '.join(words)}")
    check_about(settings.get("about"), f"{path}: ")


def check_about(about: Any, place: str = "") -> None:
    """Raises ValueError for what cannot be said of records on a card; `place` begins the message."""
    if about is None:
        return
    if not isinstance(about, dict):
        raise ValueError(f"{place}about is {about!r:.60}; expected an object with {', '.join(_ABOUT)}")
    for name, kind in _ABOUT.items():
        if not isinstance(about.get(name), kind):
            seen = f"its {name} is {about[name]!r:.60}" if name in about else f"it has no {name}"
            raise ValueError(f"{place}about cannot be used: {seen}; expected what read_benchmark(…).about has")


def check_rows(rows: Iterable[Mapping[str, Any]], path: Path) -> None:
    """Raises ValueError for a response that lacks something, or has something of another kind; names file and line."""
    for number, row in enumerate(rows, start=1):
        place = f"{path} line {number}"
        if missing := [name for name in _ROW if name not in row]:
            raise ValueError(f"{place} has no {', '.join(missing)}; {EXPECTED}")
        if odd := [name for name, kind in _ROW.items() if not isinstance(row[name], kind)]:
            raise ValueError(f"{place}: {odd[0]} is {row[odd[0]]!r:.60}; {EXPECTED}")
