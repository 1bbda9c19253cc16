"""What went wrong with a download, in the words of somebody who can mend it: seen, expected, next command."""

import errno
import os
import shutil
from pathlib import Path
from typing import Any


class DownloadError(OSError):
    """A file of a data set could not be fetched; the message says what was seen, what was expected and what to do."""


_RESTART = "in a notebook restart the kernel: it is read once"
"""Of a variable that huggingface_hub reads when it is imported."""
_KEPT = "What has come is kept: the same call goes on from there."


def explain(error: Exception, what: str, folder: Path | None = None) -> DownloadError:
    """A `DownloadError` for what the hub, a web server, the network or the disk said about `what`.

    Args:
        error: of huggingface_hub, httpx2 or the operating system.
        what: the file, and where it belongs: "rows.json of owner/name".
        folder: where it was written to.
    """
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    if isinstance(error, DownloadError):
        return error
    if isinstance(error, OfflineModeIsEnabled):
        says = f"HF_HUB_OFFLINE=1 forbids the network, and the file is not here yet. Unset it ({_RESTART}), then run "
        says += "the same again."
    elif isinstance(error, HfHubHTTPError):
        says = _refusal(error) + _token_words(error)
    elif isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
        says = f"no connection ({error}), and the file is not here yet. Go online, then run the same again."
    elif isinstance(error, httpx2.HTTPError):
        says = f"the connection was cut ({str(error) or type(error).__name__}). {_KEPT}"
    elif isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        says = (
            f"the disk of {folder} is full. Make room there, or set HF_HOME to a folder on another disk ({_RESTART}). "
        )
        says += _KEPT
    else:
        says = f"{error or type(error).__name__}. Run the same again."
    return DownloadError(f"{what}: {says}")


def _refusal(error: Exception) -> str:
    """What an answer of the hub means that is not a file."""
    from huggingface_hub import constants, errors

    status = error.response.status_code
    if isinstance(error, errors.GatedRepoError):
        return (
            f"gated, the hub answered {status}. Accept the terms on its page below {constants.ENDPOINT}/datasets, log "
            "in (hf auth login), then run the same again."
        )
    if isinstance(error, errors.RepositoryNotFoundError):
        return (
            f"no such data set, or a private one: the hub answered {status}; expected a public owner/name. Correct the "
            "name, or log in (hf auth login)."
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return f"no such revision ({status}); expected a branch, tag or commit. Pass revision=None for the newest."
    if isinstance(error, errors.EntryNotFoundError) or status == 404:
        return f"no such file ({status}). Look what there is: {_files_page(error)}; then correct the name."
    if status in (401, 403):
        return f"access refused ({status}). Log in with a token that may read it (hf auth login), then run it again."
    if status == 429:
        return f"too many requests ({status}). Wait some minutes, or log in (hf auth login). {_KEPT}"
    return f"the server answered {status}; expected the file. Try again later. {_KEPT}"


def _token_words(error: Any) -> str:
    """Where HF_TOKEN is set, logging in changes nothing."""
    if error.response.status_code not in (401, 403) or not os.environ.get("HF_TOKEN"):
        return ""
    return (
        " HF_TOKEN is set, and goes before any log-in: a wrong one must be corrected or unset; public data needs none."
    )


def _files_page(error: Any) -> str:
    """The page that lists the files of the data set and revision of which one was asked for."""
    from huggingface_hub import constants

    asked = (*error.response.history, error.response)[0].request.url
    page, found, rest = str(asked).partition("/resolve/")
    return f"{page}/tree/{rest.partition('/')[0]}" if found else f"{constants.ENDPOINT}/datasets"


def require_space(folder: Path, needed: int, what: str) -> None:
    """Make sure that a folder's disk has room before anything is downloaded.

    Raises:
        DownloadError: less than `needed` bytes are free; says how many are.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        says = f"{what}: needs {size_words(needed)} in {folder}, {size_words(free)} are free. Make room there, set "
        says += f"HF_HOME to a folder on another disk ({_RESTART}), or ask for less: sources=[…], limit=100."
        raise DownloadError(says) from OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def size_words(size: float) -> str:
    """Bytes as people say them.

    >>> size_words(128_000_000), size_words(900), size_words(26.2e9)
    ('128 MB', '1 kB', '26.2 GB')
    """
    if size >= 1e9:
        return f"{size / 1e9:.1f} GB"
    return f"{size / 1e6:.0f} MB" if size >= 1e6 else f"{max(1, round(size / 1e3))} kB"
