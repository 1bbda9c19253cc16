"""The record: one row of visual reasoning data, from the mini world, a JSON/JSONL file or the VLAA-Thinking release.

A record has the ten columns of `RECORD_COLUMNS`; training views (`to_sft`, `to_grpo`) are derived from it. The released
files are less regular than their description (arXiv 2504.11468 §2): JSON Lines under `.json`, ground truths that are
numbers, letters, LaTeX or paragraphs, metadata as strings, images that are not shipped. Rows that cannot be used are
reported, each with what was seen and what to do; they neither stop the reading nor vanish.
"""

import ast
import functools
import hashlib
import importlib
import inspect
import io
import json
import math
import os
import re
import tempfile
import uuid
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import dropwhile, pairwise
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Literal

from .answers import SYSTEM_PROMPT, FormatProblem, extract_answer, parse_response

if TYPE_CHECKING:
    from datasets import Dataset, Features
    from PIL import Image

RECORD_COLUMNS = (
    "id", "source", "image", "question", "gt", "verifier_type", "caption", "reasoning", "response", "meta"
)  # fmt: skip
VERIFIER_TYPES = ("digit", "mcq", "math", "iou", "open_ended")
VERIFIER_BY_SOURCE = {
    # VLAA-Thinking (Table 1), by image folder
    "clevr_math": "digit", "geoqa170k": "mcq", "arxivqa": "mcq", "synthesis": "math", "coco": "iou", "vg": "iou",
    "docvqa": "open_ended", "vizwiz": "open_ended", "allava_laion": "open_ended",
    # the mini world
    "blocks": "digit", "angles": "mcq", "charts": "mcq", "functions": "math", "boxes": "iou", "stories": "open_ended",
}  # fmt: skip
HUB_FILES = {"sft": "VLAA-Thinking-SFT-126K.json", "grpo": "VLAA-Thinking-GRPO-25K.json"}
"""Short names of the two files of `UCSC-VLAA/VLAA-Thinking`."""

_KNOWN_COLUMNS = frozenset({*RECORD_COLUMNS, "ds_answer", "answer"})
_SOURCE_ALIASES = {"vg_100k": "vg", "vg_100k_2": "vg", "visualgenome": "vg", "train2017": "coco", "geoqa": "geoqa170k"}
_BATCH_ROWS, _BATCH_BYTES = 256, 32 * 2**20


@dataclass(frozen=True)
class RowProblem:
    """What is wrong with one row of a file.

    Attributes:
        row: position among the rows, from 0; blank lines do not count.
        line: line number from 1; None in a JSON array.
        id: the row's id, "" when it has none.
        seen, expected, fix: what was found, what should be there, what to do.
        kind: a short code, the same for the same trouble: "broken_json", "no_question", "no_gt", "no_verifier_type",
            "unknown_verifier_type", "missing_image", "bad_image", "bad_image_path", "bad_meta" or "duplicate_id".
        kept: the row is in the dataset all the same, changed as `fix` says.
        file: name of the file.
    """

    row: int
    line: int | None
    id: str
    seen: str
    expected: str
    fix: str
    kind: str = ""
    kept: bool = False
    file: str = ""

    def __str__(self) -> str:
        place = f"row {self.row}" if self.line is None else f"line {self.line}"
        name = f" (id {self.id})" if self.id else ""
        return f"{self.file or 'records'} {place}{name}: {self.seen}; expected {self.expected}. {self.fix}"


class _BadRow(Exception):
    """A row that cannot become a record: (kind, seen, expected, fix)."""


@dataclass
class _Reading:
    """One file while it is read: the reader's choices, and what was found so far."""

    path: Path
    roots: list[Path]
    verifier_type: str | None
    missing_images: str
    embed_images: bool
    problems: list[RowProblem] = field(default_factory=list)
    ids: Counter = field(default_factory=Counter)
    columns: Counter = field(default_factory=Counter)


def record_features() -> "Features":
    """The Arrow types of a record: strings, and an image that stays encoded until it is read (None: text only)."""
    from datasets import Features, Image, Value

    return Features({name: Image() if name == "image" else Value("string") for name in RECORD_COLUMNS})


