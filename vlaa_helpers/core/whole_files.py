"""Files that are there as a whole or not at all."""

from pathlib import Path


def write_whole(path: Path, data: bytes) -> None:
    """Write a file under another name and rename it: a full disk leaves what was there before, and no part of the new.

    Raises:
        OSError: it cannot be written; the folder must be there.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_bytes(data)
        part.replace(path)
    except BaseException as error:
        part.unlink(missing_ok=True)
        if isinstance(error, OSError):
            error.filename = str(path)  # the name that the caller knows
        raise
