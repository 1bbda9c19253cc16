"""A hub on loopback, as far as downloads go: data sets at commits, redirects to a "CDN" of its own, parts of files.

It also serves plain files, as the sites of COCO and Visual Genome do, and can refuse, cut, damage or stall.
"""

import hashlib
import json
import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

COMMIT = "c0ffee" + "0" * 34


def git_sha1(data: bytes) -> str:
    return hashlib.sha1(f"blob {len(data)}\0".encode() + data).hexdigest()


class HubServer:
    """`repos[repo][path]` are the files of data sets, `plain[path]` those of a site without a hub.

    Attributes:
        private: repos that answer 401 without the token "hf_good"; `gated`: 403 all the same.
        status: answers of the CDN before the first good one, such as [503, 503]; `hub_status`: of the hub.
        cut: the next answers of the CDN end after so many bytes each.
        stall_after: the CDN answers so many times, then never again; None: always.
        damaged: paths of whose bytes the last is wrong.
        ranges: whether parts of files are sent.
        large: files of so many bytes are redirected to the CDN and have a SHA-256, smaller ones git's SHA-1.
        requests: (server, method, path, Range, Authorization) of each; `sent`: body bytes, by path.
    """

    def __init__(self):
        self.repos, self.plain = defaultdict(dict), {}
        self.private, self.gated, self.damaged = set(), set(), set()
        self.status, self.hub_status, self.cut = [], [], []
        self.stall_after, self._closed = None, threading.Event()
        self.ranges, self.large = True, 100
        self.revisions = {"main": COMMIT}
        self.requests, self.sent = [], defaultdict(int)
        self._hub, self._cdn = (_Quiet(("127.0.0.1", 0), _handler(self, where)) for where in ("hub", "cdn"))
        self.url = f"http://127.0.0.1:{self._hub.server_port}"
        self.cdn = f"http://127.0.0.1:{self._cdn.server_port}"

    def __enter__(self):
        for server in (self._hub, self._cdn):
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._closed.set()
        for server in (self._hub, self._cdn):
            server.shutdown()
            server.server_close()

    def stall(self):
        """Hold an answer back, where it is time to."""
        if self.stall_after is not None:
            self.stall_after -= 1
            if self.stall_after < 0:
                self._closed.wait(60)

    def asked(self, server: str, method: str = "GET") -> list[str]:
        """Paths that were asked for."""
        return [path for where, how, path, *_ in self.requests if (where, how) == (server, method)]

    def answer(self, handler) -> tuple[int, dict, bytes]:
        """Status, headers and body of the hub for `/datasets/<owner>/<name>/resolve/<revision>/<path>`."""
        if self.hub_status:
            return self.hub_status.pop(0), {}, b""
        _, _, owner, name, _, revision, path = unquote(urlsplit(handler.path).path).split("/", 6)
        repo = f"{owner}/{name}"
        token = handler.headers.get("Authorization")
        if token not in (None, "Bearer hf_good"):
            return 401, {"X-Error-Message": "Invalid credentials in Authorization header"}, b""
        if repo not in self.repos or (repo in self.private and token is None):
            return 401 if token is None else 404, {"X-Error-Code": "RepoNotFound"}, b""
        if repo in self.gated:
            return 403, {"X-Error-Code": "GatedRepo"}, b""
        commit = revision if revision in self.revisions.values() else self.revisions.get(revision)
        if commit is None:
            return 404, {"X-Error-Code": "RevisionNotFound"}, b""
        data = self.repos[repo].get(path)
        if data is None:
            return 404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit}, b""
        if len(data) < self.large:
            return 200, {"X-Repo-Commit": commit, "ETag": f'"{git_sha1(data)}"'}, data
        linked = {"X-Linked-Etag": f'"{hashlib.sha256(data).hexdigest()}"', "X-Linked-Size": str(len(data))}
        return 302, {"X-Repo-Commit": commit, "Location": f"{self.cdn}/{repo}/{path}", **linked}, b""

    def listed(self, path: str) -> tuple[int, dict, bytes]:
        """What the hub says of a data set as a whole: its newest commit, and the names of its files."""
        repo = "/".join(path.split("/")[3:5])
        if repo not in self.repos:
            return 404, {"X-Error-Code": "RepoNotFound"}, b""
        said = {"id": repo, "sha": COMMIT, "siblings": [{"rfilename": name} for name in self.repos[repo]]}
        files = [
            {"type": "file", "path": name, "size": len(data), "oid": git_sha1(data)}
            for name, data in self.repos[repo].items()
        ]
        return 200, {}, json.dumps(files if "/tree/" in path else said).encode()

    def body(self, path: str) -> bytes | None:
        """What the CDN, or a plain site, has at a path."""
        owner, _, rest = path.lstrip("/").partition("/")
        name, _, inside = rest.partition("/")
        data = self.plain.get(path, self.repos.get(f"{owner}/{name}", {}).get(inside))
        return data[:-1] + bytes([data[-1] ^ 1]) if data and path.lstrip("/") in self.damaged else data


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        pass  # the client has what it wanted


def _handler(outer: HubServer, where: str):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self):
            self.serve()

        def do_GET(self):
            self.serve()

        def serve(self):
            asked = (self.headers.get("Range"), self.headers.get("Authorization"))
            outer.requests.append((where, self.command, self.path, *asked))
            if where == "cdn":
                outer.stall()
            if where == "hub" and self.path.startswith("/datasets/"):
                status, headers, body = outer.answer(self)
            elif where == "hub" and self.path.startswith("/api/datasets/"):
                status, headers, body = outer.listed(unquote(urlsplit(self.path).path))
            elif outer.status:
                status, headers, body = outer.status.pop(0), {}, b""
            else:
                data = outer.body(unquote(self.path))
                status, headers, body = (404, {}, b"") if data is None else (200, {}, data)
            self.send(status, headers, body)

        def send(self, status, headers, body):
            part = self.headers.get("Range")
            if status == 200 and part and outer.ranges:
                first, last = part.removeprefix("bytes=").split("-")
                headers = {**headers, "Content-Range": f"bytes {first}-{last}/{len(body)}"}
                status, body = 206, body[int(first) : int(last) + 1]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "HEAD":
                return
            if status in (200, 206) and outer.cut:
                body, self.close_connection = body[: outer.cut.pop(0)], True
            try:
                outer.sent[unquote(self.path)] += len(body)
                self.wfile.write(body)
            except (BrokenPipeError, ConnectionResetError):
                pass  # the client has what it wanted

        def log_message(self, *_):
            pass

    return Handler
