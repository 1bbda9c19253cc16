"""Rows of long work, kept as they come, so that an interrupted run goes on from there."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from .jsonl import whole_rows
from .note_checks import read_object
from .whole_files import open_own, write_whole

RESPONSES, SETTINGS = "responses.jsonl", "settings.json"


class KeptRows:
    """The rows of long work so far: in memory and, when there is a folder, on disk before they count.

    Args:
        folder: where an interrupted run of the same work goes on; None keeps rows in memory only.
        settings: all that the rows depend on.
        wanted: rows of the whole work.
        unit: rows that belong together: of an interrupted run only whole units count.
        what: the work, for the error.
        later: settings that earlier versions did not write: a folder without them can go on.
        free: settings that the rows do not depend on: a folder with others can go on.
        again: what rows of an earlier run are now, before they are kept on; None leaves them as they are.

    Raises:
        ValueError: a folder that holds work with other settings.
    """

    def __init__(
        self,
        folder: str | Path | None,
        settings: dict,
        *,
        wanted: int,
        unit: int = 1,
        what: str,
        later: Sequence[str] = (),
        free: Sequence[str] = (),
        again: Callable[[list[dict]], list[dict]] | None = None,
    ):
        self.settings, self.rows = settings, []
        self._path = None if folder is None else Path(folder) / RESPONSES
        if self._path is None:
            return
        known = self._path.with_name(SETTINGS)
        unsaid = {name: settings[name] for name in later if name in settings}
        rows = whole_rows(self._path)
        before = unsaid | _settings(known) if known.exists() else settings
        before = before if rows else settings  # where nothing is kept, nothing is lost
        names = {*before, *settings}.difference(free)
        if odd := sorted(name for name in names if before.get(name) != settings.get(name)):
            raise ValueError(
                f"{folder} holds another {what}: its {', '.join(odd)} differ; give another folder, or delete it"
            )
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(known, json.dumps(settings, indent=2).encode())
        rows = rows[: wanted if len(rows) >= wanted else len(rows) // unit * unit]
        rows = again(rows) if again else rows
        write_whole(self._path, "".join(map(_line, rows)).encode("utf-8"))
        self.rows = rows

    def add(self, rows: list[dict]) -> None:
        if self._path is not None:
            with open_own(self._path, "a", encoding="utf-8") as file:
                file.write("".join(map(_line, rows)))
        self.rows += rows


def load_kept(
    folder: str | Path, *, what: str, made_by: str, wanted: Callable[[dict], int]
) -> tuple[tuple[dict, ...], dict]:
    """The rows and settings of work that `KeptRows` wrote to its end.

    Args:
        what: the rows, in the plural, for the error.
        made_by: the function that writes such a folder when called with `out`, for the error.
        wanted: settings to the number of rows of the whole work.

    Raises:
        FileNotFoundError: nothing was kept there.
        ValueError: work that did not come to its end.
    """
    folder = Path(folder)
    if not (folder / SETTINGS).exists():
        raise FileNotFoundError(
            f"no report in {folder}; expected {SETTINGS} and {RESPONSES}, as {made_by}(out=…) writes"
        )
    settings = _settings(folder / SETTINGS)
    rows, whole = tuple(whole_rows(folder / RESPONSES)), wanted(settings)
    if len(rows) < whole:
        raise ValueError(
            f"{folder} holds {len(rows)} of {whole} {what}; the same {made_by}(…, out=…) goes on from there"
        )
    return rows, settings


def _settings(path: Path) -> dict:
    return read_object(path, "Write it again, or delete its folder and run anew.")


def _line(row: dict) -> str:
    return json.dumps(row, ensure_ascii=False) + "\n"