def load_records(
    source: str | os.PathLike,
    *,
    image_root: str | os.PathLike | None = None,
    file: str = "grpo",
    revision: str | None = None,
    verifier_type: str | None = None,
    missing_images: Literal["report", "keep"] = "report",
    embed_images: bool = True,
    strict: bool = False,
    **scene_options: Any,
) -> "Dataset":
    """Records as a `datasets.Dataset`, whose columns are `RECORD_COLUMNS`.

    Args:
        source: "mini" (the generated world), a `.json` or `.jsonl` file (JSON array or JSON Lines, whatever its name
            says), or a dataset on the hub such as "UCSC-VLAA/VLAA-Thinking".
        image_root: folder that the rows' image paths start from, or its parent if it is called "images". By default
            the folder of the file. The release keeps its images apart from its JSON, so the hub needs one.
        file: on the hub, "grpo", "sft" (see `HUB_FILES`) or the name of a file in the repository.
        revision: on the hub, a branch, tag or commit.
        verifier_type: one of `VERIFIER_TYPES`, for rows that give none and whose source is not in `VERIFIER_BY_SOURCE`.
        missing_images: "report" leaves a row out when its image is absent, "keep" keeps it without an image. Both say
            so. COCO and Visual Genome images are never part of the release.
        embed_images: copy the encoded images into the dataset's own temporary file, so that it does not depend on the
            folder any more. False keeps only paths: no disk space, but the images must stay where they are.
        strict: raise on the first report instead of warning.
        **scene_options: for "mini" only, passed to `make_scenes`: `n` (600 by default), `sources`, `seed`, `split`, …

    Returns:
        The usable rows, on disk and memory-mapped; the file goes when Python exits. Images are checked, not kept
        decoded. Columns that a row has beside the known ones are in its `meta` under "extra".

    Raises:
        FileNotFoundError: no such file or image folder.
        ValueError: an empty file, none of the known columns, no usable row, or any report with `strict`.
        TypeError: scene options for a file, or file options for "mini".

    >>> list(load_records("mini", n=6, seed=1)["verifier_type"])
    ['digit', 'mcq', 'mcq', 'math', 'iou', 'open_ended']
    """
    records, problems = read_records(
        source, image_root=image_root, file=file, revision=revision, verifier_type=verifier_type,
        missing_images=missing_images, embed_images=embed_images, **scene_options,
    )  # fmt: skip
    if not problems:
        return records
    kinds = ", ".join(f"{kind} {count}" for kind, count in Counter(problem.kind for problem in problems).most_common())
    left_out = sum(not problem.kept for problem in problems)
    summary = f"{source}: {len(records)} records, {left_out} rows left out, {len(problems)} reports ({kinds}):"
    if strict or not len(records):
        raise ValueError(_report(summary, problems, limit=20))
    warnings.warn(_report(summary, problems, limit=3), stacklevel=2)
    return records


def _report(summary: str, problems: list[RowProblem], *, limit: int) -> str:
    lines = [summary, *(f"  {problem}" for problem in problems[:limit])]
    if len(problems) > limit:
        lines.append(f"  … and {len(problems) - limit} more; read_records() returns all of them.")
    return "\n".join(lines)


