"""Rows of a file as records: what each row says, in the columns of a record, and a report of each that says too little.

The released files are less regular than their description (arXiv 2504.11468 §2): JSON Lines under `.json`, ground
truths that are numbers, letters, LaTeX or paragraphs, metadata as strings, images that are not shipped. Rows that
cannot be used are reported, each with what was seen and what to do; they neither stop the reading nor vanish.
"""

import ast
import contextlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ..core.answers import FormatProblem, extract_answer, parse_response
from ..core.control_tokens import control_token_in
from ..core.images import check_image, find_image, image_path_parts, png_bytes, read_image_file
from ..core.jsonl import csv_encoding, read_rows
from ..core.printable import one_line
from ..core.record_schema import RECORD_COLUMNS
from ..mini_world.kinds import KINDS
from ..rewards.registry import RELEASE_WORDS, get_verifier, verifier_names
from .safe_archives import image_key
from .selection import Selection

_RELEASE_SOURCES = {  # VLAA-Thinking (Table 1), by image folder
    "clevr_math": "digit", "geoqa170k": "choice", "arxivqa": "choice", "synthesis": "math", "coco": "box", "vg": "box",
    "docvqa": "open_ended", "vizwiz": "open_ended", "allava_laion": "open_ended",
}  # fmt: skip
_KNOWN_COLUMNS = frozenset({*RECORD_COLUMNS, "ds_answer", "answer", "images"})
_LIKE_IMAGE = re.compile(
    r"(image|img|picture|pic|photo)s?([_ -]?(path|file|filename|file_name|name|url|uri|link|src|bytes|data|base64)s?)?"
)
"""What other data sets call the column of the image."""
BOX_FRAME = "Give its box as [x1, y1, x2, y2] in fractions of the image's width and height, from 0 to 1."
"""What is added to questions of `_FRACTIONS` that name no frame: models have habits of their own, as pixels."""
_FRACTIONS = ("coco", "vg")
"""Sources of the release whose ground truths are boxes in fractions of the image."""
_SAYS_FRAME = re.compile(
    r"\b(?:fractions?|normali[sz]ed|0(?:\.0)? ?(?:to|and|[-–]) ?1(?:\.0)?|thousandths|pixels?)\b", re.I
)
_LONGEST_LITERAL = 100_000
"""Characters of a text that is read in Python's notation, at most: its syntax tree takes some 500 bytes for each."""
_SOURCE_OF_FOLDER = {"vg_100k": "vg", "vg_100k_2": "vg", "train2017": "coco"}


def verifier_by_source() -> dict[str, str]:
    """The verifier of each source that has one: those of the release, and the kinds of the mini world.

    >>> verifier_by_source()["clevr_math"], verifier_by_source()["angles"]
    ('digit', 'choice')
    """
    return _RELEASE_SOURCES | {name: kind.verifier_type for name, kind in KINDS.items()}


@dataclass(frozen=True)
class RowProblem:
    """What is wrong with one row of a file.

    Attributes:
        file: name of the file.
        row: position among the rows, from 0; blank lines do not count. None: it is about the file as a whole.
        line: line number from 1; None in a JSON array.
        id: the row's id, "" when it has none.
        kind: a short code, the same for the same trouble: "broken_json", "broken_csv", "no_question", "no_gt",
            "no_verifier_type", "unknown_verifier_type", "bad_gt", "missing_image", "bad_image", "bad_image_path",
            "bad_images", "other_image_column", "bad_meta", "duplicate_id", "control_token", "long_text" or "not_utf8";
            of a benchmark also "bad_row" and "needs_judge"; of the file "few_rows", "passed_over" or "other_counts".
        message: what was found, what should be there, what to do.
        kept: the row is in the dataset all the same, changed as the message says.
    """

    file: str
    row: int | None
    line: int | None
    id: str
    kind: str
    message: str
    kept: bool = False

    def __str__(self) -> str:
        """One line that a terminal can show: control characters are escaped, what is long is cut in its middle."""
        place = f" row {self.row}" if self.line is None else f" line {self.line}"
        place = "" if self.row is None else place
        return f"{self.file}{place}{f' (id {one_line(self.id, 80)})' if self.id else ''}: {one_line(self.message, 800)}"


