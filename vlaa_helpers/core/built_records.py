"""Arrow files of records, as a build leaves them: they may be anybody's, and `datasets` opens what they name."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .images import check_image_header
from .record_schema import RECORD_COLUMNS, require_records

if TYPE_CHECKING:
    from datasets import Dataset

_DAMAGED = (ValueError, TypeError, AttributeError, LookupError, NotImplementedError, OSError)
"""What `datasets` and Arrow raise on files that are no Arrow or a damaged one."""


def read_arrow(path: Path) -> "Dataset":
    """What is in an Arrow file, memory-mapped, once all of it was found to be whole.

    Raises:
        ValueError: no Arrow, or a damaged file: one would end the process where it is read.
    """
    from datasets import Dataset

    try:
        found = Dataset.from_file(str(path))
        found.data.validate(full=True)
    except _DAMAGED as error:  # Arrow's own words, which leave out the file
        raise ValueError(
            f"{path} cannot be read as Arrow: {error!s:.200}. Build it again, or fetch it again."
        ) from None
    return found


def read_arrow_records(path: Path) -> "Dataset":
    """The records of an Arrow file, without columns that a record does not have; of images see `image_problems`.

    Raises:
        ValueError: as of `read_arrow`, or not records.
    """
    found = read_arrow(path)
    require_records(found)
    return found.select_columns(list(RECORD_COLUMNS))


def read_built(path: Path) -> "Dataset":
    """The records of a set that `build_dataset` wrote, all of them with images that open no other file.

    Raises:
        ValueError: as of `read_arrow_records`, or an image that is not there as bytes, or is none; names the first.
    """
    records = read_arrow_records(path)
    for row, name, _, wrong in image_problems(records):
        raise ValueError(f"{path} row {row} (id {name}): {wrong}")
    return records


def read_texts(path: Path, columns: Sequence[str]) -> "Dataset":
    """The rows of an Arrow file whose columns are texts.

    Raises:
        ValueError: as of `read_arrow`, or other columns.
    """
    from datasets import Value

    found = read_arrow(path)
    if odd := [name for name in columns if found.features.get(name) != Value("string")]:
        raise ValueError(
            f"{path} has no texts in {', '.join(odd)}; expected what `build_dataset` writes. Build it again."
        )
    return found.select_columns(list(columns))


def image_problems(records: "Dataset") -> Iterator[tuple[int, str, str, str]]:
    """What is wrong with the images of such records: row, id, kind of the problem, and the words for it.

    `datasets` would open any path and any format, on the hub too, with the reader's token.
    """
    import pyarrow as pa

    images = (image for chunk in records.data.column("image").chunks for image in chunk)
    for row, (name, image) in enumerate(zip(records["id"], images, strict=True)):
        if not image.is_valid:
            continue
        if not image["bytes"].is_valid:
            seen = f"the image is the path {image['path'].as_py()!r:.200}; expected its bytes, as build_dataset writes"
            yield row, name or "", "bad_image_path", f"{seen}. Load it from a .jsonl file."
            continue
        try:
            check_image_header(pa.BufferReader(image["bytes"].as_buffer()))
        except ValueError as error:
            message = f"the image cannot be decoded ({error}); expected a PNG, JPEG or the like. Build it again."
            yield row, name or "", "bad_image", message
