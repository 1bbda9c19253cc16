"""Images out of archives that nobody vouches for: read member by member, and refused at the first that is unsafe.

Nothing is unpacked by tarfile or zipfile themselves. Only plain files are taken, by a name that is made here, so no
member can write outside its folder, be a link or a device, or fill the memory or the disk.
"""

import gzip
import hashlib
import io
import stat
import struct
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Generator
from pathlib import PurePosixPath, PureWindowsPath
from typing import BinaryIO

from ..core.images import image_path_parts
from .download_errors import size_words

LARGEST_IMAGE = 2**26
"""Bytes of one image, at most."""
BETWEEN_IMAGES = 2**24
"""Bytes of headers and padding between two members, at most."""
LARGEST_EXTENSION = 2**12
"""Bytes of one header block that extends another, as one with a long name, at most: tarfile of some Python versions
searches it in a time that grows with its square."""
LONGEST_PART, MOST_PARTS = 200, 20
"""Bytes of one part of an image's name, and parts of it, at most: file systems take parts of up to 255 bytes."""
MOST_EXPANSION = 20
"""Bytes that come out of one compressed byte, at most: images are compressed already, so this is near 1."""
_BROKEN = (EOFError, zlib.error, ValueError, LookupError, OverflowError, RecursionError, struct.error)
"""What tarfile and zipfile raise on broken bytes, beside errors of their own."""
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_EXTENSIONS = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
_IMAGE_NAMES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff")


class UnsafeArchive(ValueError):
    """An archive that is broken, or holds what no archive of images holds; the message names the member."""


def image_key(name: str, source: str) -> PurePosixPath:
    """The one path that an image has here, whatever a row or an archive writes before and between.

    >>> str(image_key("/images/allava_laion/images/a.png", "allava_laion")), str(image_key("VG_100K/1.jpg", "vg"))
    ('allava_laion/a.png', 'vg/VG_100K/1.jpg')
    """
    parts = [part for part in image_path_parts(name) if part != "images"]
    return PurePosixPath(source, *parts[parts[:1] == [source] :])


def tar_images(
    archive: BinaryIO, source: str, take: Callable[[PurePosixPath], bool]
) -> Generator[tuple[PurePosixPath, bytes]]:
    """The images of a .tar.gz, in its order; it is read as it comes, never sought in.

    Args:
        archive: the compressed bytes.
        source: folder that the images belong to; see `image_key`.
        take: whether an image is wanted; the others are passed over, but checked all the same.

    Raises:
        UnsafeArchive: cut off, not a .tar.gz, or a member that is no plain file or folder, leaves its folder, is too
            large, has a header that is too large, expands too much, or has the name of another (apart from capitals)
            with other content.
    """
    names = _Names(source)
    guard = _Guard(archive)
    count = 0
    try:
        with tarfile.open(fileobj=guard, mode="r|", tarinfo=_Member) as tar:
            while (member := _next(tar, guard)) is not None:
                key = names.check(member.name, member.size)
                if not (member.isreg() or member.isdir()) or member.issparse():
                    raise UnsafeArchive(f"{member.name!r} is a link, a device or the like; expected plain files")
                if key is None or member.isdir() or not take(key):
                    continue
                file = tar.extractfile(member)
                data = file.read() if file else b""
                count += 1
                yield key, names.first(key, data)
        _require_end(guard)
    except UnsafeArchive:
        raise
    except (tarfile.TarError, gzip.BadGzipFile, *_BROKEN) as error:
        raise UnsafeArchive(f"broken or cut off after {count} images ({error}); expected a whole .tar.gz") from error


class _Member(tarfile.TarInfo):
    """A member whose extensions are refused by their size, before tarfile reads them."""

    @classmethod
    def frombuf(cls, buf: bytes, encoding: str, errors: str) -> "_Member":
        member = super().frombuf(buf, encoding, errors)
        if member.type in _EXTENSIONS and not 0 <= member.size <= LARGEST_EXTENSION:
            says = f"{member.name!r:.200} is a header of {member.size:,} bytes that extends another"
            raise UnsafeArchive(f"{says}; expected at most {LARGEST_EXTENSION:,}")
        return member


def _next(tar: tarfile.TarFile, guard: "_Guard") -> tarfile.TarInfo | None:
    member = tar.next()
    tar.members.clear()  # it would remember each
    tar.pax_headers.clear()  # global headers pile up, and each member gets a copy of all
    guard.allow(BETWEEN_IMAGES + (min(member.size, LARGEST_IMAGE) if member else 0))
    return member


def _require_end(guard: "_Guard") -> None:
    """Read what is behind the last member, so that the archive's own checksum is held against it."""
    while guard.read(2**16):
        pass


