"""An HTTP client for servers that may be broken or hostile: attempts end, replies have a size, a key stays on its host.

`openai` brings httpx2 and takes any client of it; this one is what `ChatEndpoint` gives it.
"""

import socket
import threading
from contextlib import suppress
from typing import Any

import httpx2
import openai

REPLY_LIMIT = 4 * 2**20
"""Bytes of a reply that are read; the longest replies asked for, 8,192 tokens, have some 50,000."""
MAX_REDIRECTS = 3


class BoundedClient(openai.DefaultHttpxClient):
    """Reads each reply within the request's timeout and up to `REPLY_LIMIT` bytes; what is longer is cut off there.

    A redirect is followed on the same scheme, host and port alone, and with the same method; any other comes back as
    the reply that it is. Bodies are asked for uncompressed and never decompressed: some kilobytes could become
    gigabytes. Each attempt has its own connection, so that it can be ended without ending another.
    """

    def __init__(self, *, auth: tuple[str, str] | None = None) -> None:
        headers = {"Accept-Encoding": "identity", "Connection": "close"}
        super().__init__(follow_redirects=False, headers=headers, auth=auth)

    def send(
        self,
        request: httpx2.Request,
        *,
        stream: bool = False,  # everything is read here, whatever it says
        auth: Any = httpx2.USE_CLIENT_DEFAULT,
        follow_redirects: Any = httpx2.USE_CLIENT_DEFAULT,
    ) -> httpx2.Response:
        """See `httpx2.Client.send`.

        Raises:
            httpx2.ReadTimeout: the whole reply was not there in time.
        """
        late = httpx2.ReadTimeout("the reply was not complete in time", request=request)
        with _Deadline(request.extensions["timeout"]["read"]) as deadline:
            request.extensions["trace"] = deadline.watch
            try:
                response = self._follow(request, auth)
            except httpx2.RequestError:
                if deadline.passed:
                    raise late from None
                raise
            except UnicodeError as error:  # httpx2 reads the address of a redirect, which may be anything
                raise httpx2.RemoteProtocolError(f"no address to go on at: {error}", request=request) from error
        if deadline.passed:  # a connection that was shut looks like the end of a reply
            raise late
        return response

    def _follow(self, request: httpx2.Request, auth: Any) -> httpx2.Response:
        for _ in range(MAX_REDIRECTS):
            response = super().send(request, stream=True, auth=auth, follow_redirects=False)
            after = response.next_request
            if after is None or _place(after) != _place(request):
                return _read(response)
            response.close()
            request = after
        return _read(super().send(request, stream=True, auth=auth, follow_redirects=False))


class _Deadline:
    """Shuts the connection of a request when its time is over.

    Timeouts of httpx hold for one read each: a server that sends a byte now and then would never meet them.
    """

    def __init__(self, seconds: float):
        self.passed = False
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> "_Deadline":
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def watch(self, event: str, info: dict) -> None:
        """Called by httpx's `trace` extension; learns the connection's socket, before and after TLS."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._socket = info["return_value"].get_extra_info("socket")
            if self.passed:
                self._shut()

    def _end(self) -> None:
        self.passed = True
        self._shut()

    def _shut(self) -> None:
        if self._socket is not None:
            with suppress(OSError):  # closed by now
                self._socket.shutdown(socket.SHUT_RDWR)


def _read(response: httpx2.Response) -> httpx2.Response:
    parts, size = [], 0
    for part in response.iter_raw():
        parts.append(part)
        size += len(part)
        if size >= REPLY_LIMIT:
            break
    response.close()
    headers = [(name, value) for name, value in response.headers.multi_items() if name not in _OF_THE_BODY]
    content = b"".join(parts)[:REPLY_LIMIT]
    return httpx2.Response(response.status_code, headers=headers, content=content, request=response.request)


_OF_THE_BODY = ("content-encoding", "content-length", "transfer-encoding")


def _place(request: httpx2.Request) -> tuple:
    return request.method, request.url.scheme, request.url.host, request.url.port
