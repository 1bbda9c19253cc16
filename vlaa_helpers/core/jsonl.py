"""Rows of a file as it is: JSON Lines, a JSON array or CSV, one broken row costing no other."""

import codecs
import csv
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

LONGEST_LINE = 2**26
"""Bytes of one row of JSON Lines, at most."""
LARGEST_ARRAY = 2 * 10**9
"""Bytes of a JSON array, at most: it is read into memory whole."""
_OTHER_FILES = {
    codecs.BOM_UTF16_LE: "the file is UTF-16; save it as UTF-8",
    codecs.BOM_UTF16_BE: "the file is UTF-16; save it as UTF-8",
    b"\x1f\x8b": "the file is compressed (gzip); unpack it first",
}
"""What a file may begin with that is no text in UTF-8."""


def read_rows(path: Path) -> Iterator[tuple[int | None, Any, str]]:
    """Line number (None in an array) and value of each row, or what is wrong with its JSON or CSV."""
    if path.suffix.lower() == ".csv":
        yield from _csv_rows(path)
        return
    is_first, number = True, 0
    with path.open("rb") as lines:
        while raw := lines.readline(LONGEST_LINE):
            number += 1
            whole = len(raw) < LONGEST_LINE or raw.endswith(b"\n")
            raw = raw.removeprefix(codecs.BOM_UTF8)  # before later lines too, where files were put together
            if not raw.strip():
                continue
            if is_first and raw.lstrip().startswith(b"["):
                refuse_large_array(raw, path.stat().st_size, path.name)
                yield from ((None, value, "") for value in _array(raw + lines.read(), path))
                return
            begins, is_first = is_first, False
            if not whole and (more := _pass_line(lines)):
                yield (
                    number,
                    None,
                    f"a line of {LONGEST_LINE + more:,} bytes, of which at most {LONGEST_LINE:,} are read",
                )
                continue
            yield number, *_json_line(raw, begins=begins)


def refuse_large_array(start: bytes, size: int, name: str) -> None:
    """Refuse a file that begins as a JSON array does and has more bytes than one may have.

    Raises:
        ValueError: with its size.
    """
    if size > LARGEST_ARRAY and start.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"["):
        raise ValueError(
            f"{name} is a JSON array of {size / 1e9:.1f} GB, which would be read into memory whole; expected at most "
            f"{LARGEST_ARRAY / 1e9:.0f} GB. Write one object a line: jq -c '.[]' FILE > rows.jsonl"
        )


def _pass_line(lines: BinaryIO) -> int:
    """Read to the end of a line, and give the number of bytes that it still had."""
    size = 0
    while more := lines.readline(2**20):
        size += len(more)
        if more.endswith(b"\n"):
            break
    return size


def read_json_lines(path: Path) -> Iterator[tuple[int, Any, str]]:
    """Line number and value of each line that is not blank, or what is wrong with its JSON; never read as an array."""
    with path.open("rb") as lines:
        for number, raw in enumerate(lines, start=1):
            if raw.strip():
                yield number, *_json_line(raw, begins=number == 1)


def _json_line(raw: bytes, *, begins: bool = False) -> tuple[Any, str]:
    """The value of a line, or what is wrong with it; one that `begins` a file may show that it is of another kind."""
    try:
        return json.loads(raw.decode().rstrip("\r\n")), ""  # a break would count: behind it is column 1
    except json.JSONDecodeError as error:
        return None, f"{error.msg} at column {error.colno}"
    except UnicodeDecodeError as error:
        known = next((words for start, words in _OTHER_FILES.items() if begins and raw.startswith(start)), "")
        return None, known or str(error)
    except (ValueError, RecursionError) as error:  # absurdly long numbers, nested too deep
        return None, str(error)


def whole_rows(path: Path) -> list[dict]:
    """The rows of a JSON Lines file of ours that may still be in writing: a last line that a kill cut short does not
    count. Half a surrogate pair is read as "?".

    Raises:
        ValueError: a broken line before that; says which.
    """
    data = path.read_bytes() if path.exists() else b""
    lines = enumerate(data[: data.rfind(b"\n") + 1].split(b"\n"), start=1)
    return [_whole_row(line, f"{path} line {number}") for number, line in lines if line]


def _whole_row(line: bytes, place: str) -> dict:
    try:
        row = json.loads(line)
        if b"\\ud" in line:  # JSON can hold half a surrogate pair; tables and pages cannot
            row = json.loads(json.dumps(row, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{place} is broken: {error}. Delete it and what follows, and run the same again.") from None
    if not isinstance(row, dict):
        raise ValueError(f"{place} is no JSON object. Delete it and what follows, and run the same again.")
    return row


def csv_encoding(path: Path) -> str:
    """How the text of a CSV is encoded, as far as its bytes tell.

    "utf-8-sig" (with a mark at its start or none), "utf-16" (by its mark), or "cp1252" (Windows' Latin-1): a file that
    has other bytes than ASCII, and none of them as UTF-8. One broken byte among good UTF-8 does not make it Latin-1.
    """
    with path.open("rb") as file:
        if file.read(2) in (b"\xff\xfe", b"\xfe\xff"):
            return "utf-16"
    has_others = False
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as lines:
        for line in lines:
            others = [] if line.isascii() else [character for character in line if not character.isascii()]
            if not all(map(_is_lone, others)):
                return "utf-8-sig"
            has_others = has_others or bool(others)
    return "cp1252" if has_others else "utf-8-sig"


def _is_lone(character: str) -> bool:
    """Whether it stands for a byte that is not UTF-8."""
    return "\udc80" <= character <= "\udcff"


def _csv_rows(path: Path) -> Iterator[tuple[int, Any, str]]:
    """A CSV with column names in its first line; a row with more or fewer fields than names is wrong."""
    encoding = csv_encoding(path)
    errors = "surrogateescape" if encoding == "utf-8-sig" else "replace"
    with path.open(encoding=encoding, errors=errors, newline="") as lines:
        rows = csv.reader(lines)
        names: list[str] | None = None
        while True:
            try:
                values = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                yield rows.line_num, None, str(error)
                continue
            odd = next((value for value in values if not value.isascii() and any(map(_is_lone, value))), None)
            if names is None:
                names = [name.strip() for name in values]
                if twice := [name for name, count in Counter(filter(None, names)).items() if count > 1]:
                    yield rows.line_num, None, f"the column name {twice[0]!r:.60} is there twice; the last one is read"
            elif odd is not None:
                yield rows.line_num, None, f"{odd.encode('utf-8', 'surrogateescape')!r:.60} is not UTF-8"
            elif len(values) == len(names):
                yield rows.line_num, dict(zip(names, values, strict=True)), ""
            elif any(values):
                yield rows.line_num, None, f"{len(values)} fields under {len(names)} column names"


def _array(data: bytes, path: Path) -> list:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"{path.name} starts like a JSON array but cannot be read as one: {error}. Repair that place, or write one "
            "object a line: a broken line then costs one row, not the file."
        ) from error
