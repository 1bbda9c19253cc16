"""Benchmarks as records, so that `evaluate` can ask and our verifiers can judge them."""

import json
import os
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from ...core.control_tokens import control_token_in
from ...core.images import check_image, png_bytes
from ...core.record_schema import arrow_dataset, record_features
from ...data.rows_to_records import RowProblem
from ...rewards.registry import get_verifier, register_verifier
from .base import Benchmark, Item, UnreadableRow
from .files import benchmark_files
from .registry import get_benchmark

if TYPE_CHECKING:
    import numpy as np
    from datasets import Dataset

_BATCH_ROWS = 64
LONGEST_TEXT = 100_000
"""Bytes of text in one cell of a row, at most: those of published benchmarks have some thousands. Each element of a
list counts as one byte at least."""
LARGEST_IMAGE = 2**26
"""Bytes of one image, at most."""
LARGEST_GROUP = 2**30
"""Bytes that the columns of one row group unpack to, at most: it is what a reader has to hold at once."""
MOST_VALUES = 2**22
"""Values of one column in a row group, at most; each element of a list is one."""
_BATCH_BYTES = 2**25
"""What a batch of rows should take at most, where one value may stand in each of them."""


def load_benchmark(
    name: str,
    *,
    n: int | None = None,
    seed: int = 0,
    folder: str | os.PathLike | None = None,
    revision: str | None = None,
) -> "Dataset":
    """A published benchmark as records, for `evaluate(model, processor, load_benchmark("mathvista_testmini"))`.

    Rows that cannot be read, or that only a free-form judge could score, are left out with a warning that counts them.
    It also says so where fewer or more rows are there than were published. `read_benchmark` gives all of them.
    docs/benchmarks.md says for each benchmark which verifier judges which question.

    Args:
        name: one of `benchmark_names()`.
        n: take a random sample of so many; None takes all. Fewer are taken where there are fewer.
        seed: of the sample: the same seed gives the same questions, so that reports can be compared in pairs.
        folder: with the benchmark's parquet files; by default they come from the hub, once.
        revision: on the hub, a branch, tag or commit.

    Returns:
        Records. `source` is "NAME/VERIFIER", so that a report shows each verifier's questions apart.

    Raises:
        ValueError: an unknown benchmark, a file without its columns, or no row that can be judged.
        FileNotFoundError: no such folder, or none of the benchmark's files in it.
    """
    found = read_benchmark(name, n=n, seed=seed, folder=folder, revision=revision)
    if not len(found.records):
        raise ValueError(f"{name} has no row that can be judged.\n{found}")
    if found.problems or "published_rows" in found.about:
        warnings.warn(str(found), stacklevel=2)
    return found.records


@dataclass(frozen=True)
class BenchmarkRows:
    """What was read of a benchmark.

    Attributes:
        records: the questions that can be judged, or the sample of them that was asked for.
        problems: a report of each row that was left out; of kind "needs_judge" are those whose answer only a free-form
            judge could score.
        about: what a report should say of them: name, repository, rows, judged by which verifier, left out and why.
    """

    records: "Dataset"
    problems: list[RowProblem]
    about: dict

    def __str__(self) -> str:
        about, judgeable = self.about, sum(self.about["judged_by"].values())
        published = f" of {about['published_rows']:,} published" if "published_rows" in about else ""
        head = f"{about['benchmark']}: {about['rows']:,}{published} rows, judged by our verifiers: "
        head += _counts(about["judged_by"])
        if self.problems:
            head += f"; left out: {_counts(about['left_out'])}"
        if len(self.records) < judgeable:
            head += f"; {len(self.records)} are asked, a random sample"
        lines = [head, *map(str, self.problems[:3])]
        if len(self.problems) > 3:
            lines.append(f"… and {len(self.problems) - 3} more; read_benchmark() returns all of them.")
        return "\n  ".join(lines)


def _counts(by_name: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in by_name.items()) or "none"


def read_benchmark(
    name: str,
    *,
    n: int | None = None,
    seed: int = 0,
    folder: str | os.PathLike | None = None,
    revision: str | None = None,
) -> BenchmarkRows:
    """What `load_benchmark` reads, with a report of every row that is left out; the records may be empty.

    The arguments and errors are those of `load_benchmark`.
    """
    if n is not None and n < 1:
        raise ValueError(f"n is a number of questions, 1 or more, or None for all; got {n}")
    benchmark = get_benchmark(name)
    for verifier in benchmark.verifiers:
        register_verifier(verifier)
    reading = _Reading(benchmark)
    files = benchmark_files(benchmark, folder, revision)
    records = arrow_dataset(reading.records_of(files), record_features())
    about = {
        "benchmark": name,
        "repository": benchmark.repository,
        "rows": reading.rows,
        "judged_by": dict(sorted(Counter(records["verifier_type"][:]).items())),
        "left_out": dict(sorted(Counter(problem.kind for problem in reading.problems).items())),
    }
    if benchmark.size not in (None, reading.rows):
        about["published_rows"] = benchmark.size
    if n is not None and n < len(records):
        records = records.select(sorted(Random(f"{name}/{seed}").sample(range(len(records)), n)))
        about["sample_seed"] = seed
    return BenchmarkRows(records, reading.problems, about)


