"""A server that keeps to no rule: each request gets raw bytes, at the pace the test says."""

import json
import socketserver
import threading
import time
from collections.abc import Iterable

from fault_server import completion


def response(body: bytes | str | dict, status="200 OK", **headers) -> bytes:
    """An HTTP response as bytes; a dict is sent as JSON."""
    data = json.dumps(body).encode() if isinstance(body, dict) else body.encode() if isinstance(body, str) else body
    named = {"Content-Type": "application/json", "Content-Length": len(data), **headers}
    lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in named.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


GOOD = response(completion("hi"))


def slowly(data: bytes, pause: float) -> Iterable[bytes]:
    """A byte at a time, each after a pause in seconds."""
    for k in range(len(data)):
        time.sleep(pause)
        yield data[k : k + 1]


class HostileServer:
    """`script` holds what to answer, one entry a request; the last one answers all further requests.

    An entry is bytes, or a function from the request's bytes to bytes, or to an iterable of bytes. `requests` keeps
    what came in, head and body; `sent` counts the bytes that went out.
    """

    def __init__(self, *script):
        self.requests: list[bytes] = []
        self.sent = 0
        outer, lock = self, threading.Lock()

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                asked = _whole_request(self.request)
                if not asked:
                    return
                with lock:
                    outer.requests.append(asked)
                    entry = script[min(len(outer.requests), len(script)) - 1]
                said = entry(asked) if callable(entry) else entry
                try:
                    for piece in [said] if isinstance(said, bytes) else said:
                        self.request.sendall(piece)
                        outer.sent += len(piece)
                except OSError:
                    pass  # the client has given up, as it should

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.block_on_close = False
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def _whole_request(connection) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        if not (piece := connection.recv(65536)):
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
    while lengths and len(body) < int(lengths[0]):
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body
