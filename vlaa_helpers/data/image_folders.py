"""Images of a data set in folders of their own, filled from its archives: all of them, or the first few only."""

import errno
import io
import os
import shutil
import zipfile
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from pathlib import Path, PurePosixPath

from filelock import FileLock

from ..core.whole_files import write_whole
from .download_errors import explain
from .hub_files import HubFile, download, part_of
from .kept_stream import kept_stream
from .ranged_file import RangedFile
from .safe_archives import UnsafeArchive, open_zip, tar_images, zip_images

TABLE_LIMIT = 2**28
"""Bytes of a zip's table of contents, at most; that of COCO's 118,000 images has about 12 million."""
ORDER = "order.txt"
"""The names of an archive's images in its order, as far as it was read: a limit takes the first of them."""
_NO_PLACE = (errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ)
"""What a file system says of a name that it cannot have: to try again would not help."""


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
        return os.path.exists(self.root / key)  # False for odd names, which rows may have

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
            if count is None and not self.is_complete:
                self._unpack(archive)
            elif count is not None and not self._has_first(wanted, count):
                self._unpack_first(archive, wanted, count)

    def _unpack(self, archive: HubFile) -> None:
        path = download(archive)
        order: list[PurePosixPath] = []
        with kept_stream(archive, f"images of {self.source}") as stream:
            images = tar_images(stream, self.source, lambda key: order.append(key) or not self.has(key))
            self._keep(images, archive.words)
        self._note_order(order)
        (self.folder / "complete").touch()
        if path.parent == self.folder:
            path.unlink()

    def _unpack_first(self, archive: HubFile, wanted: Counter, count: int) -> None:
        order: list[PurePosixPath] = []
        try:
            with kept_stream(archive, f"images of {self.source}") as stream:
                images = tar_images(stream, self.source, lambda key: order.append(key) or key in wanted)
                self._keep(images, archive.words, lambda keys: sum(wanted[key] for key in keys) >= count)
        except UnsafeArchive:
            part_of(archive).unlink(missing_ok=True)  # no checksum was held against it: it may be damaged
            raise
        self._note_order(order)

    def fill_from_site(self, address: str, wanted: Counter) -> None:
        """Read all wanted images out of a zip on a web server, and nothing else of it.

        Args:
            address: of the zip, on a server that sends parts of files.
            wanted: rows an image, by key.

        Raises:
            DownloadError, UnsafeArchive: as `fill_from_hub`.
        """
        with FileLock(self.folder / ".unpack.lock"):
            missing = {key for key in wanted if not self.has(key)}
            if missing:
                with _open_zip(address, self.source) as archive:
                    self._keep(zip_images(archive, self.source, missing.__contains__), address, total=len(missing))

    def fill_first_from_sites(self, addresses: Sequence[str], wanted: Counter, count: int) -> None:
        """Read the images of `count` wanted rows out of zips on web servers: the first in the order of the zips.

        Their tables of contents say which these are. Arguments and errors as `fill_from_site`.
        """
        with FileLock(self.folder / ".unpack.lock"):
            order: list[PurePosixPath] = []
            for address in addresses:
                if self._has_first(wanted, count):
                    return
                with _open_zip(address, self.source) as archive:
                    list(zip_images(archive, self.source, lambda key: order.append(key) or False))  # takes none
                    missing = {key for key in _first(order, wanted, count)[0] if not self.has(key)}
                    self._keep(zip_images(archive, self.source, missing.__contains__), address, total=len(missing))
                self._note_order(order)

    def first(self, wanted: Counter, count: int) -> set[PurePosixPath]:
        """The images of the shortest beginning of the archive, or of the zips, that so many rows have an image in.

        They are the same wherever and whenever they are asked for: what else is here does not count.
        """
        return _first(self._order(), wanted, count)[0]

    def _has_first(self, wanted: Counter, count: int) -> bool:
        """Whether all of these are known and here, or there are no more."""
        order = self._order()
        images, rows = _first(order, wanted, count)
        return all(map(self.has, images)) and (rows >= min(count, wanted.total()) or (self.is_complete and bool(order)))

    def _note_order(self, order: list[PurePosixPath]) -> None:
        """Note in which order the images of the archive come, as far as it was read."""
        if len(order) > len(self._order()):
            write_whole(self.folder / ORDER, "\n".join(map(str, order)).encode())

    def _order(self) -> list[PurePosixPath]:
        note = self.folder / ORDER
        return [PurePosixPath(name) for name in note.read_text("utf-8").split("\n")] if note.exists() else []

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
                    _write(self.root / key, data)
                    kept.add(key)
                    if enough(kept):
                        return
            except UnsafeArchive as error:
                shutil.rmtree(self.root, ignore_errors=True)
                (self.folder / ORDER).unlink(missing_ok=True)
                says = f"{what}: {error}. What came out of it was removed; go on without it: leave {self.source!r}"
                raise UnsafeArchive(f"{says} out of sources=[…].") from error
            except OSError as error:
                raise explain(error, what, self.folder) from error


def _write(target: Path, data: bytes) -> None:
    """Write an image where there is none.

    Raises:
        UnsafeArchive: there can be none of this name.
    """
    try:
        if not target.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            write_whole(target, data)
    except OSError as error:
        if error.errno not in _NO_PLACE:
            raise
        says = f"an image can have no file {str(target)!r:.300} ({error.strerror})"
        raise UnsafeArchive(f"{says}; expected short names that are no folder's") from error


def _first(order: list[PurePosixPath], wanted: Counter, count: int) -> tuple[set[PurePosixPath], int]:
    """The wanted images of the shortest beginning that `count` rows have an image in, and how many rows do."""
    images: set[PurePosixPath] = set()
    rows = 0
    for key in order:
        if rows >= count:
            break
        if key in wanted and key not in images:
            images.add(key)
            rows += wanted[key]
    return images, rows


def _open_zip(address: str, source: str) -> zipfile.ZipFile:
    """A zip on a web server, of which only the table of contents was read."""
    raw = RangedFile(address, address)
    raw.budget = TABLE_LIMIT
    raw.seek(-min(raw.size, 2**16), io.SEEK_END)
    raw.read(1)  # zipfile takes an error at the end of a file for "no zip": here it is seen as what it is
    try:
        archive = open_zip(io.BufferedReader(raw))
    except UnsafeArchive as error:
        says = f"{address}: {error}. Go on without it: leave {source!r} out of sources=[…]."
        raise UnsafeArchive(says) from error
    raw.budget = None
    return archive
