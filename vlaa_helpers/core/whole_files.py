"""Files written as a whole or not at all, and never through a link: a folder may come from a stranger."""

import errno
import os
import secrets
from pathlib import Path
from typing import Any


def write_whole(path: Path, data: bytes) -> None:
    """Write a file under another name and rename it: a full disk leaves what was there before, and no part of the new.

    The other name is a new one each time; a link in the file's own place is replaced, not followed.

    Raises:
        OSError: it cannot be written; the folder must be there.
    """
    part = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with part.open("xb") as file:
            file.write(data)
        part.replace(path)
    except BaseException as error:
        part.unlink(missing_ok=True)
        if isinstance(error, OSError):
            error.filename = str(path)  # the name that the caller knows
        raise


def open_own(path: Path, mode: str, **options: Any) -> Any:
    """`open` for a file that grows, which must be no link: what is written would go where a stranger's link leads.

    Raises:
        OSError: a link, or a file that cannot be opened.
    """
    try:
        return open(path, mode, opener=_no_link, **options)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        words = f"{path} is a link, and nothing is written through one; expected a file, or none. Delete the link: "
        raise OSError(f"{words}rm {path}") from None


def _no_link(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)
