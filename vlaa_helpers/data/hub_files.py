"""Files of a data set on the hub: found at one commit, downloaded so that an interruption costs nothing, and checked.

huggingface_hub says where a file is and what it must be; its own download starts from the beginning when the process
ended in between, which an archive of gigabytes cannot afford. What `hf download` has fetched is taken as it is.
"""

import hashlib
import io
import json
import logging
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock

from ..core.whole_files import write_whole
from .download_errors import DownloadError, explain, require_space, size_words
from .ranged_file import RangedFile

logger = logging.getLogger(__name__)
CHUNK = 2**20


@dataclass(frozen=True)
class HubFile:
    """One file of a data set, at one commit.

    Attributes:
        repo: "owner/name" of the data set.
        name: path in it.
        commit: 40 hexadecimal digits, or what the hub calls the version.
        etag: SHA-256 of a large file, git's SHA-1 of a small one.
        size: in bytes.
    """

    repo: str
    name: str
    commit: str
    etag: str
    size: int

    @property
    def folder(self) -> Path:
        """Where it is kept, and what comes out of it: a folder of this very content."""
        is_plain = re.fullmatch(r"[0-9a-zA-Z_-]{8,64}", self.etag)
        return store(self.repo, self.etag if is_plain else hashlib.sha256(self.etag.encode()).hexdigest())

    @property
    def words(self) -> str:
        return f"{self.name} of {self.repo}"


def store(repo: str, part: str) -> Path:
    """A folder for what comes from a data set, below HF_HOME (or HF_ASSETS_CACHE)."""
    from huggingface_hub import cached_assets_path

    return cached_assets_path("vlaa_helpers", namespace=repo, subfolder=part)


def find_hub_file(repo: str, name: str, revision: str | None = None) -> HubFile:
    """Ask the hub for a file: its commit, checksum and size. Nothing is downloaded.

    Without a connection, what was found before is found again; at a commit the hub is asked once only.

    Raises:
        DownloadError: no such data set, revision or file, no right to it, or no connection and not found before.
    """
    from huggingface_hub import constants

    note = store(repo, "found") / f"{hashlib.sha256(json.dumps([revision, name]).encode()).hexdigest()}.json"
    known = HubFile(**json.loads(note.read_bytes())) if note.exists() else None
    if known and revision == known.commit and re.fullmatch(r"[0-9a-f]{40}", revision):
        return known
    try:
        found = _ask(repo, name, revision or constants.DEFAULT_REVISION)
    except Exception as error:
        if known and _is_away(error):
            logger.info(f"{known.words}: the hub cannot be reached; taking what was found there before")
            return known
        raise explain(error, f"{name} of {repo}") from error
    with FileLock(f"{note}.lock"):  # torchrun's processes all come here
        write_whole(note, json.dumps(asdict(found)).encode())
    return found


def _ask(repo: str, name: str, revision: str) -> HubFile:
    from huggingface_hub import get_hf_file_metadata
    from huggingface_hub.utils import build_hf_headers

    says = get_hf_file_metadata(_address(repo, name, revision), headers=build_hf_headers())
    if says.commit_hash is None or says.etag is None or says.size is None:
        raise DownloadError(
            f"{name} of {repo}: the server at {says.location} is no hub: it names no commit, checksum or size. Correct "
            "HF_ENDPOINT, or look at your proxy."
        )
    return HubFile(repo, name, says.commit_hash, says.etag, says.size)


def _address(repo: str, name: str, revision: str) -> str:
    from huggingface_hub import constants, hf_hub_url

    return hf_hub_url(repo, name, repo_type="dataset", revision=revision, endpoint=constants.ENDPOINT)


def _is_away(error: Exception) -> bool:
    """Whether the hub is out of reach or broken, rather than saying no."""
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    broken = isinstance(error, HfHubHTTPError) and error.response.status_code >= 500
    return broken or isinstance(error, OfflineModeIsEnabled | httpx2.TransportError)


