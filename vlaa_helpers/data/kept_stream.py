"""A file of the hub read from its start as far as it is needed: what came is kept, and read first the next time."""

import io
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from .hub_files import HubFile, download, is_here, open_hub_file, part_of


@contextmanager
def kept_stream(file: HubFile, doing: str) -> Generator[io.RawIOBase]:
    """The bytes of a file in order, from this disk as far as they are here and from the hub where they end.

    What comes from the hub is appended to the beginning that `download` goes on from too. A bar counts the bytes.

    Args:
        doing: for the bar.
    """
    from tqdm.auto import tqdm

    whole = download(file) if is_here(file) else None
    with tqdm(total=file.size, unit="B", unit_scale=True, desc=doing, disable=None) as bar:
        if whole is not None:
            with whole.open("rb") as opened:
                yield _Read(opened, bar)
            return
        with FileLock(file.folder / ".lock"), _Kept(file, part_of(file)) as stream:
            yield _Read(stream, bar)


class _Kept(io.RawIOBase):
    """The beginning that is here, and what follows it on the hub, which is added to it."""

    def __init__(self, file: HubFile, part: Path):
        super().__init__()
        self._target = part.open("ab")
        self._earlier = part.open("rb")
        self._file, self._have = file, part.stat().st_size
        self._source: io.BufferedReader | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        if self._source is None:
            if count := self._earlier.readinto(buffer):
                return count
            if self._have >= self._file.size:
                return 0
            self._source = open_hub_file(self._file, self._have)
        data = self._source.read1(len(buffer))
        self._target.write(data)
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._target.close()
        self._earlier.close()
        super().close()


class _Read(io.RawIOBase):
    """A stream whose bytes a bar counts."""

    def __init__(self, stream, bar):
        super().__init__()
        self._stream, self._bar = stream, bar

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        count = self._stream.readinto(buffer)
        self._bar.update(count)
        return count
