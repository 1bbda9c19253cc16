"""The rows of a data set on the hub: the whole file, or no more of it than a first look needs."""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from ..core.jsonl import LONGEST_LINE, refuse_large_array
from ..core.whole_files import write_whole
from .hub_files import HubFile, bytes_to_come, download, find_hub_file, plan_words
from .rows_to_records import source_and_image
from .selection import Selection

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fetched:
    """Rows on this disk, the folders that their image paths start from, and the file of the hub that they are."""

    rows: Path
    roots: list[Path]
    file: HubFile


def fetch_rows(repo: str, name: str, revision: str | None, selection: Selection) -> Fetched:
    """Bring the rows alone; with a limit, only the beginning of the file that has enough of them.

    Raises:
        DownloadError: they cannot be had.
        ValueError: an array that memory could not hold.
    """
    file = find_hub_file(repo, name, revision)
    if bytes_to_come(file):
        part = "" if selection.limit is None else f", read until it has {selection.limit} rows"
        logger.info(f"downloading {plan_words(file)}{part}; kept in {file.folder}")
    path = download(file, no_large_array(file) if selection.limit is None else _enough(selection, file))
    if path.suffix == ".part":
        with FileLock(file.folder / ".head.lock"):
            head = path.with_name("head.jsonl")
            write_whole(head, path.read_bytes().rpartition(b"\n")[0])
        path = head
    return Fetched(path, [path.parent], file)


def no_large_array(file: HubFile) -> Callable[[bytes], bool]:
    """A test that lets a download go on to its end, but for an array that memory could not hold."""
    is_first = True

    def test(piece: bytes) -> bool:
        nonlocal is_first
        if is_first:
            refuse_large_array(piece, file.size, file.words)
        is_first = False
        return False

    return test


def _enough(selection: Selection, file: HubFile) -> Callable[[bytes], bool]:
    """A test whether the pieces of a file so far hold enough rows; some more than the limit, as some are unusable."""
    assert selection.limit is not None
    seen, rest = Selection(selection.sources, 2 * selection.limit + 20), b""
    look = no_large_array(file)

    def test(piece: bytes) -> bool:
        nonlocal rest
        look(piece)
        *lines, rest = (rest + piece).split(b"\n")
        rest = rest if len(rest) < LONGEST_LINE else b""  # what follows of such a line is no JSON, so no row
        for line in lines:
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):  # an array's line too: an array is brought whole
                continue
            source = source_and_image(row)[0] if isinstance(row, dict) else ""
            if seen.wants(source):
                seen.taken[source] += 1
        return seen.is_done

    return test
