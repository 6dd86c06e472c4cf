"""The REST API as the demo needs it. Nothing here knows the web tier: any program could do the same."""

import hashlib
import logging
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

POLL_SECONDS = 1.0
PATIENCE_SECONDS = 600
ENDED = {"succeeded", "failed", "cancelled"}

Document = dict[str, Any]

logging.getLogger("httpx").setLevel(logging.WARNING)  # it would tell the terminal of every request


class DemoError(Exception):
    """The demo cannot go on; the message says why."""


class Client:
    def __init__(self, *, url: str, token: str, transport: httpx.BaseTransport | None = None) -> None:
        self._http = httpx.Client(
            base_url=f"{url}/api/v1",
            headers={"Authorization": f"Bearer {token}"},
            timeout=60,
            trust_env=False,
            transport=transport or httpx.HTTPTransport(retries=5),
        )

    def get(self, path: str) -> Document:
        return self._ask("GET", path)

    def post(self, path: str, body: Document | None = None) -> Document:
        return self._ask("POST", path, json=body)

    def _ask(self, method: str, path: str, **options: Any) -> Document:
        try:
            answer = self._http.request(method, path, **options)
        except httpx.HTTPError as error:
            raise DemoError(f"{method} {path} got no answer: {error}") from error
        if answer.is_error:
            raise DemoError(f"{method} {path} was refused ({answer.status_code}): {_words(answer)}")
        document: Document = answer.json()
        return document

    def find(self, path: str, is_it: Callable[[Document], bool]) -> Document | None:
        """The first document of a list, over all its pages, that is the one."""
        cursor = ""
        while True:
            page = self.get(f"{path}?cursor={cursor}" if cursor else path)
            for item in page["items"]:
                if is_it(item):
                    return dict(item)
            cursor = page["next"] or ""
            if not cursor:
                return None

    def upload(self, file: Path) -> str:
        """Send a file in chunks; returns the upload's id."""
        upload = self.post("/uploads", {"file_name": file.name, "size_bytes": file.stat().st_size})
        with file.open("rb") as content:
            offset = 0
            while chunk := content.read(upload["chunk_bytes"]):
                place = {"Upload-Offset": str(offset)}
                self._ask("PATCH", f"/uploads/{upload['id']}", content=chunk, headers=place)
                offset += len(chunk)
        self.post(f"/uploads/{upload['id']}/finish")
        return str(upload["id"])

    def follow(self, path: str, is_done: Callable[[Document], bool], see: Callable[[Document], None]) -> Document:
        """Read a document again and again until it is done; give up when nothing in it has changed for long."""
        before, deadline = None, 0.0
        while True:
            document = self.get(path)
            see(document)
            if is_done(document):
                return document
            if document != before:
                before, deadline = document, time.monotonic() + PATIENCE_SECONDS
            if time.monotonic() > deadline:
                raise DemoError(f"nothing has moved for {PATIENCE_SECONDS // 60} minutes at {path}")
            time.sleep(POLL_SECONDS)

    def download(self, path: str, target: Path) -> None:
        with self._http.stream("GET", path) as answer, target.open("wb") as file:
            if answer.is_error:
                raise DemoError(f"the download was refused ({answer.status_code})")
            for chunk in answer.iter_bytes():
                file.write(chunk)


def _words(answer: httpx.Response) -> str:
    try:
        problem = answer.json()
    except ValueError:
        return answer.text[:300]
    return str(problem.get("detail") or problem.get("title") or problem)


def unpack(archive: Path, folder: Path, *, sha256: dict[str, str]) -> None:
    """Unpack what was downloaded and compare every file with the checksum that the API promised."""
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive) as content:
        content.extractall(folder)
    for path, expected in sha256.items():
        found = folder / path
        if not found.is_file() or hashlib.sha256(found.read_bytes()).hexdigest() != expected:
            raise DemoError(f"{path} did not arrive as it was stored")