class _BadRow(Exception):
    """A row that cannot become a record: (kind, message)."""


class _NotWanted(Exception):
    """A row that was not asked for."""


@dataclass
class Reading:
    """One file while it is read: the reader's choices, the row that is read, and what was found so far."""

    path: Path
    roots: list[Path]
    verifier_type: str | None
    missing_images: str
    embed_images: bool
    selection: Selection = field(default_factory=Selection)
    row: int | None = 0
    line: int | None = None
    id: str = ""
    problems: list[RowProblem] = field(default_factory=list)
    ids: Counter = field(default_factory=Counter)
    columns: set = field(default_factory=set)

    def note(self, kind: str, message: str, *, kept: bool) -> None:
        self.problems.append(RowProblem(self.path.name, self.row, self.line, self.id, kind, message, kept))


def records_of(reading: Reading) -> Iterator[dict]:
    """The records of a file, row by row; `reading` gathers what is wrong with the others.

    Raises:
        ValueError: at the end, when the file has no row, or no row with a known column.
    """
    is_csv = reading.path.suffix.lower() == ".csv"
    if is_csv and csv_encoding(reading.path) == "cp1252":
        reading.line = 1
        message = "the file is not UTF-8; read as Latin-1 (Windows-1252). If its letters look wrong, save it as UTF-8."
        reading.note("not_utf8", message, kept=True)
    for row, (line, value, wrong) in enumerate(read_rows(reading.path)):
        reading.row, reading.line = row, line
        reading.id = _text(value.get("id")) if isinstance(value, dict) else ""
        try:
            if not isinstance(value, dict):
                seen = wrong or f"a JSON {type(value).__name__}"
                if is_csv:
                    raise _BadRow(
                        "broken_csv",
                        f"{seen}; expected one field a name, in UTF-8. Put quotes round fields with commas.",
                    )
                raise _BadRow("broken_json", f"{seen}; expected one JSON object. Repair or remove it.")
            reading.columns.update(value)
            record = _record(value, reading)
            reading.selection.taken[record["source"]] += 1
            yield record
            if reading.selection.is_done:
                break
        except _NotWanted:
            continue
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
        found = sorted(reading.columns)[:10]
        raise ValueError(
            f"{reading.path} has none of the columns of a record. Found: {one_line(', '.join(found), 400)}. "
            f"Known: {', '.join(sorted(_KNOWN_COLUMNS))}. Rename yours; question and gt are the least a row needs."
        )


