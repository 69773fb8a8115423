"""A hub on this machine, for tests: the few routes of the Hugging Face hub that a push and a pull use.

    with running_hub() as hub:
        hub.url                                   # for HF_ENDPOINT
        hub.repositories["ann/toy"].files("main") # {path: bytes}

Files that end in .onnx go the way of large files (Git LFS), all others stand in the commit, as on the hub.
Whoever writes has to bring the token `hub.token`.
"""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit


class Repository:
    def __init__(self, identity: str, private: bool) -> None:
        self.identity = identity
        self.private = private
        self.branches = {"main": self._name("")}
        self.commits: dict[str, dict[str, bytes]] = {self.branches["main"]: {}}
        self.messages: list[str] = []

    def files(self, revision: str) -> dict[str, bytes] | None:
        """What lies there at a branch or commit; None where there is no such revision."""
        return self.commits.get(self.branches.get(revision, revision))

    def commit(self, branch: str, message: str, changed: dict[str, bytes]) -> str:
        parent = self.branches[branch]
        oid = self._name(f"{parent} {message} {sorted(changed)} {len(self.messages)}")
        self.commits[oid] = self.commits[parent] | changed
        self.branches[branch] = oid
        self.messages.append(message)
        return oid

    @staticmethod
    def _name(text: str) -> str:
        return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class Hub:
    token = "hf_ann"

    def __init__(self) -> None:
        self.url = ""
        self.repositories: dict[str, Repository] = {}
        self.large: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.claimed_size: int | None = None  # what a HEAD says instead of the truth


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._resolve()

    def do_GET(self) -> None:
        path = self._begin()
        if path.startswith("/api/models/"):
            repository = self._readable(path.removeprefix("/api/models/"))
            if repository:
                identity = path.removeprefix("/api/models/")
                sha = repository.branches["main"]
                self._answer({"id": identity, "private": repository.private, "sha": sha, "siblings": []})
        else:
            self._resolve()

    def do_PUT(self) -> None:
        oid = self._begin().removeprefix("/large/")
        body = self._body()
        assert hashlib.sha256(body).hexdigest() == oid
        self.hub.large[oid] = body
        self._answer({})

    def do_POST(self) -> None:
        path, body = self._begin(), self._body()
        if self.headers.get("Authorization") != f"Bearer {self.hub.token}":
            self._refuse(401, "", "Invalid credentials in Authorization header")
        elif path == "/api/repos/create":
            self._create(json.loads(body))
        elif path == "/api/validate-yaml":
            self._answer({"errors": [], "warnings": []})
        elif path.endswith(".git/info/lfs/objects/batch"):
            objects = json.loads(body)["objects"]
            self._answer({"transfer": "basic", "objects": [self._upload_place(one) for one in objects]})
        else:
            owner, name, action, revision = path.removeprefix("/api/models/").split("/")
            repository = self.hub.repositories[f"{owner}/{name}"]
            getattr(self, f"_{action}")(repository, unquote(revision), body)

    def _create(self, asked: dict[str, Any]) -> None:
        identity = f"{asked['organization']}/{asked['name']}"
        exists = identity in self.hub.repositories
        if not exists:
            self.hub.repositories[identity] = Repository(
                identity, private=asked.get("visibility") == "private"
            )
        self._answer({"url": f"{self.hub.url}/{identity}"}, 409 if exists else 200)

    def _branch(self, repository: Repository, branch: str, _: bytes) -> None:
        exists = branch in repository.branches
        repository.branches.setdefault(branch, repository.branches["main"])
        self._answer({}, 409 if exists else 201)

    def _preupload(self, repository: Repository, revision: str, body: bytes) -> None:
        paths = [file["path"] for file in json.loads(body)["files"]]
        modes = {path: "lfs" if path.endswith(".onnx") else "regular" for path in paths}
        rows = [{"path": path, "uploadMode": mode, "shouldIgnore": False} for path, mode in modes.items()]
        self._answer({"files": rows})

    def _upload_place(self, wanted: dict[str, Any]) -> dict[str, Any]:
        return {**wanted, "actions": {"upload": {"href": f"{self.hub.url}/large/{wanted['oid']}"}}}

    def _commit(self, repository: Repository, branch: str, body: bytes) -> None:
        changed, message = {}, ""
        for line in body.splitlines():
            row = json.loads(line)
            value = row["value"]
            if row["key"] == "header":
                message = value["summary"]
            elif row["key"] == "file":
                changed[value["path"]] = base64.b64decode(value["content"])
            else:
                changed[value["path"]] = self.hub.large[value["oid"]]
        oid = repository.commit(branch, message, changed)
        self._answer({"commitUrl": f"{self.hub.url}/{repository.identity}/commit/{oid}", "commitOid": oid})

    def _resolve(self) -> None:
        parts = self._begin().strip("/").split("/", 4)
        if len(parts) != 5:
            self._refuse(404, "")
            return
        owner, name, _, revision, file = parts
        repository = self._readable(f"{owner}/{name}")
        if repository is None:
            return
        revision = unquote(revision)
        files = repository.files(revision)
        if files is None:
            self._refuse(404, "RevisionNotFound")
        elif file not in files:
            self._refuse(404, "EntryNotFound")
        else:
            data = files[file]
            self._send(200, data, {
                "ETag": f'"{hashlib.sha256(data).hexdigest()}"',
                "X-Repo-Commit": repository.branches.get(revision, revision),
                "X-Linked-Size": str(self.hub.claimed_size or len(data)),
            })  # fmt: skip

    def _readable(self, identity: str) -> Repository | None:
        repository = self.hub.repositories.get(identity)
        if repository and repository.private and self.headers.get("Authorization") is None:
            repository = None
        if repository is None:
            self._refuse(401, "RepoNotFound")
        return repository

    def _begin(self) -> str:
        path = urlsplit(self.path).path
        self.hub.requests.append(f"{self.command} {path}")
        return path

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _answer(self, value: Any, status: int = 200) -> None:
        self._send(status, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _refuse(self, status: int, code: str, message: str = "") -> None:
        headers = {"X-Error-Code": code, "X-Error-Message": message}
        self._send(status, b"{}", {key: value for key, value in headers.items() if value})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@contextmanager
def running_hub() -> Iterator[Hub]:
    hub = Hub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