@dataclass
class _Reading:
    """A benchmark while it is read: the row at hand, and what was found so far."""

    benchmark: Benchmark
    rows: int = 0
    problems: list[RowProblem] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)

    def records_of(self, files: list[Path]) -> Iterator[dict]:
        for path in files:
            for place, row in enumerate(_rows(path, self.benchmark)):
                try:
                    if isinstance(row, UnreadableRow):
                        self.rows += 1
                        raise row
                    if not self._keeps(row):
                        continue
                    self.rows += 1
                    yield self._record(self._item(row))
                except UnreadableRow as bad:
                    kind, message = bad.args
                    self.problems.append(RowProblem(path.name, place, None, "", kind, message))

    def _keeps(self, row: dict) -> bool:
        try:
            return self.benchmark.keep(row)
        except _OTHER_TYPES:
            return True  # its reading says what is wrong

    def _item(self, row: dict) -> Item:
        try:
            return self.benchmark.read(row)
        except _OTHER_TYPES as error:
            cells = ", ".join(f"{name} {value!r:.30}" for name, value in row.items() if not isinstance(value, Mapping))
            message = f"a column has not the published type ({error}): {cells}. Fetch the file again, or pass revision="
            raise UnreadableRow("bad_row", message) from error

    def _record(self, item: Item) -> dict:
        name = item.id or str(self.rows)
        question, meta = item.text, json.dumps(dict(item.meta), ensure_ascii=False, default=str)
        if not item.question.strip():
            raise UnreadableRow("no_question", "no question; expected a text")
        if not item.gt.strip():
            raise UnreadableRow("no_gt", "no answer; the split may be one whose answers are kept back")
        if token := control_token_in(f"{question} {item.gt}"):
            says = f"the question or its answer holds {token!r}, which models read as a control token"
            raise UnreadableRow("control_token", f"{says}; fetch the file again, or leave the row out")
        if wrong := get_verifier(item.verifier_type).check_gt(item.gt, question, meta):
            if item.verifier_type in ("math", "digit"):
                wrong = f"the answer {item.gt!r:.60} is no {_READ[item.verifier_type]} that a rule can judge"
                raise UnreadableRow("needs_judge", f"{wrong}; it needs a free-form judge")
            raise UnreadableRow("bad_gt", wrong)
        if name in self.ids:
            raise UnreadableRow("duplicate_id", f"the name {name!r} is taken by a row before it")
        self.ids.add(name)
        return {
            "id": f"{self.benchmark.name}-{name}",
            "source": f"{self.benchmark.name}/{item.verifier_type}",
            "image": _image(item.image),
            "question": question,
            "gt": item.gt,
            "verifier_type": item.verifier_type,
            "caption": "",
            "reasoning": "",
            "response": "",
            "meta": meta,
        }


_OTHER_TYPES = (TypeError, ValueError, AttributeError, LookupError)
"""What a reader raises on cells that are not what it was written for."""
_READ = {"math": "mathematics", "digit": "number"}


def _rows(path: Path, benchmark: Benchmark) -> Iterator[dict | UnreadableRow]:
    """The rows of a parquet file, of the benchmark's columns alone; images stay encoded. What is wrong, for one whose
    text is too long or cannot be decoded."""
    from pyarrow import ArrowException

    try:
        yield from _rows_of_whole_file(path, benchmark)
    except (ArrowException, OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no whole parquet file ({str(error).strip()}); fetch it again") from None


def _rows_of_whole_file(path: Path, benchmark: Benchmark) -> Iterator[dict | UnreadableRow]:
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path)
    there = file.schema_arrow.names
    if missing := [name for name in benchmark.columns if name not in there]:
        raise ValueError(
            f"{path.name} has no column {', '.join(missing)}; {benchmark.name} is read from "
            f"{', '.join(benchmark.columns)}, and the file has {', '.join(there)}. Was another version published? "
            "Pass revision= for the one you mean"
        )
    at_once, packed = _rows_at_once(file, path, benchmark)
    file = pq.ParquetFile(path, metadata=file.metadata, read_dictionary=packed)
    batches = (  # a group at a time: a dictionary within a list cannot go on in the next one
        batch
        for group, rows in enumerate(at_once)
        for batch in file.iter_batches(batch_size=rows, row_groups=[group], columns=list(benchmark.columns))
    )
    for batch in batches:
        too_long = _too_long(batch)
        try:
            if not too_long:
                yield from batch.to_pylist()
                continue
        except UnicodeDecodeError:
            pass  # one by one, to find it
        yield from (too_long.get(place) or _row_or_words(batch.slice(place, 1)) for place in range(len(batch)))


