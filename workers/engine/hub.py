"""Reads one repository of a model hub at a fixed commit: what is there, and each file with resume and check.

The token, if there is one, comes as the first line of standard input and stays in this process.
"""

import email.utils
import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from huggingface_hub import HfApi, hf_hub_url
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import build_hf_headers

from webapp.contract.events import Fault
from workers.engine.faults import EngineFault

TIMEOUT_SECONDS = float(os.environ.get("HUB_TIMEOUT", "20"))
TRIES = 5  # without a byte between them
LONGEST_WAIT_SECONDS = 120.0  # a hub that asks for more is asked again by a person
BUSY = frozenset({429, 500, 502, 503, 504})
PIECE_BYTES = 1 << 20
SAY_EVERY_BYTES = 16 << 20
AWAY = (httpx.TransportError, ConnectionError, TimeoutError)


class Busy(Exception):
    """The hub answers, but not now. `seconds` is what it asks to wait, if it says so."""

    def __init__(self, status: int, seconds: float | None) -> None:
        super().__init__(status)
        self.status, self.seconds = status, seconds

    @classmethod
    def of(cls, response: Any) -> "Busy | None":
        """None where the answer is another one. The hub's library has responses of its own, of the same shape."""
        if response.status_code not in BUSY:
            return None
        return cls(response.status_code, seconds_to_wait(response.headers.get("Retry-After", "")))


@dataclass
class Patience:
    """Asks again after a while, twice as long each time or as long as the hub wants, but neither often nor for long."""

    wait: Callable[[float], None]
    tries: int = 1

    def bear(self, error: Exception, **where: Any) -> None:
        """Wait before the next try. Raises the fault where there is none: it is used up, or waiting mends nothing."""
        asked = error.seconds if isinstance(error, Busy) else None
        seconds = 2.0 ** (self.tries - 1) if asked is None else asked
        is_passing = isinstance(error, (Busy, *AWAY))
        if not is_passing or self.tries >= TRIES or seconds > LONGEST_WAIT_SECONDS:
            raise as_fault(error, **where) from error
        self.tries += 1
        self.wait(seconds)


@dataclass(frozen=True)
class File:
    """`sha256` is known for large files; small ones have the hash that git gives them."""

    name: str
    size_bytes: int
    sha256: str
    git_sha1: str


@dataclass(frozen=True)
class Repository:
    name: str
    commit: str
    licence: str
    files: list[File]
    wait: Callable[[float], None]
    endpoint: str | None = None
    token: str | None = field(default=None, repr=False)

    @classmethod
    def find(cls, name: str, *, revision: str, endpoint: str, wait: Callable[[float], None]) -> "Repository":
        """Ask the hub what is there. `wait` lets so many seconds pass. Raises EngineFault with the reason in a code."""
        token = read_token()
        api = HfApi(endpoint=endpoint or None, token=token or False)
        patience = Patience(wait)
        while True:
            try:
                info = api.model_info(name, revision=revision or None, files_metadata=True, timeout=TIMEOUT_SECONDS)
                break
            except HfHubHTTPError as error:
                passing = Busy.of(error.response) if error.response is not None else None
                patience.bear(passing or error, has_token=bool(token), repository=name, revision=revision)
            except Exception as error:  # a hub that is out of reach from the first is said to be so at once
                raise as_fault(error, has_token=bool(token), repository=name, revision=revision) from error
        files = [
            File(
                name=item.rfilename,
                size_bytes=int(item.size or 0),
                sha256=item.lfs.sha256 if item.lfs else "",
                git_sha1=item.blob_id or "",
            )
            for item in info.siblings or []
        ]
        licence = str(getattr(info.card_data, "license", "") or "")
        return cls(name, str(info.sha), licence, files, wait, endpoint or None, token)

    def download(self, file: File, folder: Path) -> Iterator[int]:
        """Bring one file to folder/name, yielding how many bytes are there. Raises EngineFault.

        Goes on from what an earlier try left in `name.part`; a wrong hash throws that away and says so.
        """
        folder.mkdir(parents=True, exist_ok=True)
        target, part = folder / file.name, folder / f"{file.name}.part"
        if target.is_file() and target.stat().st_size == file.size_bytes and matches(target, file):
            yield file.size_bytes
            return
        patience = Patience(self.wait)
        while True:
            before = size_of(part)
            try:
                yield from self._receive(file, part)
                break
            except (Busy, *AWAY) as error:
                if size_of(part) > before:
                    patience = Patience(self.wait)
                patience.bear(error, has_token=bool(self.token), repository=self.name, file=file.name)
        if part.stat().st_size != file.size_bytes or not matches(part, file):
            part.unlink()
            raise EngineFault(Fault.DAMAGED_INPUT, file=file.name, reason="hash", repository=self.name)
        part.rename(target)
        yield file.size_bytes

    def _receive(self, file: File, part: Path) -> Iterator[int]:
        offset = size_of(part)
        if offset > file.size_bytes:
            part.unlink()
            offset = 0
        if offset == file.size_bytes and part.exists():
            return
        headers = build_hf_headers(token=self.token or False)
        if offset:
            headers["Range"] = f"bytes={offset}-"
        url = hf_hub_url(self.name, file.name, revision=self.commit, endpoint=self.endpoint)
        with httpx.stream("GET", url, headers=headers, follow_redirects=True, timeout=TIMEOUT_SECONDS) as response:
            if busy := Busy.of(response):
                raise busy
            if response.status_code not in {200, 206}:
                raise from_status(
                    response.status_code, has_token=bool(self.token), repository=self.name, file=file.name
                )
            is_resumed = response.status_code == 206
            received = offset if is_resumed else 0
            said = received
            with part.open("ab" if is_resumed else "wb") as writer:
                for piece in response.iter_bytes():  # as they come, so that a break loses none
                    received += len(piece)
                    if received > file.size_bytes:
                        raise EngineFault(Fault.DAMAGED_INPUT, file=file.name, reason="longer_than_announced")
                    writer.write(piece)
                    if received - said >= SAY_EVERY_BYTES:
                        said = received
                        yield received


