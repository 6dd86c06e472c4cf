"""A model hub on loopback: one repository, with what goes wrong on the way chosen by the test."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

COMMIT = "a" * 40
NAME = "acme/tiny"


class Hub(ThreadingHTTPServer):
    """`refuses`: the status of every answer. `breaks_after`: bytes after which an answer breaks off, one for each time.
    `is_busy_with`: what is answered first for the last part of an address, as status and headers.
    """

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.refuses = 0
        self.headers_of_refusal: dict[str, str] = {}
        self.breaks_after: dict[str, list[int]] = {}
        self.is_busy_with: dict[str, list[tuple[int, dict[str, str]]]] = {}
        self.lies_about: set[str] = set()
        self.adds: dict[str, bytes] = {}
        self.asked: list[tuple[str, str, str]] = []  # path, range, authorization

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def sibling(self, path: Path) -> dict[str, Any]:
        content = path.read_bytes()
        announced = hashlib.sha256(content + (b"!" if path.name in self.lies_about else b"")).hexdigest()
        blob = hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()
        found = {"rfilename": path.name, "size": len(content), "blobId": blob}
        if path.suffix == ".safetensors":
            found["lfs"] = {"sha256": announced, "size": len(content), "pointerSize": 130}
        return found


class _Handler(BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        self.server.asked.append((path, self.headers.get("Range", ""), self.headers.get("Authorization", "")))
        if waiting := self.server.is_busy_with.get(path.rpartition("/")[2]):
            status, headers = waiting.pop(0)
            self._answer(status, b"{}", headers)
        elif self.server.refuses:
            self._answer(self.server.refuses, b"{}", self.server.headers_of_refusal)
        elif path in {f"/api/models/{NAME}", f"/api/models/{NAME}/revision/main"}:
            files = [self.server.sibling(item) for item in sorted(self.server.folder.iterdir())]
            info = {"id": NAME, "sha": COMMIT, "siblings": files, "cardData": {"license": "mit"}, "tags": []}
            self._answer(200, json.dumps(info).encode(), {"Content-Type": "application/json"})
        elif path.startswith(f"/{NAME}/resolve/{COMMIT}/"):
            self._send(self.server.folder / path.rpartition("/")[2])
        else:
            self._answer(404, b"{}", {"X-Error-Code": "RepoNotFound"})

    def _send(self, path: Path) -> None:
        content = path.read_bytes() + self.server.adds.get(path.name, b"")
        start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-")) if self.headers.get("Range") else 0
        limits = self.server.breaks_after.get(path.name)
        limit = limits.pop(0) if limits else None
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start : start + limit] if limit else content[start:])
        self.close_connection = True

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def serving(folder: Path) -> Iterator[Hub]:
    hub = Hub(folder)
    thread = threading.Thread(target=hub.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()
        thread.join()
