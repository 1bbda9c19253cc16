"""A file on a web server that is read a part at a time: nothing more is downloaded than what is read, and a little."""

import io
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .download_errors import DownloadError, explain, size_words

if TYPE_CHECKING:
    import httpx2

FIRST_BLOCK, LARGEST_BLOCK = 2**18, 2**25
"""Bytes that one request asks for, at first and at most: each that goes on behind the last asks for twice as much."""
PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds before each new try after a failure that may pass."""
PATIENCE, SLOWEST = 300, 4096
"""Seconds that answers may take in all, and how many bytes give a second more: at the slowest 14 MB an hour."""
MAX_REDIRECTS = 20
_MAY_PASS = (408, 429, 500, 502, 503, 504)


class RangedFile(io.RawIOBase):
    """A file behind an address, for `io.BufferedReader`, tarfile, gzip and zipfile.

    Args:
        url: where it is; redirects are followed, and a token in the headers is not sent to another host.
        what: its name in errors.
        headers: sent with every request.
        size: in bytes; None asks the server.

    Raises:
        DownloadError: while reading, when the server refuses, sends no parts of files, or the file changed meanwhile.
            Cut connections and busy servers are tried again first (`PAUSES`); a server that keeps the connection open
            and sends next to nothing is given up (`PATIENCE`, `SLOWEST`): of `size` bytes read once, reading ends
            after `PATIENCE + size / SLOWEST` seconds of waiting, time between reads and pauses apart, and one read more
            at most. Heads of answers are bounded by `HF_HUB_DOWNLOAD_TIMEOUT` for each piece that comes, alone.
    """

    def __init__(self, url: str, what: str, *, headers: Mapping[str, str] | None = None, size: int | None = None):
        super().__init__()
        self.url, self.what, self.headers = url, what, dict(headers or {})
        self.downloaded = 0
        self.budget: int | None = None  # no more than so many bytes in all
        self._position, self._start, self._length = 0, 0, FIRST_BLOCK // 2
        self._block: bytes | bytearray = b""
        self._size = size
        self._waited = 0.0  # seconds, for all answers so far
        if size is None:
            self._block = self._part(0, 1)

    @property
    def size(self) -> int:
        assert self._size is not None  # given, or learned from the first answer
        return self._size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer) -> int:
        if self._position >= self.size or not len(buffer):
            return 0
        if not self._start <= self._position < self._start + len(self._block):
            self._fetch(len(buffer))
        offset = self._position - self._start
        part = self._block[offset : offset + len(buffer)]
        buffer[: len(part)] = part
        self._position += len(part)
        return len(part)

    def _fetch(self, wanted: int) -> None:
        if self.budget is not None and self.downloaded > self.budget:
            raise DownloadError(
                f"{self.what}: its table of contents is longer than {size_words(self.budget)}; refused."
            )
        goes_on = self._position == self._start + len(self._block)
        self._length = min(2 * self._length, LARGEST_BLOCK) if goes_on else FIRST_BLOCK
        stop = min(self._position + max(self._length, min(wanted, LARGEST_BLOCK)), self.size)
        self._block, self._start = self._part(self._position, stop), self._position

    def _part(self, start: int, stop: int) -> bytearray:
        """Some of the bytes from `start` to `stop`: at least one, all when nothing went wrong."""
        data = bytearray()
        for pause in (*PAUSES, None):
            try:
                self._receive(start, stop, data)
            except DownloadError:
                raise
            except Exception as error:
                if not data and (pause is None or not self._may_pass(error)):
                    raise explain(error, self.what) from error
            if data:
                self.downloaded += len(data)
                return data
            time.sleep(pause or 0)
        raise AssertionError("the last try returns or raises")

    def _may_pass(self, error: Exception) -> bool:
        import httpx2
        from huggingface_hub.errors import HfHubHTTPError

        if isinstance(error, HfHubHTTPError):
            return error.response.status_code in _MAY_PASS
        never_met = isinstance(error, httpx2.ConnectError) and not self.downloaded
        return isinstance(error, httpx2.TransportError) and not never_met

    def _receive(self, start: int, stop: int, data: bytearray) -> None:
        import httpx2
        from huggingface_hub.utils import hf_raise_for_status

        headers = {**self.headers, "Range": f"bytes={start}-{stop - 1}", "Accept-Encoding": "identity"}
        began = time.monotonic()
        try:
            with _answer(self.url, headers, self.what) as response:
                hf_raise_for_status(response)
                self._check_place(response, start)
                for chunk in response.iter_raw():
                    data += chunk[: stop - start - len(data)]
                    if len(data) == stop - start:
                        return
                    self._check_pace(time.monotonic() - began, len(data))
        finally:
            self._waited += time.monotonic() - began
        raise httpx2.RemoteProtocolError(f"the server sent {len(data)} of {stop - start} bytes")

    def _check_pace(self, seconds: float, received: int) -> None:
        """Give up a server that has sent too little; of the answer that is read: its seconds and bytes so far."""
        waited, came = self._waited + seconds, self.downloaded + received
        if waited > PATIENCE + came / SLOWEST:
            says = f"{size_words(came)} came in {waited:.0f} seconds; expected {size_words(SLOWEST)} a second or more."
            raise DownloadError(f"{self.what}: {says} Try again later, or fetch it by hand: curl -L -O {self.url}")

    def _check_place(self, response, start: int) -> None:
        """Make sure that an answer begins at `start`, and is of a file as large as before."""
        if response.status_code == 206:
            place, _, total = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
            first = int(place.partition("-")[0] or -1)
        else:
            first, total = 0, response.headers.get("Content-Length", "")
        size = int(total) if total.isdigit() else -1
        self._size = size if self._size is None and size >= 0 else self._size
        if first != start:
            says = f"the server sends no parts of files (asked for byte {start}, got {first}); expected one that does."
            raise DownloadError(f"{self.what}: {says} Fetch the whole by hand: curl -L -O {self.url}")
        if size != self._size:
            says = f"the server says {total or 'nothing'} of its size, expected {self._size} bytes. Run the same again."
            raise DownloadError(f"{self.what}: {says}")


@contextmanager
def _answer(url: str, headers: Mapping[str, str], what: str) -> "Iterator[httpx2.Response]":
    """What a server answers in the end, before its body is read.

    The pages that come with errors and redirects are never read: httpx2 would take them whole, and unpacked. An error
    comes as its status and headers alone, which say all that `explain` needs.
    """
    import httpx2
    from huggingface_hub import constants
    from huggingface_hub.utils import get_session

    client, history = get_session(), []
    asked = client.build_request("GET", url, headers=headers, timeout=constants.HF_HUB_DOWNLOAD_TIMEOUT)
    while True:
        response = client.send(asked, stream=True, follow_redirects=False)
        try:
            if not response.has_redirect_location:
                said = {"headers": _of_the_head(response), "history": history, "request": response.request}
                yield httpx2.Response(response.status_code, **said) if response.is_error else response
                return
        finally:
            response.close()
        history.append(response)
        if response.next_request is None or len(history) > MAX_REDIRECTS:
            says = f"the server sends on to {response.headers['Location'][:200]!r}, redirect {len(history)}"
            raise DownloadError(f"{what}: {says}; expected the file. Look at the address, {url}, and at your proxy.")
        asked = response.next_request


def _of_the_head(response: "httpx2.Response") -> list[tuple[str, str]]:
    of_the_body = ("content-encoding", "content-length", "transfer-encoding")
    return [(name, value) for name, value in response.headers.multi_items() if name not in of_the_body]
