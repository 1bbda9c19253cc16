"""Why a build stops, said in one line; what it has is kept."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class BuildStopped(RuntimeError):
    """The build stopped, with everything kept that it has so far; the same command goes on from there."""


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """What is done inside writes a file, or into a folder.

    Raises:
        BuildStopped: the disk is full, or may not be written to; names the path and the mend.
    """
    try:
        yield
    except OSError as error:
        mend = "Make room there" if error.errno in _FULL else "Make it writable, or take another folder"
        raise BuildStopped(
            f"cannot write {path}: {error.strerror or error}. {mend}; what was written before is kept, and the same "
            "command goes on from there."
        ) from error
