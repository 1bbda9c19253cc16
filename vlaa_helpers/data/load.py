"""The record: one row of visual reasoning data, from the mini world, a file of one's own or the VLAA-Thinking release.

A record has the ten columns of `RECORD_COLUMNS`; `trl_views` derives training data from it. Here the file is found and
its records are written to a dataset; `rows_to_records` makes a record of each row, or a report of what is wrong.
"""

import inspect
import os
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..core.built_records import image_problems, read_arrow_records
from ..core.images import image_roots, nearby_words
from ..core.origin import note_build, note_origin
from ..core.record_schema import arrow_dataset, record_features
from ..rewards.registry import RELEASE_WORDS, get_verifier
from .released import HUB_FILES, count_report, fetch_by_name, is_hub_name
from .rows_to_records import Reading, RowProblem, records_of
from .selection import Selection

if TYPE_CHECKING:
    from datasets import Dataset


def load_records(
    source: str | os.PathLike,
    *,
    split: str | None = None,
    sources: Sequence[str] | None = None,
    limit: int | None = None,
    image_root: str | os.PathLike | None = None,
    file: str | None = None,
    revision: str | None = None,
    verifier_type: str | None = None,
    missing_images: Literal["report", "keep"] = "report",
    embed_images: bool | None = None,
    strict: bool = False,
    **scene_options: Any,
) -> "Dataset":
    """Records as a `datasets.Dataset`, whose columns are `RECORD_COLUMNS`.

    Args:
        source: "mini" (the generated world); a `.json` or `.jsonl` file (JSON array or JSON Lines, whatever its name
            says); a `.csv` file with column names; an `.arrow` file that `build_dataset` wrote (images as bytes); or a
            dataset on the hub such as "UCSC-VLAA/VLAA-Thinking". The least a row needs is `question` and `gt` or
            `answer`.
        split: on the hub, "rl" (the default) or "sft"; of the mini world, a split of `make_scenes`.
        sources: rows of these sources alone, such as ["clevr_math", "coco"]. On the hub the images of these and of no
            others are downloaded: from the data set's `images/<source>.tar.gz`, and for "coco" and "vg" from the sites
            of those projects. What is downloaded, and how much, is logged first; it goes below HF_HOME.
        limit: records in all, at most, spread evenly over `sources` (on the hub by default all but "coco" and "vg").
            On the hub the archives are read from their start until enough images have come, and what was read is kept
            for the next time. The records are then those whose images come first in the archives: the same on every
            machine and whatever is here already, for one commit and one limit, but no random sample. One report counts
            the rows that were passed over. The images of RL rows lie among those of all others: the log says about how
            many gigabytes a limit takes.
        image_root: folder that the rows' image paths start from, or its parent if it is called "images". By default
            the folder of the file; for the hub, where what it downloads is kept, and none is downloaded where you name
            one. A path or link that leads out of it is reported, an absolute path too.
        file: on the hub, the name of a file in the data set, for one that has other files than the release.
        revision: on the hub, a branch, tag or commit.
        verifier_type: name of a verifier ("digit", …, or one of your own: `register_verifier`), for rows that give none
            and whose source says none (`verifier_by_source`).
        missing_images: "report" leaves a row out when its image is absent, "keep" keeps it without an image. Both say
            so. On the hub, "keep" without an `image_root` downloads the rows alone, for their text.
        embed_images: copy the encoded images into the dataset's own temporary file, so that it does not depend on the
            folder any more: the default for files. False keeps only paths, the default for the hub: no disk space, but
            the images must stay where they are. Images with 16 bits a channel or in CMYK are copied all the same, as
            PNG in RGB: trainers would show them wrongly.
        strict: raise on the first report instead of warning; rows that a limit on the hub passes over are asked for.
        **scene_options: for "mini" only, passed to `make_scenes`: `n` (600 by default), `sources`, `seed`, `split`, …

    Returns:
        The usable rows, on disk and memory-mapped; the file goes when Python exits. Images are checked, not kept
        decoded. Questions of "coco" and "vg" that name no frame for their box get a sentence that does: fractions, as
        their ground truths are. Columns that a row has beside the known ones are in its `meta` under "extra".

    Raises:
        FileNotFoundError: no such file or image folder.
        DownloadError: the hub, or a site, does not give a file: offline, no right to it, no such name, a full disk.
            What has come is kept; the same call goes on.
        UnsafeArchive: an archive is broken or hostile.
        ValueError: an empty file, none of the known columns, no usable row, or any report with `strict`. For a name on
            the hub, before anything is asked of it: neither `sources` nor `limit` where images are wanted, a source
            that the release does not have, a split other than "rl" and "sft". Everywhere: a limit below 1, an unknown
            `verifier_type` or `missing_images`.
        TypeError: scene options for a file, or file options for "mini"; `sources` that are one text, or none; both
            `split` and `file`.

    >>> list(load_records("mini", n=6, seed=1)["verifier_type"])
    ['digit', 'choice', 'choice', 'math', 'box', 'open_ended']
    """
    records, problems = read_records(
        source, split=split, sources=sources, limit=limit, image_root=image_root, file=file, revision=revision,
        verifier_type=verifier_type, missing_images=missing_images, embed_images=embed_images, **scene_options,
    )  # fmt: skip
    if not problems:
        return records
    kinds = ", ".join(f"{kind} {count}" for kind, count in Counter(problem.kind for problem in problems).most_common())
    left_out = sum(not problem.kept for problem in problems)
    fails = not len(records) or (strict and any(problem.kind != "passed_over" for problem in problems))
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
    split: str | None = None,
    sources: Sequence[str] | None = None,
    limit: int | None = None,
    image_root: str | os.PathLike | None = None,
    file: str | None = None,
    revision: str | None = None,
    verifier_type: str | None = None,
    missing_images: Literal["report", "keep"] = "report",
    embed_images: bool | None = None,
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
        if image_root is not None or verifier_type is not None or limit is not None:
            says = "image_root and verifier_type are for files; n=60 takes fewer"
            raise TypeError(f'load_records("mini") draws its own images: {says}')
        return _mini_records({"split": split, "sources": sources}, scene_options), []
    if scene_options:
        raise TypeError(
            f"load_records({str(source)!r}) got {', '.join(sorted(scene_options))}: not among its own arguments, and "
            'options of scenes are for load_records("mini") only. To take a part: limit=100'
        )
    selection = Selection(sources, limit)
    roots = None if image_root is None else image_roots(image_root)
    if is_hub_name(source):
        wants_images = roots is None and missing_images == "report"
        fetched = fetch_by_name(str(source), split, file, revision, selection, wants_images)
        path, roots = fetched.rows, roots or fetched.roots
        origin = {"data": fetched.file.repo, "file": fetched.file.name, "commit": fetched.file.commit}
        origin["first_of_archives"] = selection.images is not None or None
        embed_images = bool(embed_images)
    else:
        path = _find_file(source, split or file or revision)
        if path.suffix == ".arrow":
            return _arrow_records(path, selection)
        roots = roots or [path.parent, path.parent / "images"]
        origin = {"data": path.name}
    reading = Reading(path, roots, verifier_type, missing_images, embed_images is not False, selection)
    records = arrow_dataset(records_of(reading), record_features())
    _report_on_file(reading)
    left_out = Counter(problem.kind for problem in reading.problems if not problem.kept)
    asked = {"sources": list(sources) if sources is not None else None, "limit": limit}
    note_origin(records, **origin, **asked, left_out=dict(left_out) or None)
    return records, reading.problems


