"""What a file or a disk refused, in one line that says what to do."""

import errno
import sys
import tempfile
from pathlib import Path

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_RIGHT = (errno.EACCES, errno.EPERM, errno.EROFS)


def file_trouble(error: OSError, out: Path) -> str:
    """What a file or disk refused, and the mend; errors of our own and of the hub say both themselves.

    Args:
        out: where the command writes.
    """
    if error.errno is None or not error.strerror:
        return with_notes(error).replace("\n", " ")
    where = error.filename or out
    if error.errno in _NO_SPACE:
        fix = (
            f"What is written goes to {out} and, for a while, to {tempfile.gettempdir()} (TMPDIR picks another): make "
            "room there, or give an --out on another disk. What is done is kept; the same command goes on."
        )
    elif error.errno in _NO_RIGHT:
        fix = "Give an --out that can be written and files that can be read, or change the rights of this one."
    elif error.errno in (errno.EEXIST, errno.ENOTDIR):
        fix = "There is a file where a folder is wanted: give another --out, or move that file."
    else:
        fix = "Correct the path, or give another."
    return f"{where}: {error.strerror}. {fix}"


def with_notes(error: BaseException) -> str:
    """What an error says, and what was added to it on its way."""
    notes = getattr(error, "__notes__", ())
    return ". ".join([str(error).rstrip("."), *notes]) if notes else str(error)


def network_words(error: BaseException) -> str:
    """What the network refused and no other words were found for; "" for any other error."""
    httpx2 = sys.modules.get("httpx2")  # not imported: nothing was asked of the network
    if httpx2 is None or not isinstance(error, httpx2.HTTPError):
        return ""
    return f"{type(error).__name__}: {with_notes(error)}"
