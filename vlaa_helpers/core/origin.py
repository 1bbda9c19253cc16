"""Where records come from, noted on the dataset itself: what `load_records` was asked for stays with selections."""

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datasets import Dataset


def note_origin(records: "Dataset", **facts: Any) -> None:
    """Note where records come from, in the description that `datasets` carries along; facts that are None are left out.

    >>> from datasets import Dataset
    >>> records = Dataset.from_dict({"id": ["a", "b"]})
    >>> note_origin(records, data="mine.jsonl", limit=2)
    >>> origins_of(records.select([0]))
    [{'data': 'mine.jsonl', 'limit': 2}]
    """
    records.info.description = json.dumps({name: value for name, value in facts.items() if value is not None})


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