def is_here(file: HubFile) -> bool:
    """Whether a file needs no download."""
    return _place(file) is not None


def bytes_to_come(file: HubFile) -> int:
    """How much of a file is still to be downloaded."""
    part = part_of(file)
    return 0 if is_here(file) else file.size - (part.stat().st_size if part.exists() else 0)


def open_hub_file(file: HubFile, start: int = 0) -> io.BufferedReader:
    """Read a file from the hub without keeping it."""
    from huggingface_hub.utils import build_hf_headers

    address = _address(file.repo, file.name, file.commit)
    raw = RangedFile(address, file.words, headers=build_hf_headers(), size=file.size)
    raw.seek(start)
    return io.BufferedReader(raw, 2**16)


def download(file: HubFile, enough: Callable[[bytes], bool] = lambda new: False) -> Path:
    """Bring a file here, from where an earlier download stopped, and hold it against its checksum.

    Args:
        enough: called with each piece that comes; True ends the download early.

    Returns:
        The file, or what there is of it when `enough` ended it: its beginning, named `….part`.

    Raises:
        DownloadError: it cannot be had, there is no room, or its checksum is wrong (what came is then removed).
    """
    if (place := _place(file)) is not None:
        return place
    with FileLock(file.folder / ".lock"):  # torchrun's other processes wait here
        if (place := _place(file)) is not None:
            return place
        part = part_of(file)
        if not _bring(file, part, enough):
            return part
        if (seen := _checksum(part, file)) != file.etag:
            part.unlink()
            raise DownloadError(
                f"{file.words}: checksum {seen:.12}…, expected {file.etag:.12}…: damaged on its way. What came was "
                "removed: run the same again."
            )
        return part.rename(part.with_suffix(""))


def _place(file: HubFile) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    own = file.folder / Path(file.name).name
    if own.exists():
        return own
    cached = try_to_load_from_cache(file.repo, file.name, revision=file.commit, repo_type="dataset")
    return Path(cached) if isinstance(cached, str) else None


def part_of(file: HubFile) -> Path:
    """Where the beginning of a file is kept while the rest has not come."""
    return file.folder / f"{Path(file.name).name}.part"


def _bring(file: HubFile, part: Path, enough: Callable[[bytes], bool]) -> bool:
    """Append to `part` what is missing; False when `enough` ended it before the end."""
    from tqdm.auto import tqdm

    have = part.stat().st_size if part.exists() else 0
    with part.open("ab") as target, part.open("rb") as earlier:
        while piece := earlier.read(CHUNK):
            if enough(piece) and earlier.tell() < file.size:
                return False
        if have < file.size:
            require_space(file.folder, file.size - have, file.words)
        try:
            bar = tqdm(total=file.size, initial=have, unit="B", unit_scale=True, desc=file.name, disable=None)
            with open_hub_file(file, have) as source, bar:
                while piece := source.read1():
                    target.write(piece)
                    have += len(piece)
                    bar.update(len(piece))
                    if enough(piece) and have < file.size:
                        return False
        except OSError as error:
            raise explain(error, file.words, file.folder) from error
    return True


def _checksum(path: Path, file: HubFile) -> str:
    """What the hub's checksum of a file should be; the etag itself where it is of neither known kind."""
    if re.fullmatch(r"[0-9a-f]{64}", file.etag):
        digest = hashlib.sha256()
    elif re.fullmatch(r"[0-9a-f]{40}", file.etag):
        digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode())
    else:
        return file.etag
    with path.open("rb") as data:
        while piece := data.read(CHUNK):
            digest.update(piece)
    return digest.hexdigest()


def plan_words(file: HubFile) -> str:
    """What a download of this file will take, for a line before it starts."""
    missing = bytes_to_come(file)
    had = f", {size_words(file.size - missing)} of it here" if missing < file.size else ""
    return f"{file.name}: {size_words(file.size)}{had}"