def read_records(
    source: str | os.PathLike,
    *,
    image_root: str | os.PathLike | None = None,
    file: str = "grpo",
    revision: str | None = None,
    verifier_type: str | None = None,
    missing_images: Literal["report", "keep"] = "report",
    embed_images: bool = True,
    **scene_options: Any,
) -> tuple["Dataset", list[RowProblem]]:
    """What `load_records` reads, with every report instead of a warning; the dataset may be empty.

    The arguments and errors are those of `load_records`, apart from `strict`.
    """
    if missing_images not in ("report", "keep"):
        raise ValueError(f'missing_images is "report" or "keep", got {missing_images!r}')
    if verifier_type not in (None, *VERIFIER_TYPES):
        raise ValueError(f"unknown verifier_type {verifier_type!r}; expected one of {', '.join(VERIFIER_TYPES)}")
    if source == "mini":
        if image_root is not None or verifier_type is not None:
            raise TypeError('load_records("mini") draws its own images: image_root and verifier_type are for files')
        return _mini_records(scene_options), []
    if scene_options:
        raise TypeError(
            f"load_records({str(source)!r}) got {', '.join(sorted(scene_options))}: not among its own arguments, and "
            'options of scenes are for load_records("mini") only. To take a part: load_records(…).select(range(100))'
        )
    roots = None if image_root is None else _image_roots(Path(image_root))
    path = _find_file(source, file=file, revision=revision, needs_root=roots is None and missing_images == "report")
    if roots is None:
        roots = [path.parent, path.parent / "images"]
    reading = _Reading(path, roots, verifier_type, missing_images, embed_images)
    return _arrow_dataset(_records(reading), record_features()), reading.problems


def _mini_records(options: dict) -> "Dataset":
    make_scenes = importlib.import_module(f"{__package__}.scenes").make_scenes
    accepted = list(inspect.signature(make_scenes).parameters)
    if unknown := sorted(options.keys() - set(accepted)):
        raise TypeError(f'load_records("mini") got {", ".join(unknown)}; make_scenes takes {", ".join(accepted)}')
    return make_scenes(**{"n": 600, **options})


# --- finding the file and its images ---------------------------------------------------------------------------------


def _find_file(source: str | os.PathLike, *, file: str, revision: str | None, needs_root: bool) -> Path:
    path = Path(source).expanduser()
    if path.is_file():
        return path
    looks_like_hub_id = isinstance(source, str) and re.fullmatch(r"[\w.-]+/[\w.-]+", source)
    if not path.exists() and looks_like_hub_id and path.suffix not in (".json", ".jsonl"):
        if needs_root:
            raise ValueError(
                f"{source} keeps its images in archives apart from its JSON files, so image_root is needed. Fetch and "
                f'unpack the ones you want (hf download {source} --repo-type dataset --include "*.tar.gz" --local-dir '
                'vlaa), then pass image_root="vlaa/images"; or missing_images="keep" for the text alone.'
            )
        from huggingface_hub import hf_hub_download

        name = HUB_FILES.get(file, file)
        try:
            return Path(hf_hub_download(source, name, repo_type="dataset", revision=revision))
        except Exception as error:
            error.add_note(f"load_records looked for the file {name} in the dataset {source}; file= picks another.")
            raise
    wanted = "a .json or .jsonl file" if path.is_dir() else "such a file"
    raise FileNotFoundError(
        f'{source}: {"is a folder" if path.is_dir() else "no such file"}. {_nearby(path)} Pass {wanted}, "mini" for '
        'the generated world, or a dataset on the hub such as "UCSC-VLAA/VLAA-Thinking".'
    )


def _image_roots(root: Path) -> list[Path]:
    root = root.expanduser()
    if not root.is_dir():
        raise FileNotFoundError(
            f'image_root {root}: no such folder. {_nearby(root)} Pass the folder that holds "clevr_math", "arxivqa", '
            'and so on; or missing_images="keep" for the text alone.'
        )
    return [root, root / "images"]


def _nearby(path: Path) -> str:
    folder = next(folder for folder in (path, *path.absolute().parents) if folder.is_dir())
    names = sorted(entry.name + "/" * entry.is_dir() for entry in folder.iterdir())
    some = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return f"{folder} holds {some or 'nothing'}."


def _parts(name: str) -> tuple[str, ...]:
    return PurePosixPath(name.replace("\\", "/").lstrip("/")).parts


