"""A hub on loopback: enough of its HTTP to list, download, create, upload and commit, with huggingface_hub's client."""

import base64
import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LFS_NAMES = (
    ".arrow",
    ".bin",
    ".gz",
    ".npy",
    ".npz",
    ".parquet",
    ".pickle",
    ".pkl",
    ".pt",
    ".pth",
    ".safetensors",
    ".zip",
)
"""Of the `.gitattributes` that the hub gives a new repository, endings that a push of ours may have."""


class SmallHub:
    """Repositories by (kind, name), such as ("datasets", "me/counts"), each a dictionary from path to bytes.

    `refuse` is a status that every request gets; `lost` says that every repository is unknown; `cut` are the bytes that
    the next answers end after, by how a file's name ends. `requests` keeps method and path, `ranges` the parts asked
    for, `created` what was to be created, `commits` the summary and the files of each commit.

    Small texts are committed in the request itself. A file that the hub's `.gitattributes` names (`LFS_NAMES`), or that
    is larger than `lfs_from`, goes by LFS as on the hub: the client asks for its actions (batch), puts the bytes under
    their SHA-256, in parts where they are more than `part_size`, has them verified, and commits the hash alone.
    `objects` is that store; what it has already is not asked for again. `damage` says that a byte of what is put
    changes on its way, `refuse_put` is a status that every PUT gets. Xet, which huggingface_hub prefers where hf_xet is
    installed, is not imitated: the fixture switches it off.
    """

    lfs_from, part_size = 10_000_000, 5_000_000_000

    def __init__(self):
        self.repositories: dict[tuple[str, str], dict[str, bytes]] = {}
        self.refuse: int | None = None
        self.lost = False
        self.cut: dict[str, list[int]] = {}
        self.requests: list[str] = []
        self.ranges: list[str] = []
        self.created: list[dict] = []
        self.commits: list[dict] = []
        self.objects: dict[str, bytes] = {}
        self.verified: list[str] = []
        self.damage = False
        self.refuse_put: int | None = None
        self._parts: dict[str, bytes] = {}
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                self.answer()

            def do_HEAD(self):
                self.answer()

            def do_POST(self):
                self.answer(self.rfile.read(int(self.headers["Content-Length"])))

            def do_PUT(self):
                self.answer(self.rfile.read(int(self.headers["Content-Length"])))  # as S3, which takes no chunks

            def answer(self, body=b""):
                parts = unquote(urlsplit(self.path).path).strip("/").split("/")
                hub.requests.append(f"{self.command} {'/'.join(parts)}")
                hub.ranges += filter(None, [self.headers.get("Range")])
                if hub.refuse:
                    self.send(hub.refuse, {"error": "refused"})
                elif hub.lost:
                    self.send(404, {"error": "no such repository"})
                elif self.command == "PUT":
                    self.send(*hub.put(parts, body))
                elif self.command == "POST":
                    self.send(*hub.post(parts, body))
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

    def put(self, parts: list[str], body: bytes) -> tuple[int, dict | bytes]:
        """Bytes for the store: a whole object, or a part of one, under lfs/HASH or lfs/HASH/NUMBER."""
        if self.refuse_put:
            return self.refuse_put, {"error": "not stored"}
        body = bytes([body[0] ^ 1]) + body[1:] if self.damage else body
        if len(parts) == 3:
            self._parts["/".join(parts[1:])] = body
        else:
            self.objects[parts[1]] = body
        return 200, body  # its hash is the ETag that completing a file in parts names

    def post(self, parts: list[str], body: bytes) -> tuple[int, dict]:
        if parts[-3:] == ["lfs", "objects", "batch"]:
            return self.batch(json.loads(body))
        if parts[0] == "lfs":
            return self.complete(json.loads(body)) if parts[-1] == "complete" else self.verify(json.loads(body))
        if parts[1:] == ["repos", "create"]:
            self.created.append(json.loads(body))
            owner, name = self.created[-1]["organization"], self.created[-1]["name"]
            return 200, {"url": f"{self.url}/{owner}/{name}"}
        if parts[1:] == ["validate-yaml"]:
            return 200, {"errors": [], "warnings": []}
        if parts[4] == "preupload":
            found = [(file["path"], self.is_large(file["path"], file["size"])) for file in json.loads(body)["files"]]
            modes = [{"path": path, "uploadMode": "lfs" if large else "regular"} for path, large in found]
            return 200, {"files": [{**mode, "shouldIgnore": False} for mode in modes]}
        return self.commit(parts, [json.loads(line) for line in body.splitlines()])

    def is_large(self, path: str, size: int) -> bool:
        return path.endswith(LFS_NAMES) or size > self.lfs_from

    def batch(self, asked: dict) -> tuple[int, dict]:
        """Where each object is to be put; none for those that the store has."""
        if asked["operation"] != "upload" or asked["hash_algo"] != "sha256":
            return 422, {"error": "an upload by SHA-256 was expected"}
        told = []
        for each in asked["objects"]:
            oid, size = each["oid"], each["size"]
            place = f"{self.url}/lfs/{oid}"
            upload = {"href": place}
            if size > self.part_size:
                numbers = range(1, -(-size // self.part_size) + 1)
                header = {f"{k}": f"{place}/{k}" for k in numbers} | {"chunk_size": f"{self.part_size}"}
                upload = {"href": f"{place}/complete", "header": header}
            actions = {"actions": {"upload": upload, "verify": {"href": f"{place}/verify"}}}
            told.append({"oid": oid, "size": size, **({} if oid in self.objects else actions)})
        return 200, {
            "transfer": "multipart" if any("header" in str(each) for each in told) else "basic",
            "objects": told,
        }

    def complete(self, told: dict) -> tuple[int, dict]:
        """Parts put together, where each has the hash that the client was told."""
        parts = [self._parts[f"{told['oid']}/{part['partNumber']}"] for part in told["parts"]]
        if [f'"{hashlib.sha1(data).hexdigest()}"' for data in parts] != [part["etag"] for part in told["parts"]]:
            return 400, {"error": "a part has another ETag"}
        self.objects[told["oid"]] = b"".join(parts)
        return 200, {}

    def verify(self, told: dict) -> tuple[int, dict]:
        data = self.objects.get(told["oid"], b"")
        if (hashlib.sha256(data).hexdigest(), len(data)) != (told["oid"], told["size"]):
            self.objects.pop(told["oid"], None)
            return 422, {"error": f"{told['oid']} is not what was put there"}
        self.verified.append(told["oid"])
        return 200, {}

    def commit(self, parts: list[str], lines: list[dict]) -> tuple[int, dict]:
        files: dict[str, bytes] = {}
        for line in lines:
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
                if self.is_large(value["path"], len(files[value["path"]])):
                    return 400, {"error": f"{value['path']} must go by LFS"}
            elif line["key"] == "lfsFile":
                if value["algo"] != "sha256" or value["oid"] not in self.objects:
                    return 400, {"error": f"{value['path']} was not uploaded"}
                files[value["path"]] = self.objects[value["oid"]]
        summary = next(line["value"]["summary"] for line in lines if line["key"] == "header")
        self.commits.append({"kind": parts[1], "name": "/".join(parts[2:4]), "summary": summary, "files": files})
        home = "/".join(parts[1:4]).removeprefix("models/")
        return 200, {"commitUrl": f"{self.url}/{home}/commit/{COMMIT}", "commitOid": COMMIT, "hookOutput": ""}

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
