"""The parquet files of a benchmark: in a folder of the reader's, or on the hub."""

import os
import re
from fnmatch import fnmatch
from pathlib import Path

from ...core.images import nearby_words
from .base import Benchmark

_SHARD = re.compile(r"(?P<start>.*)-(?P<place>\d{5})-of-(?P<count>\d{5})(?P<end>.*)")
"""The name of one file of many, as the hub has them: `test-00000-of-00003-0a1b2c.parquet`."""


def benchmark_files(benchmark: Benchmark, folder: str | os.PathLike | None, revision: str | None) -> list[Path]:
    """The parquet files of a benchmark, in the order of their names.

    Args:
        folder: holds the repository's files, or one parquet file of them; None takes them from the hub, or from its
            cache where there is no network. What is kept of an interrupted download are its whole files.
        revision: on the hub, a branch, tag or commit.

    Raises:
        FileNotFoundError: no such folder, no file in it that is one of the benchmark's, or a cache that has only some
            of them.
    """
    path = _from_hub(benchmark, revision) if folder is None else Path(folder).expanduser()
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise FileNotFoundError(f"{path}: no such folder. {nearby_words(path)} Pass the one with {benchmark.files}.")
    names = sorted(file.relative_to(path).as_posix() for file in path.rglob("*.parquet") if file.is_file())
    found = [path / name for name in names if any(fnmatch(way, benchmark.files) for way in (name, f"data/{name}"))]
    if not found:
        raise FileNotFoundError(
            f"no file {benchmark.files} of {benchmark.name} in {path}; there: {', '.join(names[:5]) or 'no parquet'}. "
            f"Fetch them: hf download {benchmark.repository} --repo-type dataset --include '{benchmark.files}' "
            f"--local-dir {benchmark.name}, then pass that folder"
        )
    return found


def _from_hub(benchmark: Benchmark, revision: str | None) -> Path:
    from huggingface_hub import snapshot_download

    try:
        folder = snapshot_download(
            benchmark.repository, repo_type="dataset", revision=revision, allow_patterns=benchmark.files
        )
    except Exception as error:
        error.add_note(
            f"{benchmark.name} was looked for in the dataset {benchmark.repository} on the hub (files "
            f"{benchmark.files}). Refused: log in with a token that may read it (hf auth login; HF_TOKEN, where set, "
            "goes before it), and accept the terms on its page where it is gated. Without a network, fetch them "
            f"elsewhere and pass their folder: load_benchmark({benchmark.name!r}, folder=…), vlaa evaluate "
            f"{benchmark.name} --files FOLDER."
        )
        raise
    if not any(Path(folder).rglob("*.parquet")):
        raise FileNotFoundError(
            f"{benchmark.repository} on the hub has no file {benchmark.files}; was it moved since? Pass the revision= "
            f"that has it, or fetch it elsewhere and pass its folder: load_benchmark({benchmark.name!r}, folder=…)"
        )
    if missing := _missing_shards(Path(folder), benchmark.files):
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        of_revision = f" --revision {revision}" if revision else ""
        raise FileNotFoundError(
            f"{benchmark.name} is only in part in the cache: {', '.join(missing[:5])}{more} of {benchmark.repository} "
            f"missing. Fetch the rest with a network: hf download {benchmark.repository} --repo-type dataset "
            f"--include '{benchmark.files}'{of_revision}"
        )
    return Path(folder)


def _missing_shards(folder: Path, pattern: str) -> list[str]:
    """Files that others beside them count, as `-00000-of-00003`, and that are not there; a hash in a name is left out
    where it is another's."""
    names = (file.relative_to(folder).as_posix() for file in folder.rglob("*.parquet") if file.is_file())
    found = [match for name in names if fnmatch(name, pattern) and (match := _SHARD.fullmatch(name))]
    there = {(match["start"], match["count"], int(match["place"])) for match in found}
    return [
        f"{start}-{place:05}-of-{count}*.parquet"
        for start, count in sorted({(start, count) for start, count, _ in there})
        for place in range(int(count))
        if (start, count, place) not in there
    ]
