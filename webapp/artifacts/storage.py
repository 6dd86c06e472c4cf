"""Where bytes lie: each content once, under its SHA-256, in a folder or in an S3-compatible bucket.

Names come from hashes only. Nothing that a person typed reaches a path.
"""

import datetime as dt
import errno
import hashlib
import io
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, default_storage
from django.utils.translation import gettext as _

from webapp.artifacts.models import Blob
from webapp.core import units
from webapp.core.faults import UserFault

PIECE_BYTES = 1024 * 1024
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_CANNOT_LINK = {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.EACCES}
_PARTS = "parts"


class MissingContent(LookupError):
    """The storage does not hold this content, though a row says so."""


class DamagedContent(ValueError):
    """What was read is not what its hash says."""


def key(sha256: str) -> str:
    """The storage's name of a content. Anything but a hash is refused."""
    if not _SHA256.fullmatch(sha256):
        raise ValueError("not a SHA-256 in lower-case hex")
    return f"blobs/{sha256[:2]}/{sha256[2:4]}/{sha256}"


def is_folder() -> bool:
    return isinstance(default_storage, FileSystemStorage)


def path_of(sha256: str) -> Path:
    """Where a content lies when files lie in a folder."""
    return Path(default_storage.path(key(sha256)))


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_stored(sha256: str) -> str:
    """The hash of what the storage really holds under this name."""
    found = hashlib.sha256()
    for piece in read(sha256):
        found.update(piece)
    return found.hexdigest()


def put(path: Path, sha256: str, *, is_frozen: bool = False) -> None:
    """Write a file under its hash. Whoever looks sees the whole content or nothing; equal content replaces itself.

    It is always written, so that nobody learns from the time it takes whether the content was there already, and
    a damaged copy heals. `is_frozen`: nobody writes to `path` any more, so a second name for it is enough.
    """
    if is_folder():
        _put_in_folder(path, path_of(sha256), is_frozen=is_frozen)
    else:
        with path.open("rb") as file:
            default_storage.save(key(sha256), File(file))


def _put_in_folder(source: Path, target: Path, *, is_frozen: bool) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = Path(default_storage.path(_PARTS)) / secrets.token_hex(16)
    part.parent.mkdir(parents=True, exist_ok=True)
    try:
        if not (is_frozen and _linked(source, part)):
            require_room(part.parent, source.stat().st_size)
            shutil.copyfile(source, part)
        part.chmod(0o444)
        flush(part)
        part.replace(target)
        flush(target.parent)
    except OSError as error:
        raise_if_full(error, part.parent, source.stat().st_size)
        raise
    finally:
        # Renaming one name of a file onto another name of the same file does nothing, and leaves the part.
        part.unlink(missing_ok=True)


def _linked(source: Path, target: Path) -> bool:
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in _CANNOT_LINK:
            raise
        return False
    return True


