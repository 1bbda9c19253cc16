"""Where records come from, noted on the dataset itself: what `load_records` was asked for stays with selections."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .note_checks import check_build, read_object

if TYPE_CHECKING:
    from datasets import Dataset

BUILD = "build.json"
"""What a finished build leaves: what went in, and by which models and prompts."""


def note_origin(records: "Dataset", **facts: Any) -> None:
    """Note where records come from, in the description that `datasets` carries along; facts that are None are left out.

    >>> from datasets import Dataset
    >>> records = Dataset.from_dict({"id": ["a", "b"]})
    >>> note_origin(records, data="mine.jsonl", limit=2)
    >>> origins_of(records.select([0]))
    [{'data': 'mine.jsonl', 'limit': 2}]
    """
    records.info.description = json.dumps({name: value for name, value in facts.items() if value is not None})


def note_build(records: "Dataset", folder: Path) -> None:
    """Note on what a build gave where the records that it was made of come from, as its `build.json` says.

    Raises:
        ValueError: a `build.json` that is none.
    """
    built = read_build(folder) if (folder / BUILD).is_file() else {}
    lines = [json.dumps({**origin, "through_build": True}) for origin in built.get("origins", ())]
    records.info.description = "\n".join(lines)


def read_build(folder: Path) -> dict[str, Any]:
    """What a build's `build.json` says: `records`, `sft`, `rl`, `models`, `prompts`, and `origins` if known.

    Raises:
        FileNotFoundError: there is none.
        ValueError: no JSON, no object, or one that lacks something; the message names the file and what to do.
    """
    path, mend = folder / BUILD, "Build again into this folder: what was asked for is kept, and it is written anew"
    built = read_object(path, mend)
    check_build(built, path, mend)
    return built


def origins_of(records: "Dataset") -> list[dict]:
    """What `note_origin` noted, an entry for each origin of records put together; [] where nothing is known."""
    origins = []
    for line in (records.info.description or "").split("\n"):
        try:
            origin = json.loads(line)
        except ValueError:
            continue
        if isinstance(origin, dict) and "data" in origin:
            origins.append(origin)
    return origins