def read_token() -> str:
    """The first line of standard input, where the supervisor hands a secret over."""
    return "" if sys.stdin is None or sys.stdin.isatty() else sys.stdin.readline().strip()


def size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def seconds_to_wait(header: str) -> float | None:
    """What `Retry-After` says: seconds, or a date (RFC 9110, 10.2.3). None where it says nothing that we understand."""
    if header.strip().isascii() and header.strip().isdigit():
        return float(header)
    try:
        moment = email.utils.parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, moment.timestamp() - time.time())


def matches(path: Path, file: File) -> bool:
    """Whether the content is what the hub announced."""
    with path.open("rb") as reader:
        if file.sha256:
            return hashlib.file_digest(reader, "sha256").hexdigest() == file.sha256
        if not file.git_sha1:
            return True
        digest = hashlib.sha1(f"blob {file.size_bytes}\0".encode(), usedforsecurity=False)
        while piece := reader.read(PIECE_BYTES):
            digest.update(piece)
        return digest.hexdigest() == file.git_sha1


def from_status(status: int, *, has_token: bool, **data: Any) -> EngineFault:
    """What an HTTP status of the hub means for the person who asked.

    Whoever asks without a token for what does not exist, or is private, gets 401: no token was refused.
    """
    faults = {401: Fault.HUB_TOKEN_REFUSED, 403: Fault.HUB_GATED, 404: Fault.HUB_NOT_FOUND}
    found = faults.get(status, Fault.HUB_UNREACHABLE)
    if found is Fault.HUB_TOKEN_REFUSED and not has_token:
        found = Fault.HUB_NOT_FOUND
    return EngineFault(found, status=status, **data)


def as_fault(error: Exception, *, has_token: bool, **data: Any) -> EngineFault:
    """An exception of the hub's library as a fault with a code. The gated kind is a kind of not found there."""
    if isinstance(error, Busy):
        return from_status(error.status, has_token=has_token, **data)
    if isinstance(error, GatedRepoError):
        return EngineFault(Fault.HUB_GATED, **data)
    if isinstance(error, RevisionNotFoundError):
        return EngineFault(Fault.HUB_NOT_FOUND, **data)
    if isinstance(error, HfHubHTTPError) and error.response is not None:
        # Whatever else it is, the name is wrong before its revision can be.
        return from_status(error.response.status_code, has_token=has_token, **data | {"revision": ""})
    return EngineFault(Fault.HUB_UNREACHABLE, message=type(error).__name__, **data)