def _image_path(name: str, reading: _Reading) -> Path | None:
    """Where an image is. Release paths may start with a slash or carry an "images" level once too often."""
    parts = _parts(name)
    if ".." in parts or not parts:
        raise _BadRow("bad_image_path", f"image {name!r}", "a path below image_root", 'Remove the ".." from it.')
    shorter = tuple(dropwhile(lambda part: part == "images", parts))
    shortest = tuple(part for part in parts if part != "images")
    ways = dict.fromkeys(way for way in (parts, shorter, shortest) if way)
    candidates = [root.joinpath(*way) for root in reading.roots for way in ways]
    if Path(name).is_absolute():
        candidates.append(Path(name))
    return next((path for path in candidates if os.path.isfile(path)), None)  # False, not an error, for odd names


# --- rows to records -------------------------------------------------------------------------------------------------


def _rows(path: Path) -> Iterator[tuple[int, int | None, "dict | _BadRow"]]:
    """Row position, line number and content of each row; a JSON array is told by its first character."""
    position = -1
    with path.open("rb") as lines:
        for number, raw in enumerate(lines, start=1):
            if number == 1:
                raw = raw.removeprefix(b"\xef\xbb\xbf")
            if not raw.strip():
                continue
            position += 1
            if position == 0 and raw.lstrip().startswith(b"["):
                for index, value in enumerate(_array(raw + lines.read(), path)):
                    yield index, None, _as_row(value)
                return
            try:
                value = json.loads(raw)
            except (ValueError, RecursionError) as error:  # ValueError: syntax, encoding, absurdly long numbers
                seen = f"{error.msg} at column {error.colno}" if isinstance(error, json.JSONDecodeError) else str(error)
                yield position, number, _BadRow("broken_json", seen, "one JSON object", "Repair or remove the line.")
            else:
                yield position, number, _as_row(value)


def _array(data: bytes, path: Path) -> list:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"{path.name} starts like a JSON array but cannot be read as one: {error}. Repair that place, or write one "
            "object a line: a broken line then costs one row, not the file."
        ) from error


def _as_row(value: object) -> "dict | _BadRow":
    if isinstance(value, dict):
        return value
    return _BadRow("broken_json", f"a JSON {type(value).__name__}", "one JSON object", "Repair or remove the row.")


def _records(reading: _Reading) -> Iterator[dict]:
    objects = 0
    for position, line, row in _rows(reading.path):
        place = RowProblem(position, line, "", "", "", "", file=reading.path.name)
        try:
            if isinstance(row, _BadRow):
                raise row
            objects += 1
            reading.columns.update(row.keys())
            place = replace(place, id=_text(row.get("id")))
            yield _record(row, place, reading)
        except _BadRow as bad:
            _note(reading, place, *bad.args)
    if not objects:
        size = reading.path.stat().st_size
        broken = f" The first: {reading.problems[0]}" if reading.problems else ""
        raise ValueError(
            f"{reading.path} has no row: {size} bytes, not one JSON object. Expected a JSON array of objects, or one "
            f"object a line.{broken}"
        )
    if not _KNOWN_COLUMNS & reading.columns.keys():
        raise ValueError(
            f"{reading.path} has none of the columns of a record. Found: {', '.join(sorted(reading.columns)[:10])}. "
            f"Known: {', '.join(sorted(_KNOWN_COLUMNS))}. Rename yours; question and gt are the least a row needs."
        )


def _note(reading: _Reading, place: RowProblem, kind: str, seen: str, expected: str, fix: str, kept: bool = False):
    reading.problems.append(replace(place, kind=kind, seen=seen, expected=expected, fix=fix, kept=kept))