def _rows_at_once(file: Any, path: Path, benchmark: Benchmark) -> tuple[list[int], list[str]]:
    """How many rows of each group of a parquet file to read at once, and which columns to keep as a dictionary.

    A value that many rows or elements share is one in the file: a column of text, or within lists, is read as it
    stands there; of the others a batch could hold a copy for each of its rows.

    Raises:
        ValueError: a row group that unpacks to too much, as the table at the end of the file says.
    """
    leaves = [file.schema.column(k) for k in range(len(file.schema))]
    wanted = [
        (k, leaf.path, leaf.max_repetition_level or leaf.logical_type.type == "STRING")
        for k, leaf in enumerate(leaves)
        if any(f"{leaf.path}.".startswith(f"{name}.") for name in benchmark.columns)
    ]
    at_once = []
    for group in range(file.num_row_groups):
        table = file.metadata.row_group(group)
        counts = {k: table.column(k).num_values for k, _, _ in wanted}
        sizes = {k: max(0, table.column(k).total_uncompressed_size, counts[k] * leaves[k].length) for k in counts}
        size, values = sum(sizes.values()), max(counts.values(), default=0)
        if size > LARGEST_GROUP or values > MOST_VALUES:
            raise ValueError(
                f"{path}: row group {group} unpacks to {size:,} bytes, with {values:,} values in one column; expected "
                f"at most {LARGEST_GROUP:,} bytes and {MOST_VALUES:,} values. Fetch the file again; for one of your "
                "own, write smaller groups: pyarrow.parquet.write_table(table, file, row_group_size=100)"
            )
        copied = max((sizes[k] for k, _, packed in wanted if not packed), default=0)
        at_once.append(min(_BATCH_ROWS, max(1, _BATCH_BYTES // max(1, copied))))
    return at_once, [name for k, name, packed in wanted if packed and leaves[k].physical_type == "BYTE_ARRAY"]


def _too_long(batch: Any) -> dict[int, UnreadableRow]:
    """Rows of a batch, by their place, that have a cell with too much text or too large an image."""
    found = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        for images, kind, most in ((False, "long_text", LONGEST_TEXT), (True, "bad_image", LARGEST_IMAGE)):
            sizes = _bytes_of(column, images)
            for place in (sizes > most).nonzero()[0].tolist():
                says = f"{name} has {int(sizes[place]):,} bytes of {'images' if images else 'text'}"
                advice = "Fetch the file again, or pass revision="
                found[place] = UnreadableRow(kind, f"{says}; expected at most {most:,}. {advice}")
    return found


def _bytes_of(cells: Any, images: bool) -> "np.ndarray":
    """How many bytes each cell of an Arrow array holds of text, or of binary data as images are, in lists and structs
    too; none are made into Python objects. An element of a list has one byte of text at least."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = cells.type
    if isinstance(kind, pa.BaseExtensionType):
        return _bytes_of(cells.storage, images)
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    if is_text or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        if is_text is images:
            return np.zeros(len(cells), dtype=np.int64)
        return pc.fill_null(pc.binary_length(cells), 0).to_numpy(zero_copy_only=False)
    if pa.types.is_dictionary(kind):
        sizes = np.append(_bytes_of(cells.dictionary, images), 0)
        return sizes[pc.fill_null(cells.indices, -1).to_numpy(zero_copy_only=False)]
    total = np.zeros(len(cells), dtype=np.int64)
    if pa.types.is_struct(kind):
        for field_ in cells.flatten():
            total += _bytes_of(field_, images)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        sizes = _bytes_of(pc.list_flatten(cells), images)
        np.add.at(total, pc.list_parent_indices(cells).to_numpy(), sizes if images else np.maximum(sizes, 1))
    elif not (images or pa.types.is_primitive(kind) or pa.types.is_null(kind)):
        total += cells.nbytes  # a kind that no benchmark has, as maps: that of all cells
    return total


def _row_or_words(one: Any) -> dict | UnreadableRow:
    try:
        return one.to_pylist()[0]
    except UnicodeDecodeError as error:
        return UnreadableRow("not_utf8", f"a text is no UTF-8 ({error}); fetch the file again")


def _image(image: object) -> dict | None:
    data = image.get("bytes") if isinstance(image, Mapping) else image
    if not isinstance(data, bytes) or not data:
        raise UnreadableRow("missing_image", f"image is {image!r:.60}; expected one with its bytes in the file")
    try:
        return {"bytes": data if check_image(data) else png_bytes(data), "path": None}
    except ValueError as error:
        raise UnreadableRow("bad_image", f"image cannot be decoded ({error})") from error
