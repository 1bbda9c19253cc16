"""Images of a data set in folders of their own, filled from its archives: all of them, or the first few only."""

import io
import shutil
import zipfile
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path, PurePosixPath

from filelock import FileLock

from ..core.whole_files import write_whole
from .download_errors import explain
from .hub_files import HubFile, download, part_of
from .kept_stream import kept_stream
from .ranged_file import RangedFile
from .safe_archives import UnsafeArchive, tar_images, zip_images

TABLE_LIMIT = 2**28
"""Bytes of a zip's table of contents, at most; that of COCO's 118,000 images has about 12 million."""


class ImageFolder:
    """The images of one source, below `root`, by `image_key`."""

    def __init__(self, folder: Path, source: str):
        self.folder, self.source = folder, source
        self.root = folder / "images"

    @property
    def roots(self) -> list[Path]:
        """Where image paths of the source may start."""
        return [self.root, self.root / self.source]

    @property
    def is_complete(self) -> bool:
        return (self.folder / "complete").exists()

    def has(self, key: PurePosixPath) -> bool:
        return (self.root / key).exists()

    def fill_from_hub(self, archive: HubFile, wanted: Counter, count: int | None) -> None:
        """Unpack an archive of the hub: all of it, or from its start until `count` of the wanted rows have an image.

        Args:
            archive: its `.tar.gz`.
            wanted: rows an image, by key.
            count: None downloads the archive, unpacks it whole and then removes it. What is read for a count is kept
                until then, and read first the next time.

        Raises:
            DownloadError: it cannot be had.
            UnsafeArchive: it is broken or hostile; what came out of it is removed.
        """
        with FileLock(self.folder / ".unpack.lock"):
            if self.is_complete:
                return
            if count is None:
                path = download(archive)
                with kept_stream(archive, f"images of {self.source}") as stream:
                    self._keep(tar_images(stream, self.source, lambda key: not self.has(key)), archive.words)
                (self.folder / "complete").touch()
                if path.parent == self.folder:
                    path.unlink()
                return
            missing, enough = self._missing(wanted, count)
            if not missing:
                return
            try:
                with kept_stream(archive, f"images of {self.source}") as stream:
                    self._keep(tar_images(stream, self.source, missing.__contains__), archive.words, enough)
            except UnsafeArchive:
                part_of(archive).unlink(missing_ok=True)  # no checksum was held against it: it may be damaged
                raise

    def _missing(self, wanted: Counter, count: int | None) -> tuple[set[PurePosixPath], Callable[[set], bool]]:
        """The images to look for, none when there are enough, and a test whether those that came are enough."""
        have = sum(rows for key, rows in wanted.items() if self.has(key))
        count = wanted.total() if count is None else min(count, wanted.total())
        missing = {key for key in wanted if have < count and not self.has(key)}
        return missing, lambda keys: have + sum(wanted[key] for key in keys) >= count

    def fill_from_site(self, address: str, wanted: Counter, count: int | None) -> None:
        """Read the wanted images out of a zip on a web server, and nothing else of it.

        Args:
            address: of the zip, on a server that sends parts of files.
            wanted: rows an image, by key.
            count: stop when so many rows have an image; None takes all.

        Raises:
            DownloadError, UnsafeArchive: as `fill_from_hub`.
        """
        with FileLock(self.folder / ".unpack.lock"):
            missing, enough = self._missing(wanted, count)
            if not missing:
                return
            with _open_zip(address, self.source) as archive:
                images = zip_images(archive, self.source, missing.__contains__)
                total = len(missing) if count is None else min(count, len(missing))
                self._keep(images, address, enough, total)

    def remember_absent(self, wanted: Counter) -> list[PurePosixPath]:
        """Note which wanted images no site has, so that they are not looked for again; gives them."""
        absent = [key for key in wanted if not self.has(key)]
        known = {*self._absent(), *map(str, absent)}
        with FileLock(self.folder / ".unpack.lock"):
            write_whole(self.folder / "absent.txt", "\n".join(sorted(known)).encode())
        return absent

    def without_absent(self, wanted: Counter) -> Counter:
        """The wanted images without those that were looked for before and are on no site."""
        absent = self._absent()
        return Counter({key: rows for key, rows in wanted.items() if str(key) not in absent})

    def _absent(self) -> set[str]:
        note = self.folder / "absent.txt"
        return set(note.read_text("utf-8").splitlines()) if note.exists() else set()

    def _keep(
        self,
        images: Generator[tuple[PurePosixPath, bytes]],
        what: str,
        enough: Callable[[set], bool] = lambda keys: False,
        total: int | None = None,
    ) -> None:
        """Write images until there are enough; an unsafe archive leaves none.

        Args:
            total: how many will come, for a bar; None where bytes are counted already.
        """
        from tqdm.auto import tqdm

        kept: set[PurePosixPath] = set()
        with closing(images):
            try:
                bar = {"desc": f"images of {self.source}", "unit": "image", "disable": None if total else True}
                for key, data in tqdm(images, total=total, **bar):
                    target = self.root / key
                    target.parent.mkdir(parents=True, exist_ok=True)
                    write_whole(target, data)
                    kept.add(key)
                    if enough(kept):
                        return
            except UnsafeArchive as error:
                shutil.rmtree(self.root, ignore_errors=True)
                says = f"{what}: {error}. What came out of it was removed; go on without it: leave {self.source!r}"
                raise UnsafeArchive(f"{says} out of sources=[…].") from error
            except OSError as error:
                raise explain(error, what, self.folder) from error


def _open_zip(address: str, source: str) -> zipfile.ZipFile:
    """A zip on a web server, of which only the table of contents was read."""
    raw = RangedFile(address, address)
    raw.budget = TABLE_LIMIT
    raw.seek(-min(raw.size, 2**16), io.SEEK_END)
    raw.read(1)  # zipfile takes an error at the end of a file for "no zip": here it is seen as what it is
    try:
        archive = zipfile.ZipFile(io.BufferedReader(raw))
    except zipfile.BadZipFile as error:
        says = f"{address}: {error}; expected a whole .zip. Go on without it: leave {source!r} out of sources=[…]."
        raise UnsafeArchive(says) from error
    raw.budget = None
    return archive