def _record(row: dict, place: RowProblem, reading: _Reading) -> dict:
    question = _text(row.get("question"))
    if not question.strip():
        raise _BadRow("no_question", "no question", "a text", 'Add a "question" to the row.')
    image_name = _text(row.get("image")).strip()
    source = _source(row, image_name) or reading.path.stem
    verifier_type = _verifier_type(row, source, reading)
    response, gt = _response_and_gt(row)
    if not gt:
        raise _BadRow("no_gt", "no ground truth", "gt, or an answer in <answer> tags", 'Add a "gt" to the row.')
    image = _image(image_name, source, place, reading) if image_name else None
    meta = _meta(row.get("meta"), place, reading)
    final = gt.rpartition("†Answer:")[2].strip().removesuffix(".")
    if final and "†Answer:" in gt:
        meta.setdefault("solution", gt)  # early Synthesis rows: a worked solution whose last line is the answer
        gt = final
    extra = {name: value for name, value in row.items() if name not in _KNOWN_COLUMNS}
    extra |= {
        name: row[name] for name in ("answer", "ds_answer") if _text(row.get(name)).strip() not in ("", gt, response)
    }
    if extra:
        meta.setdefault("extra", extra)
    return {
        "id": _unique_id(place, source, image_name, reading),
        "source": source,
        "image": image,
        "question": question,
        "gt": gt,
        "verifier_type": verifier_type,
        "caption": _text(row.get("caption")),
        "reasoning": _text(row.get("reasoning")) or parse_response(response).think or "",
        "response": response,
        "meta": _utf8(json.dumps(meta, ensure_ascii=False, default=str)),
    }


def _text(value: object) -> str:
    """Any JSON value as text: 3.0 is "3" (a table library made floats of integers), a list stays JSON."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, str):
        return _utf8(value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, int | float) else _utf8(json.dumps(value, ensure_ascii=False))


def _utf8(text: str) -> str:
    return text.encode("utf-8", "replace").decode()  # JSON can hold half a surrogate pair ("\ud800"); Arrow cannot


def _source(row: dict, image_name: str) -> str:
    if given := _text(row.get("source")).strip():
        return _known_source(given) or given
    folders = [part for part in _parts(image_name)[:-1] if part != "images"]
    prefix = _known_source(_text(row.get("id")).partition("-")[0])
    return (_known_source(folders[0]) or folders[0]) if folders else prefix


def _known_source(name: str) -> str:
    name = name.strip().lower().replace("-", "_")
    name = _SOURCE_ALIASES.get(name, name)
    return name if name in VERIFIER_BY_SOURCE else ""


def _verifier_type(row: dict, source: str, reading: _Reading) -> str:
    given = _text(row.get("verifier_type")).strip()
    name = given.lower().replace("-", "_").replace(" ", "_")
    found = name or VERIFIER_BY_SOURCE.get(source) or reading.verifier_type
    if found in VERIFIER_TYPES:
        return found
    expected = f"one of {', '.join(VERIFIER_TYPES)}"
    if given:
        raise _BadRow("unknown_verifier_type", f"verifier_type {given!r}", expected, "Correct it.")
    fix = 'Add it, or pass verifier_type="mcq" (say) for all rows without one.'
    raise _BadRow("no_verifier_type", f"no verifier_type, and none known for source {source!r}", expected, fix)


def _meta(value: object, place: RowProblem, reading: _Reading) -> dict:
    """Metadata as a dict; in the release it is one, or the text of one in JSON or in Python's notation."""
    if value is None or value == "":
        return {}
    parsed = value
    if isinstance(value, str):
        for parse in (json.loads, ast.literal_eval):
            try:
                parsed = parse(value)
                break
            except (ValueError, SyntaxError, MemoryError, RecursionError):
                continue
    if isinstance(parsed, dict) and all(isinstance(key, str) for key in parsed):
        return dict(parsed)
    seen = f"meta is {value!r:.60}"
    _note(reading, place, "bad_meta", seen, "a JSON object", 'Kept as it is, under "raw" in meta.', kept=True)
    return {"raw": value}


def _response_and_gt(row: dict) -> tuple[str, str]:
    """The full model text, and the ground truth. `answer` is either, by whether it carries tags (SFT rows do)."""
    response, answer = _text(row.get("response")).strip(), _text(row.get("answer")).strip()
    parsed = parse_response(answer)
    has_tags = parsed.think is not None or parsed.problem is not FormatProblem.NO_ANSWER
    response = response or (answer if has_tags else "") or _text(row.get("ds_answer")).strip()
    gt = _text(row.get("gt")).strip() or ("" if has_tags else answer)
    return response, gt or extract_answer(response) or ""


