"""The record: one row of visual reasoning data, from the mini world, a file of one's own or the VLAA-Thinking release.

A record has the ten columns of `RECORD_COLUMNS`; `trl_views` derives training data from it. Here the file is found and
its records are written to a dataset; `rows_to_records` makes a record of each row, or a report of what is wrong.
"""

import inspect
import os
import re
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..core.images import check_image_header, image_roots, nearby_words
from ..core.record_schema import arrow_dataset, record_features, require_records
from ..rewards.registry import RELEASE_WORDS, get_verifier
from .rows_to_records import Reading, RowProblem, records_of

if TYPE_CHECKING:
    from datasets import Dataset

HUB_FILES = {"sft": "VLAA-Thinking-SFT-126K.json", "grpo": "VLAA-Thinking-GRPO-25K.json"}
"""Short names of the two files of `UCSC-VLAA/VLAA-Thinking`."""


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
            says); a `.csv` file with column names; an `.arrow` file that `build_dataset` wrote (images as bytes); or a
            dataset on the hub such as "UCSC-VLAA/VLAA-Thinking". The least a row needs is `question` and `gt` or
            `answer`.
        image_root: folder that the rows' image paths start from, or its parent if it is called "images". By default
            the folder of the file. A path or link that leads out of it is reported, an absolute path too. The release
            keeps its images apart from its JSON, so the hub needs one.
        file: on the hub, "grpo", "sft" (see `HUB_FILES`) or the name of a file in the repository.
        revision: on the hub, a branch, tag or commit.
        verifier_type: name of a verifier ("digit", …, or one of your own: `register_verifier`), for rows that give none
            and whose source says none (`verifier_by_source`).
        missing_images: "report" leaves a row out when its image is absent, "keep" keeps it without an image. Both say
            so. COCO and Visual Genome images are never part of the release.
        embed_images: copy the encoded images into the dataset's own temporary file, so that it does not depend on the
            folder any more. False keeps only paths: no disk space, but the images must stay where they are. Images
            with 16 bits a channel or in CMYK are copied all the same, as PNG in RGB: trainers would show them wrongly.
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
    if verifier_type is not None:
        get_verifier(verifier_type)  # an error here where there is none
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
        return _arrow_records(path)
    if roots is None:
        roots = [path.parent, path.parent / "images"]
    reading = Reading(path, roots, verifier_type, missing_images, embed_images)
    return arrow_dataset(records_of(reading), record_features()), reading.problems


def _arrow_records(path: Path) -> tuple["Dataset", list[RowProblem]]:
    from datasets import Dataset

    try:
        records = Dataset.from_file(str(path))
    except (ValueError, OSError) as error:  # Arrow's own words, which leave out the file
        raise ValueError(
            f"{path} cannot be read as Arrow: {error!s:.200}. Build it again, or fetch it again."
        ) from None
    require_records(records)
    problems = list(_image_problems(records, path))
    lost = {problem.row for problem in problems}
    return records.select([row for row in range(len(records)) if row not in lost]) if lost else records, problems


def _image_problems(records: "Dataset", path: Path) -> Iterator[RowProblem]:
    """What is wrong with the images of a file that may be anybody's: `datasets` would open any path and any format."""
    import pyarrow as pa

    images = (image for chunk in records.data.column("image").chunks for image in chunk)
    for row, (name, image) in enumerate(zip(records["id"], images, strict=True)):
        if not image.is_valid:
            continue
        if not image["bytes"].is_valid:
            seen = f"the image is the path {image['path'].as_py()!r:.200}; expected its bytes, as build_dataset writes"
            yield RowProblem(path.name, row, None, name or "", "bad_image_path", f"{seen}. Load it from a .jsonl file.")
            continue
        try:
            check_image_header(pa.BufferReader(image["bytes"].as_buffer()))
        except ValueError as error:
            message = f"the image cannot be decoded ({error}); expected a PNG, JPEG or the like. Build it again."
            yield RowProblem(path.name, row, None, name or "", "bad_image", message)


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