def _record(row: dict, reading: Reading) -> dict:
    image_name = _image_name(row)
    source = _source(row, image_name) or reading.path.stem
    reading.selection.seen[source] += 1
    if not reading.selection.wants(source):
        raise _NotWanted
    question = _text(row.get("question"))
    if not question.strip():
        raise _BadRow("no_question", 'no question; expected a text. Add a "question" to the row.')
    verifier_type = _verifier_type(row, source, reading)
    if verifier_type == "box" and source in _FRACTIONS and not _SAYS_FRAME.search(question):
        question = f"{question.rstrip()}\n{BOX_FRAME}"
    response, gt = _response_and_gt(row)
    if not gt:
        raise _BadRow("no_gt", 'no ground truth; expected gt, or an answer in <answer> tags. Add a "gt" to the row.')
    _refuse_control_tokens(row | {"response": response, "gt": gt})
    image = _image(image_name, source, reading) if image_name else _no_image(row, reading)
    meta = _meta(row.get("meta"), reading)
    final = gt.rpartition("†Answer:")[2].strip().removesuffix(".")
    if final and "†Answer:" in gt:
        meta.setdefault("solution", gt)  # early Synthesis rows: a worked solution whose last line is the answer
        gt = final
    if wrong := get_verifier(verifier_type).check_gt(gt, question, _text(meta)):
        raise _BadRow("bad_gt", f"{wrong}.")
    used = ("", gt, response)
    if extra := {
        name: value
        for name, value in row.items()
        if name not in (*RECORD_COLUMNS, "images") and (name not in _KNOWN_COLUMNS or _text(value).strip() not in used)
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


def _refuse_control_tokens(row: dict) -> None:
    for column in ("question", "gt", "caption", "reasoning", "response"):
        if token := control_token_in(_text(row.get(column))):
            fix = "Take it out, or write it with a space in it."
            raise _BadRow("control_token", f"{column} holds {token!r}, which models read as a control token. {fix}")


def source_and_image(row: dict) -> tuple[str, str]:
    """The source that a row is of and the path of its image, each "" when the row does not say.

    >>> source_and_image({"image": "/images/clevr_math/a.png"})
    ('clevr_math', '/images/clevr_math/a.png')
    """
    try:
        name = _image_name(row)
    except _BadRow:
        name = ""
    return _source(row, name), name


def _text(value: object) -> str:
    """Any JSON value as text: 3.0 is "3" (a table library made floats of integers), a list stays JSON."""
    if value is None or value != value:  # NaN
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.encode("utf-8", "replace").decode()  # JSON can hold half a surrogate pair ("\ud800"); Arrow cannot


def _image_name(row: dict) -> str:
    """The path of a row's image, from `image` or from a list of one in `images`; "" for a row of text alone.

    Text alone is what a row says that has neither, or null, "" or an empty list there. A blank path says that there
    was an image.
    """
    image, listed = row.get("image"), row.get("images")
    name = "" if _is_nothing(image) else _path(image, "image", "bad_image_path")
    if _is_nothing(listed) or (name and listed == [image]):
        return name
    if name or not isinstance(listed, list) or len(listed) != 1:
        seen = f"a list of {len(listed)}" if isinstance(listed, list) else f"{listed!r:.60}"
        seen += f", beside the image {name!r:.60}" if name else ""
        raise _BadRow(
            "bad_images",
            f'images is {seen}; expected a list with the path of one image: a record has one. Write "image": "path".',
        )
    return _path(listed[0], "images[0]", "bad_images")


def _no_image(row: dict, reading: Reading) -> None:
    """Make sure that a row of text alone has no image under another name, which would be lost in silence."""
    for name, value in row.items():
        if name in ("image", "images") or not _LIKE_IMAGE.fullmatch(name.strip().lower()) or _is_nothing(value):
            continue
        keep = reading.missing_images == "keep"
        right = "images" if isinstance(value, list) else "image"
        fix = "Kept without an image." if keep else "Rename it, or remove it for a row of text alone."
        message = f"no image, but a column {name!r:.60}: {value!r:.60}; did you mean {right}? {fix}"
        if not keep:
            raise _BadRow("other_image_column", message)
        reading.note("other_image_column", message, kept=True)
        return


def _is_nothing(value: object) -> bool:
    return value is None or value != value or value in ("", [])  # NaN: a table library's empty field


def _path(value: object, name: str, kind: str) -> str:
    if isinstance(value, str) and (path := _text(value).strip()):
        return path
    fix = "Write the path, or leave the column out for a row of text alone."
    raise _BadRow(kind, f"{name} is {value!r:.60}; expected the path of an image. {fix}")


def _source(row: dict, image_name: str) -> str:
    """The given source, else the first folder of the image, else the start of the id; "" when none of them says it."""
    folders = [part for part in image_path_parts(image_name)[:-1] if part != "images"]
    if name := _text(row.get("source")).strip() or "".join(folders[:1]):
        return _known_source(name) or name
    return _known_source(_text(row.get("id")).partition("-")[0])


def _known_source(name: str) -> str:
    name = name.lower().replace("-", "_")
    name = _SOURCE_OF_FOLDER.get(name, name)
    return name if name in verifier_by_source() else ""


def _verifier_type(row: dict, source: str, reading: Reading) -> str:
    given = _text(row.get("verifier_type")).strip()
    found = given.lower().replace("-", "_") or verifier_by_source().get(source) or reading.verifier_type
    found = RELEASE_WORDS.get(found, found)
    known = verifier_names()
    if found in known:
        return found
    expected = f"expected one of {', '.join(known)}"
    if given:
        fix = f"Correct it, or first register_verifier(Verifier({found!r}, score))."
        raise _BadRow("unknown_verifier_type", f"verifier_type {given!r}; {expected}. {fix}")
    fix = 'Add it, or pass verifier_type="choice" (say) for all rows without one.'
    raise _BadRow("no_verifier_type", f"no verifier_type, and none known for source {source!r}; {expected}. {fix}")


def _meta(value: object, reading: Reading) -> dict:
    """Metadata as a dict; in the release it is one, or the text of one in JSON or in Python's notation."""
    if value is None or value == "":
        return {}
    parsed = value
    long = isinstance(value, str) and len(value) > _LONGEST_LITERAL
    if isinstance(value, str):
        for parse in (json.loads,) if long else (json.loads, ast.literal_eval):
            with contextlib.suppress(ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
                found = parse(value)
                json.dumps(found)  # Python's notation has things that JSON lacks: sets, bytes
                parsed = found
                break
    if isinstance(parsed, dict) and all(isinstance(key, str) for key in parsed):
        return dict(parsed)
    seen = f"meta is a text of {len(value):,} characters, {value[:60]!r}…" if long else f"meta is {value!r:.60}"
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


def _unique_id(source: str, image_name: str, reading: Reading) -> str:
    wanted = reading.id or f"{source}-{PurePosixPath(*image_path_parts(image_name)).stem or reading.row}"
    name = wanted
    while reading.ids[name]:  # the release's own habit: `<source>-<image stem>[-n]`
        reading.ids[wanted] += 1
        name = f"{wanted}-{reading.ids[wanted]}"
    reading.ids[name] += 1
    if reading.id and name != wanted:
        reading.note("duplicate_id", f"id already taken; expected unique ids. Kept as {name}.", kept=True)
    return name


def _image(name: str, source: str, reading: Reading) -> dict | None:
    try:
        path = find_image(name, reading.roots)
    except ValueError as error:
        raise _BadRow("bad_image_path", f"image {error}") from error
    images = reading.selection.images
    if images is not None and image_key(name, source) not in images[source]:
        reading.selection.passed[source] += 1
        raise _NotWanted
    if path is None:
        keep = reading.missing_images == "keep"
        fix = "Kept without an image." if keep else 'Pass another image_root, or missing_images="keep".'
        if source in ("coco", "vg"):
            fix += " The release does not ship COCO and Visual Genome images; loaded by its name on the hub, with "
            fix += f"sources=[{source!r}], it fetches them."
        message = f"image {name} is absent; expected it below {reading.roots[0]}. {fix}"
        if not keep:
            raise _BadRow("missing_image", message)
        reading.note("missing_image", message, kept=True)
        return None
    try:
        data = read_image_file(path)
        is_plain = check_image(data)
    except (OSError, ValueError) as error:
        message = (
            f"image {name} cannot be decoded ({error}); expected a PNG, JPEG or the like. Fetch, shrink or export it "
            "again."
        )
        raise _BadRow("bad_image", message) from error
    if not is_plain:  # 16 bits or CMYK, which the trainers would show wrongly: 8 bits in RGB
        return {"bytes": png_bytes(data), "path": path.with_suffix(".png").name}
    return {"bytes": data, "path": path.name} if reading.embed_images else {"bytes": None, "path": str(path.absolute())}