def _unique_id(place: RowProblem, source: str, image_name: str, reading: _Reading) -> str:
    wanted = place.id or f"{source}-{PurePosixPath(*_parts(image_name)).stem or place.row}"
    name = wanted
    while reading.ids[name]:  # the release's own habit: `<source>-<image stem>[-n]`
        reading.ids[wanted] += 1
        name = f"{wanted}-{reading.ids[wanted]}"
    reading.ids[name] += 1
    if place.id and name != wanted:
        _note(reading, place, "duplicate_id", "id already taken", "unique ids", f"Kept as {name}.", kept=True)
    return name


def _image(name: str, source: str, place: RowProblem, reading: _Reading) -> dict | None:
    path = _image_path(name, reading)
    if path is None:
        keep = reading.missing_images == "keep"
        seen = f"image {name} is absent"
        expected = f"it below {reading.roots[0]}"
        fix = "Kept without an image." if keep else 'Pass another image_root, or missing_images="keep".'
        if source in ("coco", "vg"):
            fix += " The release does not ship COCO and Visual Genome images."
        if not keep:
            raise _BadRow("missing_image", seen, expected, fix)
        _note(reading, place, "missing_image", seen, expected, fix, kept=True)
        return None
    data = b""
    try:
        data = path.read_bytes()
        _check_image(data)
    except Exception as error:  # decoders raise nearly anything on broken bytes
        seen = f"image {name} cannot be decoded ({len(data)} bytes, first {data[:12]!r}; {error!s:.80})"
        raise _BadRow("bad_image", seen, "a PNG, JPEG or other picture", "Fetch or export it again.") from error
    if reading.embed_images:
        return {"bytes": data, "path": path.name}
    return {"bytes": None, "path": str(path.absolute())}


def _check_image(data: bytes) -> None:
    """Raise if the bytes are no whole image. PNG has checksums; the rest is decoded, JPEG at an eighth of its size."""
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        if image.format == "PNG":
            image.verify()
        else:
            image.draft(None, (1, 1))
            image.load()


# --- Arrow -----------------------------------------------------------------------------------------------------------


@functools.cache
def _scratch_folder() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="vlaa_records_", ignore_cleanup_errors=True)  # removed at exit


def _arrow_dataset(rows: Iterable[dict], features: "Features") -> "Dataset":
    """Write rows to a file of their own and map it: flat memory, and no cache that could outlive a changed source."""
    import pyarrow as pa
    from datasets import Dataset

    path = os.path.join(_scratch_folder().name, f"{uuid.uuid4().hex}.arrow")
    schema = features.arrow_schema
    with pa.OSFile(path, "wb") as sink, pa.ipc.new_stream(sink, schema) as writer:
        for batch in _batches(rows):
            writer.write_batch(pa.RecordBatch.from_pylist(batch, schema=schema))
    return Dataset.from_file(path)


def _batches(rows: Iterable[dict]) -> Iterator[list[dict]]:
    batch, size = [], 0
    for row in rows:
        batch.append(row)
        size += len((row.get("image") or {}).get("bytes") or b"")
        if len(batch) == _BATCH_ROWS or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


# --- training views --------------------------------------------------------------------------------------------------


def completion_of(record: Mapping) -> str:
    """The text that SFT teaches for a record.

    A response with an answer block is used as it is. Distilled text is `<think>…</think>` and then prose (`ds_answer`);
    the paper's SFT rows carry answer tags instead, so such a response, or a bare `reasoning`, becomes
    `<think>…</think>` and the ground truth in answer tags.

    Raises:
        ValueError: no response and no reasoning, or nothing that can be put into the format.

    >>> completion_of({"response": "<think>2 + 1</think> There are three.", "gt": "3"})
    '<think>\\n2 + 1\\n</think>\\n<answer>3</answer>'
    """
    response, gt = record.get("response") or "", record.get("gt") or ""
    parsed = parse_response(response)
    if parsed.answer is not None:
        return response.strip()
    if response and parsed.problem is not FormatProblem.NO_ANSWER:
        raise ValueError(f"response has {parsed.problem}")
    think = parsed.think or (record.get("reasoning") or "").strip()
    completion = f"<think>\n{think}\n</think>\n<answer>{gt}</answer>"
    if not think:
        raise ValueError("no response" if not response else "no thinking in the response")
    if problem := parse_response(completion).problem:
        raise ValueError(f"reasoning and gt do not make a response: {problem}")
    return completion


