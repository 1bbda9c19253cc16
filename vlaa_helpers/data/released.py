"""The VLAA-Thinking release and data sets laid out like it: rows in one file, images in an archive a source.

Rows and archives come from the hub. The images of COCO and Visual Genome are no part of the release: they come from
those projects' own sites, and only when their sources are named.
"""

import logging
import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..core.jsonl import read_rows
from ..core.paper_numbers import TABLE_1
from .download_errors import DownloadError, require_space, size_words
from .hub_files import HubFile, bytes_to_come, download, find_hub_file, plan_words, store
from .hub_rows import Fetched, fetch_rows, no_large_array
from .image_folders import ImageFolder
from .rows_to_records import source_and_image
from .safe_archives import image_key
from .selection import Selection

logger = logging.getLogger(__name__)
RELEASE = "UCSC-VLAA/VLAA-Thinking"
HUB_FILES = {"sft": "VLAA-Thinking-SFT-126K.json", "rl": "VLAA-Thinking-GRPO-25K.json"}
"""The file of each split of the release."""
ARCHIVED = ("clevr_math", "geoqa170k", "synthesis", "arxivqa", "docvqa", "vizwiz", "allava_laion")
"""Sources whose images are on the hub, in `images/<source>.tar.gz`."""
ELSEWHERE = {
    "coco": ("https://s3.amazonaws.com/images.cocodataset.org/zips/train2017.zip",),
    "vg": tuple(f"https://cs.stanford.edu/people/rak248/VG_100K_2/images{part}.zip" for part in ("", "2")),
}
"""Sources whose images are on the sites of their own projects: one image is read out of a zip at a time.

images.cocodataset.org is a bucket of that name at Amazon, whose certificate does not name it: by its own host it can be
had without encryption only.
"""
_USUAL_IMAGE = 200_000
LARGEST_FIRST_LOOK = 2 * 10**9
"""Bytes of rows that a limit downloads for images of other data sets than the release."""


def is_hub_name(source: str | os.PathLike) -> bool:
    """Whether a source is an "owner/name" on the hub: it looks like one, and its first part is no folder here.

    "runs/…" is none either: what is built and trained goes there, and a wrong path must not be asked of the hub.
    """
    if source == RELEASE and not Path(source).exists():
        return True
    if not re.fullmatch(r"[\w.-]+/[\w.-]+(?<!\.json)(?<!\.jsonl)(?<!\.csv)(?<!\.arrow)", str(source)):
        return False
    owner = Path(str(source)).parts[0]
    return owner != "runs" and not Path(owner).is_dir()


def fetch_by_name(
    repo: str, split: str | None, file: str | None, revision: str | None, selection: Selection, wants_images: bool
) -> Fetched:
    """Bring what `load_records` asks of the hub.

    Args:
        wants_images: False brings the rows alone.

    Raises:
        TypeError, ValueError: a question that makes no sense, before anything is asked.
        DownloadError, UnsafeArchive: as `fetch` and `fetch_rows`.
    """
    if file is not None and split is not None:
        raise TypeError(f'load_records("{repo}") takes a split of the release or a file by name, not both')
    if file is None and (split or "rl") not in HUB_FILES:
        raise ValueError(f'split is "rl" or "sft" on the hub, got {split!r}; file="rows.json" names any other file')
    name = file or HUB_FILES[split or "rl"]
    taken = "" if repo == RELEASE else f"{repo}: no such file here, so it was taken for a data set of the hub."
    if not wants_images:
        with _noting(taken):
            return fetch_rows(repo, name, revision, selection)
    if selection.sources is None:
        if selection.limit is None:
            known = ", ".join((*ARCHIVED, *ELSEWHERE))
            raise ValueError(
                f"{taken or f'{repo} keeps its images in archives, some 26 GB in all.'} Name the sources you want, "
                f'sources=["clevr_math"] (there are {known}), or take a first look: limit=100. Images that you have: '
                'image_root="vlaa/images". The text alone: missing_images="keep".'
            )
        selection.sources = ARCHIVED
    elif repo == RELEASE and (unknown := set(selection.sources) - {*ARCHIVED, *ELSEWHERE}):
        known = ", ".join((*ARCHIVED, *ELSEWHERE))
        raise ValueError(f"{repo} has no source {', '.join(sorted(unknown))}; expected some of {known}")
    with _noting(taken):
        return fetch(repo, name, revision, selection)


@contextmanager
def _noting(words: str) -> Iterator[None]:
    """Add these words to a refusal of the hub."""
    try:
        yield
    except DownloadError as error:
        if words:
            error.add_note(words)
        raise