def flush(path: Path) -> None:
    """Wait until a file's content, or a folder's names, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def exists(sha256: str) -> bool:
    return bool(default_storage.exists(key(sha256)))


def delete(sha256: str) -> None:
    default_storage.delete(key(sha256))


def read(sha256: str, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
    """The content in pieces, from `start`, at most `length` bytes. Raises MissingContent."""
    yield from pieces(open_content(sha256), start=start, length=length)


def pieces(file: BinaryIO, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
    """What an open file holds, in pieces; closes it. What is open can be read to its end whoever deletes it meanwhile,
    where files lie in a folder.
    """
    with file:
        file.seek(start)
        left = length
        while left is None or left > 0:
            piece = file.read(PIECE_BYTES if left is None else min(PIECE_BYTES, left))
            if not piece:
                return
            left = None if left is None else left - len(piece)
            yield piece


def open_blob(blob: Blob) -> BinaryIO:
    """The content as a file that can be read and sought."""
    return open_content(blob.sha256)


def open_content(sha256: str) -> BinaryIO:
    if not is_folder():
        return cast(BinaryIO, io.BufferedReader(_BucketFile(key(sha256)), buffer_size=PIECE_BYTES))
    try:
        return path_of(sha256).open("rb")
    except FileNotFoundError as error:
        raise MissingContent(sha256) from error


class _BucketFile(io.RawIOBase):
    """An object of the bucket, read by ranges: memory stays flat, however large it is and wherever one reads."""

    def __init__(self, name: str) -> None:
        self._object = cast(Any, default_storage).bucket.Object(name)
        self._position = 0
        try:
            self._size = self._object.content_length
        except self._object.meta.client.exceptions.ClientError as error:
            raise MissingContent(name) from error

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, start + offset)
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: Any) -> int:
        wanted = min(len(buffer), self._size - self._position)
        if wanted <= 0:
            return 0
        last = self._position + wanted - 1
        body = self._object.get(Range=f"bytes={self._position}-{last}")["Body"].read()
        buffer[: len(body)] = body
        self._position += len(body)
        return len(body)


@dataclass(frozen=True)
class Stored:
    """A content as the storage knows it."""

    sha256: str
    size_bytes: int
    changed_at: dt.datetime


def every() -> Iterator[Stored]:
    """All contents that the storage holds, registered or not."""
    if not is_folder():
        for item in cast(Any, default_storage).bucket.objects.filter(Prefix="blobs/"):
            if _SHA256.fullmatch(name := item.key.rsplit("/", 1)[-1]):
                yield Stored(name, item.size, item.last_modified)
        return
    for path in Path(default_storage.path("blobs")).glob("*/*/*"):
        if _SHA256.fullmatch(path.name):
            status = path.stat()
            # Not its modification: a second name that was given to an old file is young.
            changed_at = dt.datetime.fromtimestamp(status.st_ctime, tz=dt.UTC)
            yield Stored(path.name, status.st_size, changed_at)


def local_copy(*, sha256: str, cache_dir: Path) -> Path:
    """The content as a read-only file under `cache_dir`, where it keeps its hash as its name.

    From a folder it is a second name of the stored file (or a link to it, from another disk); from a bucket it is
    fetched once and compared with its hash. Raises MissingContent or DamagedContent.
    """
    target = cache_dir / sha256[:2] / sha256
    source = path_of(sha256) if is_folder() else None
    if target.exists():
        return target
    if source and not source.exists():
        raise MissingContent(sha256)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.parent / f".{sha256}.{secrets.token_hex(4)}"
    try:
        if source is None:
            _fetch(sha256, part)
        elif not _linked(source, part):
            part.symlink_to(source)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target


def _fetch(sha256: str, target: Path) -> None:
    found = hashlib.sha256()
    with target.open("xb") as file:
        for piece in read(sha256):
            found.update(piece)
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
    if found.hexdigest() != sha256:
        raise DamagedContent(sha256)
    target.chmod(0o444)


def require_room(folder: Path, needed_bytes: int) -> None:
    """Raise UserFault where the disk, less the reserve that everybody else needs, has no room for so much."""
    free = shutil.disk_usage(folder).free - settings.DISK_RESERVE_BYTES
    if free < needed_bytes:
        raise _disk_full(needed_bytes, max(0, free))


def raise_if_full(error: OSError, folder: Path, needed_bytes: int) -> None:
    """Turn "no space left" into words; every other error is left to the caller."""
    if error.errno in _NO_ROOM:
        free = shutil.disk_usage(folder).free - settings.DISK_RESERVE_BYTES
        raise _disk_full(needed_bytes, max(0, min(free, needed_bytes))) from error


def _disk_full(needed_bytes: int, free_bytes: int) -> UserFault:
    message = _(
        "The disk of this installation is full: %(needed)s are needed and %(free)s are free beside its reserve. "
        "Nothing was stored. Delete what is no longer needed, or ask whoever runs this installation to make room, "
        "then try again."
    ) % {"needed": units.filesize(needed_bytes), "free": units.filesize(free_bytes)}
    data = {"needed_bytes": needed_bytes, "free_bytes": free_bytes}
    return UserFault(code="disk_full", message=message, status=507, data=data)


def sweep_parts(*, older_than_seconds: float, now: float) -> int:
    """Remove what a killed writer left behind; returns how many."""
    folder = Path(default_storage.path(_PARTS)) if is_folder() else None
    if folder is None or not folder.exists():
        return 0
    old = [part for part in folder.iterdir() if now - part.stat().st_mtime > older_than_seconds]
    for part in old:
        part.unlink(missing_ok=True)
    return len(old)