def to_sft(records: "Dataset") -> "Dataset":
    """The view that TRL's `SFTTrainer` takes: `prompt`, `completion` (messages) and `images` (one, or none).

    Completions come from `completion_of`. The chat template is left to the trainer. The images are shared with
    `records`, not copied; only the text is written, to a temporary file. Pickling the view (dataloader workers that are
    spawned, `num_proc`) does copy embedded images: keep `dataloader_num_workers=0`, or load with `embed_images=False`.

    Raises:
        ValueError: records that cannot be SFT data, with how many, the first three ids and what to do; or a dataset
            without the columns of a record.
    """
    from datasets import Features

    indices = records._indices
    used = None if indices is None else set(indices.column("indices").to_pylist())
    unusable: list[str] = []

    def row_of(position: int, record: dict, has_image: bool) -> dict:
        text = ""
        if used is None or position in used:
            try:
                text = completion_of(record)
            except ValueError as error:
                unusable.append(f"{record['id']} ({error})")
        completion = [{"role": "assistant", "content": [{"type": "text", "text": text}]}]
        return {"prompt": _prompt(record["question"], has_image), "completion": completion}

    features = Features({"prompt": _message_feature(), "completion": _message_feature()})
    view = _view(records, row_of, features, shared=())
    if unusable:
        raise ValueError(
            f"{len(unusable)} of {len(records)} records cannot be SFT data: {', '.join(unusable[:3])}"
            f"{', …' if len(unusable) > 3 else ''}. Let a teacher write responses (build_dataset), or leave them out: "
            'records.filter(lambda response: response != "", input_columns="response")'
        )
    return view


def to_grpo(records: "Dataset") -> "Dataset":
    """The view that TRL's `GRPOTrainer` takes: `prompt`, `images` and what rewards read.

    The other columns are `gt, verifier_type, source, id, question, meta`; the trainer passes them to reward functions.
    Images and those columns are shared with `records`; see `to_sft` for what that means.

    TRL 1.16 cannot have records with and without an image in one generation batch: train on one sort at a time.

    Raises:
        ValueError: a dataset without the columns of a record.
    """
    from datasets import Features

    def row_of(_: int, record: dict, has_image: bool) -> dict:
        return {"prompt": _prompt(record["question"], has_image)}

    shared = ("gt", "verifier_type", "source", "id", "question", "meta")
    return _view(records, row_of, Features({"prompt": _message_feature()}), shared=shared)


def _prompt(question: str, has_image: bool) -> list[dict]:
    # Lists of parts everywhere: Arrow cannot mix them with strings. Parts have no "image" key: Arrow would add it, as
    # None, to text parts too, and both TRL and the Qwen template take a part with such a key for an image.
    image = [{"type": "image", "text": None}] if has_image else []
    return [
        {"role": "system", "content": [{"type": "text", "text": SYSTEM_PROMPT}]},
        {"role": "user", "content": [*image, {"type": "text", "text": question}]},
    ]


def _message_feature() -> Any:
    from datasets import List, Value

    return List({"role": Value("string"), "content": List({"type": Value("string"), "text": Value("string")})})


