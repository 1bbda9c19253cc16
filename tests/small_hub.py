"""A hub on loopback: enough of its HTTP to list, download, create and commit, with huggingface_hub's own client."""

import base64
import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class SmallHub:
    """Repositories by (kind, name), such as ("datasets", "me/counts"), each a dictionary from path to bytes.

    `refuse` is a status that every request gets; `lost` says that every repository is unknown; `cut` are the bytes that
    the next answers end after, by how a file's name ends. `requests` keeps method and path, `ranges` the parts asked
    for, `created` what was to be created, `commits` the summary and the files of each commit. Every file is committed
    in the request itself: there is no LFS.
    """

    def __init__(self):
        self.repositories: dict[tuple[str, str], dict[str, bytes]] = {}
        self.refuse: int | None = None
        self.lost = False
        self.cut: dict[str, list[int]] = {}
        self.requests: list[str] = []
        self.ranges: list[str] = []
        self.created: list[dict] = []
        self.commits: list[dict] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self.answer()

            def do_HEAD(self):
                self.answer()

            def do_POST(self):
                self.answer(self.rfile.read(int(self.headers["Content-Length"])))

            def answer(self, body=b""):
                parts = unquote(urlsplit(self.path).path).strip("/").split("/")
                hub.requests.append(f"{self.command} {'/'.join(parts)}")
                hub.ranges += filter(None, [self.headers.get("Range")])
                if hub.refuse:
                    self.send(hub.refuse, {"error": "refused"})
                elif hub.lost:
                    self.send(404, {"error": "no such repository"})
                elif self.command == "POST":
                    self.send(200, hub.post(parts, body))
                elif parts[0] == "api":
                    files = hub.repositories.get((parts[1], "/".join(parts[2:4])))
                    self.send(
                        *((404, {"error": "no such repository"}) if files is None else (200, listed(parts, files)))
                    )
                else:
                    kind, rest = ("datasets", parts[1:]) if parts[0] == "datasets" else ("models", parts)
                    files = hub.repositories.get((kind, "/".join(rest[:2])), {})
                    data = files.get("/".join(rest[4:]))
                    self.send(*((404, {"error": "no such file"}) if data is None else (200, data)))

            def send(self, status, body):
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.send_header("X-Repo-Commit", COMMIT)
                self.send_header("ETag", f'"{hashlib.sha1(data).hexdigest()}"')
                if status == 404:
                    self.send_header(
                        "X-Error-Code", "RepoNotFound" if body["error"].endswith("ory") else "EntryNotFound"
                    )
                self.end_headers()
                if self.command == "HEAD":
                    return
                for ending, sizes in hub.cut.items():
                    if sizes and self.path.endswith(ending):
                        data, self.close_connection = data[: sizes.pop(0)], True
                self.wfile.write(data)

            def log_message(self, *args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def post(self, parts: list[str], body: bytes) -> dict:
        if parts[1:] == ["repos", "create"]:
            self.created.append(json.loads(body))
            owner, name = self.created[-1]["organization"], self.created[-1]["name"]
            return {"url": f"{self.url}/{owner}/{name}"}
        if parts[1:] == ["validate-yaml"]:
            return {"errors": [], "warnings": []}
        if parts[4] == "preupload":
            names = [file["path"] for file in json.loads(body)["files"]]
            return {"files": [{"path": name, "uploadMode": "regular", "shouldIgnore": False} for name in names]}
        lines = [json.loads(line) for line in body.splitlines()]
        files = {line["value"]["path"]: line["value"]["content"] for line in lines if line["key"] == "file"}
        decoded = {name: base64.b64decode(content) for name, content in files.items()}
        summary = next(line["value"]["summary"] for line in lines if line["key"] == "header")
        self.commits.append({"kind": parts[1], "name": "/".join(parts[2:4]), "summary": summary, "files": decoded})
        home = "/".join(parts[1:4]).removeprefix("models/")
        return {"commitUrl": f"{self.url}/{home}/commit/{COMMIT}", "commitOid": COMMIT, "hookOutput": ""}

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


def listed(parts: list[str], files: dict[str, bytes]) -> dict | list[dict]:
    """What the hub says of a repository: its newest commit, or the files of one."""
    if parts[4] == "revision":
        return {"id": "/".join(parts[2:4]), "sha": COMMIT, "siblings": [{"rfilename": name} for name in files]}
    return [
        {"type": "file", "path": name, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
        for name, data in files.items()
    ]
