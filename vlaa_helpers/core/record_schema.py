"""The columns of a record, and datasets of them."""

import functools
import json
import os
import tempfile
import uuid
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datasets import Dataset, Features


RECORD_COLUMNS = (
    "id", "source", "image", "question", "gt", "verifier_type", "caption", "reasoning", "response", "meta"
)  # fmt: skip


def record_features() -> "Features":
    """The Arrow types of a record: strings, and an image that stays encoded until it is read (None: text only)."""
    from datasets import Features, Image, Value

    return Features({name: Image() if name == "image" else Value("string") for name in RECORD_COLUMNS})


def meta_of(record: Mapping) -> dict:
    """The `meta` of a record as a dictionary: parsed where it is JSON, {} where there is none or it is anything else.

    >>> meta_of({"meta": '{"split": "test"}'})
    {'split': 'test'}
    """
    meta = record.get("meta") or {}
    if isinstance(meta, str):
        try:
            meta = json.loads(meta)
        except ValueError:  # meta of other data sets may be anything
            return {}
    return dict(meta) if isinstance(meta, Mapping) else {}


def require_records(records: "Dataset") -> None:
    """Make sure that a dataset has the columns of a record.

    Raises:
        ValueError: it has not; says which are missing or of another type.
    """
    from datasets import Image

    expected, actual = record_features(), records.features
    wrong = [name for name in RECORD_COLUMNS if name != "image" and actual.get(name) != expected[name]]
    if not isinstance(actual.get("image"), Image):
        wrong.append("image")
    if wrong:
        raise ValueError(
            f"not records: {', '.join(wrong)} missing or of another type; the dataset has "
            f"{', '.join(records.column_names)}. Read it with load_records(), or records.cast(record_features())."
        )


@functools.cache
def _scratch_folder() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="vlaa_records_", ignore_cleanup_errors=True)  # removed at exit


def arrow_dataset(rows: Iterable[dict], features: "Features") -> "Dataset":
    """Write rows to a file of their own and map it: flat memory, and no cache that could outlive a changed source."""
    from datasets import Dataset
    from datasets.arrow_writer import ArrowWriter

    path = os.path.join(_scratch_folder().name, f"{uuid.uuid4().hex}.arrow")
    with ArrowWriter(path=path, features=features) as writer:
        for row in rows:
            writer.write(row)
        writer.finalize()
    return Dataset.from_file(path)