def _mini_records(choices: dict[str, Any], scene_options: dict[str, Any]) -> "Dataset":
    from ..mini_world.scenes import make_scenes

    accepted = inspect.signature(make_scenes).parameters
    if unknown := sorted(scene_options.keys() - accepted.keys()):
        raise TypeError(f'load_records("mini") got {", ".join(unknown)}; make_scenes takes {", ".join(accepted)}')
    chosen = {name: value for name, value in choices.items() if value is not None}
    return make_scenes(**{"n": 600, **chosen, **scene_options})


def _report_on_file(reading: Reading) -> None:
    """Add what is to be known of a file as a whole: fewer rows of a source than asked for, or than the paper says, and
    rows that were passed over."""
    selection = reading.selection
    reading.row, reading.line, reading.id = None, None, ""
    for shortfall in selection.shortfalls():
        reading.note("few_rows", shortfall, kept=True)
    if selection.passed:
        each = ", ".join(f"{source} {count:,}" for source, count in selection.passed.items())
        says = "their images are not in what was read of the archives. A first look is no random sample."
        reading.note("passed_over", f"{selection.passed.total():,} rows passed over ({each}): {says}", kept=True)
    split = next((split for split, name in HUB_FILES.items() if name == reading.path.name), None)
    seen = selection.in_file or (selection.seen if selection.limit is None else None)
    if split and seen is not None and (differ := count_report(split, seen, selection.sources)):
        reading.note("other_counts", differ, kept=True)


def _arrow_records(path: Path, selection: Selection) -> tuple["Dataset", list[RowProblem]]:
    """The records of a built set; its rows are usable as they are."""
    records = read_arrow_records(path)
    note_build(records, path.parent)
    problems = [RowProblem(path.name, row, None, name, *said) for row, name, *said in image_problems(records)]
    lost = {problem.row for problem in problems}
    if not (lost or selection.sources or selection.limit):
        return records, problems
    chosen = []
    for row, source in enumerate(records["source"]):
        if row not in lost and selection.wants(source) and not selection.is_done:
            selection.taken[source] += 1
            chosen.append(row)
    return records.select(chosen), problems


def _find_file(source: str | os.PathLike, hub_option: str | None) -> Path:
    path = Path(source).expanduser()
    if path.is_file() and hub_option is not None:
        raise TypeError(f"load_records({str(source)!r}) got {hub_option!r}: split, file and revision are for the hub")
    if path.is_file():
        return path
    seen, wanted = ("is a folder", "a .json, .jsonl or .csv file") if path.is_dir() else ("no such file", "such a file")
    raise FileNotFoundError(
        f'{source}: {seen}. {nearby_words(path)} Pass {wanted}, "mini" for the generated world, or a dataset on the '
        'hub such as "UCSC-VLAA/VLAA-Thinking" (a name that begins like a folder here is a path, no dataset).'
    )
