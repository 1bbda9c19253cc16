"""A small HTTP server that misbehaves on purpose, the way endpoints do: refuses, stalls, rate-limits, garbles."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def completion(text, *, finish_reason="stop", **message):
    return {
        "id": "x",
        "object": "chat.completion",
        "created": 0,
        "model": "m",
        "choices": [
            {"index": 0, "finish_reason": finish_reason, "message": {"role": "assistant", "content": text, **message}}
        ],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    }


class FaultServer:
    """`script` holds what to answer, one entry a request; the last one answers all further requests.

    An entry is a dict (JSON; its "status", else 200), a status, "stall", "garble", or a function from the request's
    body to such an entry. `requests` keeps the bodies.
    """

    def __init__(self, *script):
        self.script, self.requests, self.headers = list(script), [], []
        outer, lock = self, threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send(200, {"object": "list", "data": [{"id": "small-model", "object": "model"}]})

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with lock:
                    outer.requests.append(body)
                    outer.headers.append(dict(self.headers))
                    entry = outer.script[min(len(outer.requests), len(outer.script)) - 1]
                entry = entry(body) if callable(entry) else entry
                if entry == "stall":
                    time.sleep(3)
                elif entry == "garble":
                    self.send(200, b"<html>not what you asked for</html>")
                elif isinstance(entry, int):
                    self.send(entry, {"error": {"message": f"status {entry}"}})
                else:
                    self.send(entry.pop("status", 200), entry)

            def send(self, status, body):
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json" if not isinstance(body, bytes) else "text/html")
                self.send_header("Retry-After", "0")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                try:
                    self.wfile.write(data)
                except (BrokenPipeError, ConnectionResetError):
                    pass  # the client has given up, as it should

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
