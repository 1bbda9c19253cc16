"""The record: one row of visual reasoning data, from the mini world, a file of one's own or the VLAA-Thinking release.

A record has the ten columns of `RECORD_COLUMNS`; `views` derives training data from it. The released files are less
regular than their description (arXiv 2504.11468 §2): JSON Lines under `.json`, ground truths that are numbers, letters,
LaTeX or paragraphs, metadata as strings, images that are not shipped. Rows that cannot be used are reported, each with
what was seen and what to do; they neither stop the reading nor vanish.
"""

import ast
import contextlib
import inspect
import json
import os
import re
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Literal

from ..core.answers import FormatProblem, extract_answer, parse_response
from ..core.images import check_image, find_image, image_path_parts, image_roots, nearby_words
from ..core.jsonl import read_rows
from ..core.record_schema import RECORD_COLUMNS, VERIFIER_TYPES, arrow_dataset, record_features, require_records

if TYPE_CHECKING:
    from datasets import Dataset

VERIFIER_BY_SOURCE = {
    # VLAA-Thinking (Table 1), by image folder
    "clevr_math": "digit", "geoqa170k": "choice", "arxivqa": "choice", "synthesis": "math", "coco": "box", "vg": "box",
    "docvqa": "open_ended", "vizwiz": "open_ended", "allava_laion": "open_ended",
    # the mini world
    "blocks": "digit", "angles": "choice", "charts": "choice", "functions": "math", "boxes": "box",
    "stories": "open_ended",
}  # fmt: skip
HUB_FILES = {"sft": "VLAA-Thinking-SFT-126K.json", "grpo": "VLAA-Thinking-GRPO-25K.json"}
"""Short names of the two files of `UCSC-VLAA/VLAA-Thinking`."""
RELEASE_WORDS = {"mcq": "choice", "iou": "box"}
"""What the release, and the paper, call a verifier that has another name here."""
_KNOWN_COLUMNS = frozenset({*RECORD_COLUMNS, "ds_answer", "answer"})
_SOURCE_OF_FOLDER = {"vg_100k": "vg", "vg_100k_2": "vg", "train2017": "coco"}


@dataclass(frozen=True)
class RowProblem:
    """What is wrong with one row of a file.

    Attributes:
        file: name of the file.
        row: position among the rows, from 0; blank lines do not count.
        line: line number from 1; None in a JSON array.
        id: the row's id, "" when it has none.
        kind: a short code, the same for the same trouble: "broken_json", "broken_csv", "no_question", "no_gt",
            "no_verifier_type", "unknown_verifier_type", "missing_image", "bad_image", "bad_image_path", "bad_meta" or
            "duplicate_id".
        message: what was found, what should be there, what to do.
        kept: the row is in the dataset all the same, changed as the message says.
    """

    file: str
    row: int
    line: int | None
    id: str
    kind: str
    message: str
    kept: bool = False

    def __str__(self) -> str:
        place = f"row {self.row}" if self.line is None else f"line {self.line}"
        return f"{self.file} {place}{f' (id {self.id})' if self.id else ''}: {self.message}"


class _BadRow(Exception):
    """A row that cannot become a record: (kind, message)."""