class _Guard(io.RawIOBase):
    """The bytes of a gzip stream, up to an allowance that is given member by member."""

    def __init__(self, compressed: BinaryIO):
        super().__init__()
        self._compressed = _Counted(compressed)
        self._plain = gzip.GzipFile(fileobj=self._compressed)
        self._left, self._out = BETWEEN_IMAGES, 0

    def allow(self, size: int) -> None:
        self._left = size

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        data = self._plain.read(min(size, 2**16) if size >= 0 else 2**16)
        self._left -= len(data)
        self._out += len(data)
        if self._left < 0:
            raise UnsafeArchive(f"more than {size_words(BETWEEN_IMAGES)} that belong to no image; expected images")
        if self._out > MOST_EXPANSION * self._compressed.count + BETWEEN_IMAGES:
            raise UnsafeArchive(f"expands more than {MOST_EXPANSION} times; expected images, which hardly do")
        return data


class _Counted(io.RawIOBase):
    """A stream that knows how much was read of it."""

    def __init__(self, stream: BinaryIO):
        super().__init__()
        self._stream, self.count = stream, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        self.count += len(data)
        return len(data)


def open_zip(file: BinaryIO) -> zipfile.ZipFile:
    """A .zip, of which its table of contents was read.

    Raises:
        UnsafeArchive: it is cut off, or has no table that can be read.
    """
    try:
        return zipfile.ZipFile(file)
    except (zipfile.BadZipFile, NotImplementedError, *_BROKEN) as error:
        raise UnsafeArchive(f"{error}; expected a whole .zip") from error


def zip_images(
    archive: zipfile.ZipFile, source: str, take: Callable[[PurePosixPath], bool]
) -> Generator[tuple[PurePosixPath, bytes]]:
    """The wanted images of a .zip, in its order; only their bytes are read. Arguments and errors as `tar_images`."""
    names = _Names(source)
    try:
        for member in sorted(archive.infolist(), key=lambda member: member.header_offset):
            key = names.check(member.filename, 0 if member.is_dir() else member.file_size)
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR) or member.flag_bits & 1:
                raise UnsafeArchive(f"{member.filename!r} is a link, encrypted or the like; expected plain files")
            if member.compress_type not in _METHODS:
                says = f"{member.filename!r} is compressed by method {member.compress_type}"
                raise UnsafeArchive(f"{says}; expected deflated or stored images")
            if member.file_size > MOST_EXPANSION * member.compress_size + 2**16:
                raise UnsafeArchive(f"{member.filename!r} expands more than {MOST_EXPANSION} times; expected an image")
            if key is None or member.is_dir() or not take(key):
                continue
            with archive.open(member) as file:
                yield key, names.first(key, file.read(LARGEST_IMAGE))
    except UnsafeArchive:
        raise
    except (zipfile.BadZipFile, NotImplementedError, *_BROKEN) as error:
        raise UnsafeArchive(f"broken or cut off ({error}); expected a whole .zip") from error


class _Names:
    """Names of members: safe ones only, and no two for one file."""

    def __init__(self, source: str):
        self._source = source
        self._taken: dict[str, bytes] = {}
        self._folders: set[str] = set()

    def check(self, name: str, size: int) -> PurePosixPath | None:
        """Where an image of this name belongs, None when it is no image.

        Raises:
            UnsafeArchive: a name that leads elsewhere on any system, is too long or too deep, or a size no image has.
        """
        windows = PureWindowsPath(name)
        bad = windows.drive or windows.root or ".." in windows.parts or "\\" in name
        if bad or any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
            raise UnsafeArchive(f"{name!r:.200} leads out of its folder, or is no name; expected folder/image.png")
        if size < 0:
            raise UnsafeArchive(f"{name!r:.200} has a negative size ({size:,} bytes); expected the size of an image")
        if size > LARGEST_IMAGE:
            raise UnsafeArchive(
                f"{name!r:.200} has {size_words(size)}; expected images of at most {LARGEST_IMAGE:,} bytes"
            )
        stem = PurePosixPath(name).name
        if not stem.lower().endswith(_IMAGE_NAMES) or stem.startswith("."):
            return None
        key = image_key(name, self._source)
        longest = max(len(part.encode()) for part in key.parts)
        if longest > LONGEST_PART or len(key.parts) > MOST_PARTS:
            says = f"{name!r:.200} has {len(key.parts)} parts, the longest of {longest:,} bytes"
            raise UnsafeArchive(f"{says}; expected at most {MOST_PARTS} parts of {LONGEST_PART} bytes")
        return key

    def first(self, key: PurePosixPath, data: bytes) -> bytes:
        """The data of an image, which must not be there already with other data.

        Raises:
            UnsafeArchive: it is: some file systems would let one replace the other. Or its name is that of a folder in
                which another image is.
        """
        folded = unicodedata.normalize("NFC", str(key)).casefold()
        folders = {str(folder) for folder in PurePosixPath(folded).parents}
        if folded in self._folders or not folders.isdisjoint(self._taken):
            raise UnsafeArchive(f"{str(key)!r:.200} is an image and a folder of images in one; expected one of them")
        self._folders |= folders
        digest = hashlib.sha256(data).digest()
        if self._taken.setdefault(folded, digest) != digest:
            raise UnsafeArchive(f"{str(key)!r} is there twice with different content (apart from capitals); refused")
        return data