def fetch(repo: str, name: str, revision: str | None, selection: Selection) -> Fetched:
    """Bring the rows, and the images of `selection.sources`: all of them, or the first of each with a limit.

    What is downloaded is logged before it is. With a limit an archive is read from its start until enough images have
    come. The records are the first of the archives, in the order of these, whatever else is here already; they are no
    random sample. What was read is kept, and is not asked for again.

    Raises:
        DownloadError: a file cannot be had, or there is no room for it.
        UnsafeArchive: an archive is broken or hostile.
        ValueError: a file of rows that is too large: an array, or with a limit one of another data set.
    """
    assert selection.sources is not None
    rows = find_hub_file(repo, name, revision)
    if repo != RELEASE and selection.limit is not None and bytes_to_come(rows) > LARGEST_FIRST_LOOK:
        raise ValueError(
            f"{rows.words}: {size_words(rows.size)}; a first look with images reads all rows, expected at most "
            f'{size_words(LARGEST_FIRST_LOOK)}. Look at the text alone, missing_images="keep", or leave limit out'
        )
    elsewhere = ELSEWHERE if repo == RELEASE else {}
    archives = {source: _archive(rows, source) for source in selection.sources if source not in elsewhere}
    folders = {source: ImageFolder(file.folder, source) for source, file in archives.items()}
    folders |= {source: ImageFolder(store(repo, source), source) for source in selection.sources if source in elsewhere}
    _announce(repo, rows, archives, folders, selection)
    path = download(rows, no_large_array(rows))
    wanted = _wanted(path, selection)
    for source, folder in folders.items():
        count = selection.share(source)
        if source in archives:
            folder.fill_from_hub(archives[source], wanted[source], count)
        elif count is None:
            _fetch_elsewhere(folder, elsewhere[source], wanted[source])
        else:
            folder.fill_first_from_sites(elsewhere[source], wanted[source], count)
    if selection.limit is not None:
        shares = {source: selection.share(source) or 0 for source in folders}
        selection.images = {source: folders[source].first(wanted[source], shares[source]) for source in folders}
    return Fetched(path, [root for folder in folders.values() for root in folder.roots], rows)


def _archive(rows: HubFile, source: str) -> HubFile:
    from huggingface_hub.errors import EntryNotFoundError

    try:
        return find_hub_file(rows.repo, f"images/{source}.tar.gz", rows.commit)
    except DownloadError as error:
        if not isinstance(error.__cause__, EntryNotFoundError):
            raise
        raise DownloadError(f"{error} Or go on without it: leave {source!r} out of sources=[…].") from error


def _fetch_elsewhere(folder: ImageFolder, addresses: tuple[str, ...], wanted: Counter) -> None:
    """Read the images of a source from its own site, and say how many are not there."""
    for address in addresses:
        folder.fill_from_site(address, folder.without_absent(wanted))
    if absent := folder.remember_absent(wanted):
        few = f"{len(absent):,} of {len(wanted):,} images are not on its site, such as {absent[0]}"
        logger.warning(f"{folder.source}: {few}")


def _announce(
    repo: str,
    rows: HubFile,
    archives: dict[str, HubFile],
    folders: dict[str, ImageFolder],
    selection: Selection,
) -> None:
    """Say what will be downloaded and where it goes, and make sure that there is room."""
    lines = [plan_words(rows)] if bytes_to_come(rows) else []
    needed = bytes_to_come(rows)
    for source, folder in folders.items():
        count, file = selection.share(source), archives.get(source)
        if folder.is_complete:
            continue
        if file is None:
            many = "those images that rows name" if count is None else f"{count} images"
            lines.append(
                f"{source}: {many}, about {size_words(_USUAL_IMAGE)} each, from {', '.join(ELSEWHERE[source])}"
            )
            needed += _USUAL_IMAGE * (count or TABLE_1[source]["sft"])
        elif count is None:
            lines.append(f"{plan_words(file)}, unpacked and then removed")
            needed += bytes_to_come(file) + file.size  # while it is unpacked both are here
        else:
            share = _share(rows, source, count)
            about = f", about {size_words(share * file.size)} if they lie evenly in it" if share else ""
            until = f"read from its start until {count} images have come{about}"
            lines.append(f"{plan_words(file)}, {until}; what is read is kept, and read first the next time")
            needed += _USUAL_IMAGE * count + max(0, bytes_to_come(file) - round((1 - share) * file.size))
    if lines:
        folder = rows.folder.parent
        logger.info("\n  ".join([f"downloading what is missing of {repo}, kept in {folder}:", *lines]))
        require_space(folder, needed, repo)


def _share(rows: HubFile, source: str, count: int) -> float:
    """Of the rows of a source, by the paper's Table 1, how large a part `count` is; 0 for other data sets."""
    split = next((split for split, name in HUB_FILES.items() if (rows.repo, rows.name) == (RELEASE, name)), None)
    of_source = TABLE_1[source][split] if split and source in TABLE_1 else 0
    return min(1.0, count / of_source) if of_source else 0.0


def _wanted(path: Path, selection: Selection) -> dict[str, Counter]:
    """How many rows ask for each image, by source and key, in the order of the file; the rows are counted too."""
    assert selection.sources is not None
    wanted: dict[str, Counter] = {source: Counter() for source in selection.sources}
    selection.in_file = Counter()
    for _, row, _ in read_rows(path):
        source, image = source_and_image(row) if isinstance(row, dict) else ("", "")
        selection.in_file[source] += 1
        if image and source in wanted:
            wanted[source][image_key(image, source)] += 1
    return wanted


def count_report(split: str, seen: Counter, sources: tuple[str, ...] | None) -> str:
    """How the rows of a released file differ from the paper's Table 1; "" when they do not.

    Args:
        split: "sft" or "rl".
        seen: rows of each source in the file.
        sources: those that were asked for; None compares all.
    """
    printed = {source: TABLE_1[source][split] or 0 for source in sources or TABLE_1 if source in TABLE_1}
    differ = [
        f"{source} {seen[source]:,}, paper {paper:,}" for source, paper in printed.items() if seen[source] != paper
    ]
    return f"rows a source differ from Table 1 of the paper: {'; '.join(differ)}." if differ else ""