@dataclass
class _Reading:
    """One file while it is read: the reader's choices, the row that is read, and what was found so far."""

    path: Path
    roots: list[Path]
    verifier_type: str | None
    missing_images: str
    embed_images: bool
    row: int = 0
    line: int | None = None
    id: str = ""
    problems: list[RowProblem] = field(default_factory=list)
    ids: Counter = field(default_factory=Counter)
    columns: set = field(default_factory=set)

    def note(self, kind: str, message: str, *, kept: bool) -> None:
        self.problems.append(RowProblem(self.path.name, self.row, self.line, self.id, kind, message, kept))


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
        source: "mini" (the generated world); a `.json` or `.jsonl` file (JSON array or JSON Lines, whatever its name
            says); a `.csv` file with column names; an `.arrow` file that `build_dataset` wrote; or a dataset on the hub
            such as "UCSC-VLAA/VLAA-Thinking". The least a row needs is `question` and `gt` or `answer`.
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
    ['digit', 'choice', 'choice', 'math', 'box', 'open_ended']
    """
    records, problems = read_records(
        source, image_root=image_root, file=file, revision=revision, verifier_type=verifier_type,
        missing_images=missing_images, embed_images=embed_images, **scene_options,
    )  # fmt: skip
    if not problems:
        return records
    kinds = ", ".join(f"{kind} {count}" for kind, count in Counter(problem.kind for problem in problems).most_common())
    left_out = sum(not problem.kept for problem in problems)
    fails = strict or not len(records)
    shown = problems[: 20 if fails else 3]
    lines = [f"{source}: {len(records)} records, {left_out} rows left out, {len(problems)} reports ({kinds}):", *shown]
    if more := len(problems) - len(shown):
        lines.append(f"… and {more} more; read_records() returns all of them.")
    report = "\n  ".join(map(str, lines))
    if fails:
        raise ValueError(report)
    warnings.warn(report, stacklevel=2)
    return records


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
    verifier_type = RELEASE_WORDS.get(verifier_type, verifier_type)
    if verifier_type not in (None, *VERIFIER_TYPES):
        raise ValueError(f"unknown verifier_type {verifier_type!r}; expected one of {', '.join(VERIFIER_TYPES)}")
    if source == "mini":
        if image_root is not None or verifier_type is not None:
            raise TypeError('load_records("mini") draws its own images: image_root and verifier_type are for files')
        from ..mini_world.scenes import make_scenes

        accepted = inspect.signature(make_scenes).parameters
        if unknown := sorted(scene_options.keys() - accepted.keys()):
            raise TypeError(f'load_records("mini") got {", ".join(unknown)}; make_scenes takes {", ".join(accepted)}')
        return make_scenes(**{"n": 600, **scene_options}), []
    if scene_options:
        raise TypeError(
            f"load_records({str(source)!r}) got {', '.join(sorted(scene_options))}: not among its own arguments, and "
            'options of scenes are for load_records("mini") only. To take a part: load_records(…).select(range(100))'
        )
    roots = None if image_root is None else image_roots(image_root)
    path = _find_file(source, file=file, revision=revision, needs_root=roots is None and missing_images == "report")
    if path.suffix == ".arrow":
        return _arrow_records(path), []
    if roots is None:
        roots = [path.parent, path.parent / "images"]
    reading = _Reading(path, roots, verifier_type, missing_images, embed_images)
    return arrow_dataset(_records(reading), record_features()), reading.problems


def _arrow_records(path: Path) -> "Dataset":
    from datasets import Dataset

    records = Dataset.from_file(str(path))
    require_records(records)
    return records


def _find_file(source: str | os.PathLike, *, file: str, revision: str | None, needs_root: bool) -> Path:
    path = Path(source).expanduser()
    if path.is_file():
        return path
    if not path.exists() and re.fullmatch(r"[\w.-]+/[\w.-]+(?<!\.json)(?<!\.jsonl)(?<!\.csv)(?<!\.arrow)", str(source)):
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
    seen, wanted = ("is a folder", "a .json, .jsonl or .csv file") if path.is_dir() else ("no such file", "such a file")
    raise FileNotFoundError(
        f'{source}: {seen}. {nearby_words(path)} Pass {wanted}, "mini" for the generated world, or a dataset on the '
        'hub such as "UCSC-VLAA/VLAA-Thinking".'
    )


def _records(reading: _Reading) -> Iterator[dict]:
    for row, (line, value, wrong) in enumerate(read_rows(reading.path)):
        reading.row, reading.line = row, line
        reading.id = _text(value.get("id")) if isinstance(value, dict) else ""
        try:
            if not isinstance(value, dict):
                seen = wrong or f"a JSON {type(value).__name__}"
                if reading.path.suffix.lower() == ".csv":
                    raise _BadRow(
                        "broken_csv", f"{seen}; expected one field a name. Put quotes round fields with commas."
                    )
                raise _BadRow("broken_json", f"{seen}; expected one JSON object. Repair or remove it.")
            reading.columns.update(value)
            yield _record(value, reading)
        except _BadRow as bad:
            reading.note(*bad.args, kept=False)
        except RecursionError:
            reading.note("broken_json", "nested too deep; expected a flat object. Repair or remove it.", kept=False)
    if not reading.columns:
        broken = f" The first: {reading.problems[0]}" if reading.problems else ""
        raise ValueError(
            f"{reading.path} has no row: {reading.path.stat().st_size} bytes, not one object. Expected a JSON array of "
            f"objects, one object a line, or a CSV with column names.{broken}"
        )
    if not _KNOWN_COLUMNS & reading.columns:
        raise ValueError(
            f"{reading.path} has none of the columns of a record. Found: {', '.join(sorted(reading.columns)[:10])}. "
            f"Known: {', '.join(sorted(_KNOWN_COLUMNS))}. Rename yours; question and gt are the least a row needs."
        )


def _record(row: dict, reading: _Reading) -> dict:
    question = _text(row.get("question"))
    if not question.strip():
        raise _BadRow("no_question", 'no question; expected a text. Add a "question" to the row.')
    image_name = _text(row.get("image")).strip()
    source = _source(row, image_name) or reading.path.stem
    verifier_type = _verifier_type(row, source, reading)
    response, gt = _response_and_gt(row)
    if not gt:
        raise _BadRow("no_gt", 'no ground truth; expected gt, or an answer in <answer> tags. Add a "gt" to the row.')
    image = _image(image_name, source, reading) if image_name else None
    meta = _meta(row.get("meta"), reading)
    final = gt.rpartition("†Answer:")[2].strip().removesuffix(".")
    if final and "†Answer:" in gt:
        meta.setdefault("solution", gt)  # early Synthesis rows: a worked solution whose last line is the answer
        gt = final
    used = ("", gt, response)
    if extra := {
        name: value
        for name, value in row.items()
        if name not in RECORD_COLUMNS and (name not in _KNOWN_COLUMNS or _text(value).strip() not in used)
    }:
        meta.setdefault("extra", extra)
    return {
        "id": _unique_id(source, image_name, reading),
        "source": source,
        "image": image,
        "question": question,
        "gt": gt,
        "verifier_type": verifier_type,
        "caption": _text(row.get("caption")),
        "reasoning": _text(row.get("reasoning")) or parse_response(response).think or "",
        "response": response,
        "meta": _text(meta),
    }


def _text(value: object) -> str:
    """Any JSON value as text: 3.0 is "3" (a table library made floats of integers), a list stays JSON."""
    if value is None or value != value:  # NaN
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.encode("utf-8", "replace").decode()  # JSON can hold half a surrogate pair ("\ud800"); Arrow cannot


def _source(row: dict, image_name: str) -> str:
    """The given source, else the first folder of the image, else the start of the id; "" when none of them says it."""
    folders = [part for part in image_path_parts(image_name)[:-1] if part != "images"]
    if name := _text(row.get("source")).strip() or "".join(folders[:1]):
        return _known_source(name) or name
    return _known_source(_text(row.get("id")).partition("-")[0])


def _known_source(name: str) -> str:
    name = name.lower().replace("-", "_")
    name = _SOURCE_OF_FOLDER.get(name, name)
    return name if name in VERIFIER_BY_SOURCE else ""


def _verifier_type(row: dict, source: str, reading: _Reading) -> str:
    given = _text(row.get("verifier_type")).strip()
    found = given.lower().replace("-", "_") or VERIFIER_BY_SOURCE.get(source) or reading.verifier_type
    found = RELEASE_WORDS.get(found, found)
    if found in VERIFIER_TYPES:
        return found
    expected = f"expected one of {', '.join(VERIFIER_TYPES)}"
    if given:
        raise _BadRow("unknown_verifier_type", f"verifier_type {given!r}; {expected}. Correct it.")
    fix = 'Add it, or pass verifier_type="choice" (say) for all rows without one.'
    raise _BadRow("no_verifier_type", f"no verifier_type, and none known for source {source!r}; {expected}. {fix}")


def _meta(value: object, reading: _Reading) -> dict:
    """Metadata as a dict; in the release it is one, or the text of one in JSON or in Python's notation."""
    if value is None or value == "":
        return {}
    parsed = value
    if isinstance(value, str):
        for parse in (json.loads, ast.literal_eval):
            with contextlib.suppress(ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
                found = parse(value)
                json.dumps(found)  # Python's notation has things that JSON lacks: sets, bytes
                parsed = found
                break
    if isinstance(parsed, dict) and all(isinstance(key, str) for key in parsed):
        return dict(parsed)
    seen = f"meta is {value!r:.60}"
    reading.note("bad_meta", f'{seen}; expected a JSON object. Kept as it is, under "raw" in meta.', kept=True)
    return {"raw": value}


def _response_and_gt(row: dict) -> tuple[str, str]:
    """The full model text, and the ground truth. `answer` is either, by whether it carries tags (SFT rows do)."""
    response, answer = _text(row.get("response")).strip(), _text(row.get("answer")).strip()
    parsed = parse_response(answer)
    has_tags = parsed.think is not None or parsed.problem is not FormatProblem.NO_ANSWER
    response = response or (answer if has_tags else "") or _text(row.get("ds_answer")).strip()
    gt = _text(row.get("gt")).strip() or ("" if has_tags else answer)
    return response, gt or extract_answer(response) or ""


def _unique_id(source: str, image_name: str, reading: _Reading) -> str:
    wanted = reading.id or f"{source}-{PurePosixPath(*image_path_parts(image_name)).stem or reading.row}"
    name = wanted
    while reading.ids[name]:  # the release's own habit: `<source>-<image stem>[-n]`
        reading.ids[wanted] += 1
        name = f"{wanted}-{reading.ids[wanted]}"
    reading.ids[name] += 1
    if reading.id and name != wanted:
        reading.note("duplicate_id", f"id already taken; expected unique ids. Kept as {name}.", kept=True)
    return name


def _image(name: str, source: str, reading: _Reading) -> dict | None:
    try:
        path = find_image(name, reading.roots)
    except ValueError as error:
        raise _BadRow("bad_image_path", f"image {error}") from error
    if path is None:
        keep = reading.missing_images == "keep"
        fix = "Kept without an image." if keep else 'Pass another image_root, or missing_images="keep".'
        if source in ("coco", "vg"):
            fix += " The release does not ship COCO and Visual Genome images."
        message = f"image {name} is absent; expected it below {reading.roots[0]}. {fix}"
        if not keep:
            raise _BadRow("missing_image", message)
        reading.note("missing_image", message, kept=True)
        return None
    try:
        data = path.read_bytes()
        check_image(data)
    except (OSError, ValueError) as error:
        message = (
            f"image {name} cannot be decoded ({error}); expected a PNG, JPEG or the like. Fetch or export it again."
        )
        raise _BadRow("bad_image", message) from error
    return {"bytes": data, "path": path.name} if reading.embed_images else {"bytes": None, "path": str(path.absolute())}