def _view(
    records: "Dataset", row_of: Callable[[int, dict, bool], dict], text: "Features", *, shared: tuple[str, ...]
) -> "Dataset":
    """New text columns beside the images of `records`, row by row of the table below any selection or shuffle.

    Working below the selection is what lets the image column be shared: `map` or `concatenate_datasets` would write
    every image once more.
    """
    import pyarrow as pa
    from datasets import Dataset, DatasetInfo, Features, Image, List
    from datasets.table import InMemoryTable

    expected = record_features()
    actual = records.features
    wrong = [name for name in RECORD_COLUMNS if name != "image" and actual.get(name) != expected[name]]
    if not isinstance(actual.get("image"), Image):
        wrong.append("image")
    if wrong:
        raise ValueError(
            f"not records: {', '.join(wrong)} missing or of another type; the dataset has "
            f"{', '.join(records.column_names)}. Read it with load_records(), or records.cast(record_features())."
        )
    table = records.data.table
    plain = table.select([name for name in RECORD_COLUMNS if name != "image"])
    rows = (row for batch in plain.to_batches(max_chunksize=_BATCH_ROWS) for row in batch.to_pylist())
    present = (flag for chunk in table["image"].chunks for flag in chunk.is_valid().to_pylist())
    pairs = enumerate(zip(rows, present, strict=True))
    written = _arrow_dataset((row_of(position, row, flag) for position, (row, flag) in pairs), text).data.table

    features = Features({**text, "images": List(Image()), **{name: expected[name] for name in shared}})
    columns = {name: table[name] for name in shared} | {name: written[name] for name in text}
    columns["images"] = _image_lists(table["image"], features.arrow_schema.field("images").type)
    joined = pa.table({name: columns[name] for name in features}, schema=features.arrow_schema)
    fingerprint = hashlib.sha256(f"{records._fingerprint} {sorted(features)}".encode()).hexdigest()[:16]
    info = DatasetInfo(features=features)
    return Dataset(InMemoryTable(joined), info, indices_table=records._indices, fingerprint=fingerprint)


def _image_lists(column: Any, kind: Any) -> Any:
    """The image column as lists of one image or none, without copying: TRL wants [] and fails on None."""
    import numpy as np
    import pyarrow as pa

    lists = []
    for chunk in column.chunks:
        present = chunk.is_valid().to_numpy(zero_copy_only=False)
        edges = [0, *(np.flatnonzero(np.diff(present)) + 1), len(chunk)]
        for start, stop in pairwise(map(int, edges)):  # runs of rows with, or without, an image
            if stop > start:
                count = stop - start
                offsets = np.arange(count + 1) if present[start] else np.zeros(count + 1)
                images = chunk.slice(start, count if present[start] else 0)
                lists.append(pa.ListArray.from_arrays(pa.array(offsets.astype("int32")), images))
    return pa.chunked_array(lists, type=kind)


# --- images ----------------------------------------------------------------------------------------------------------


def decode_image(value: "Image.Image | bytes | Mapping | str | os.PathLike") -> "Image.Image":
    """An RGB picture from any form an image takes here: PIL, encoded bytes, `{"bytes", "path"}`, or a path.

    Upright by its EXIF note, first frame of an animation, transparency dropped as the processors of Qwen-VL do.

    Raises:
        ValueError: None (a text-only record), or bytes that are no image.
        FileNotFoundError: a path that is not there.
    """
    from PIL import Image, ImageOps

    if isinstance(value, Mapping):
        value = value.get("bytes") or value.get("path")
    if value is None:
        raise ValueError("no image: a text-only record has None; test for it before decoding")
    if isinstance(value, Image.Image):
        return value.convert("RGB")
    is_bytes = isinstance(value, bytes | bytearray | memoryview)
    try:
        with Image.open(io.BytesIO(value) if is_bytes else value) as image:
            return ImageOps.exif_transpose(image).convert("RGB")
    except FileNotFoundError:
        raise
    except Exception as error:  # decoders raise nearly anything on broken bytes
        seen = f"{len(value)} bytes, first {bytes(value[:12])!r}" if is_bytes else str(value)
        raise ValueError(f"not a picture that can be decoded: {seen} ({error})") from error


def image_hash(image: "Image.Image | bytes | Mapping | str | os.PathLike") -> str:
    """SHA-256 of what the picture shows: its size and RGB pixels, so re-encoding without loss does not change it."""
    picture = decode_image(image)
    return hashlib.sha256(f"{picture.width}x{picture.height}:".encode() + picture.tobytes()).hexdigest()
