"""Uploads on their way in: one file each in the state folder, named by the upload's id, written under a lock."""

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler


class FormFile(FileUploadHandler):
    """Writes a form's file to the disk under a name of our own (Django's lets its ending through, however long)."""

    file: TemporaryUploadedFile

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.file = TemporaryUploadedFile("form", self.content_type or "", 0, self.charset, self.content_type_extra)
        self.file.name = self.file_name

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.file.write(raw_data)

    def file_complete(self, file_size: int) -> TemporaryUploadedFile:
        self.file.seek(0)
        self.file.size = file_size
        return self.file

    def upload_interrupted(self) -> None:
        """The client left in the middle; what had arrived goes at once."""
        if hasattr(self, "file"):
            self.file.close()


_ID = re.compile(r"upl_[0-9a-z]{20}")
DJANGO_TEMPORARY = "*.upload"


def folder() -> Path:
    return Path(settings.FILE_UPLOAD_TEMP_DIR)


def path_of(public_id: str) -> Path:
    if not _ID.fullmatch(public_id):
        raise ValueError("not an upload's id")
    return folder() / public_id


def create(public_id: str) -> None:
    path_of(public_id).touch(mode=0o600, exist_ok=False)


@contextlib.contextmanager
def locked(public_id: str) -> Iterator[BinaryIO]:
    """The file, for one writer at a time. Raises FileNotFoundError when it is gone."""
    with path_of(public_id).open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def size_of(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_size


def write(file: BinaryIO, offset: int, chunk: bytes) -> None:
    """Write and flush; a chunk that does not fit on the disk leaves the file as it was."""
    try:
        file.seek(offset)
        file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    except OSError:
        file.truncate(offset)
        raise


def holds(file: BinaryIO, offset: int, chunk: bytes) -> bool:
    file.seek(offset)
    return file.read(len(chunk)) == chunk


def remove(public_id: str) -> None:
    path_of(public_id).unlink(missing_ok=True)


def sweep(*, older_than_seconds: float, now: float) -> int:
    """Remove forms' temporary files that a killed web process left behind; returns how many."""
    old = [path for path in folder().glob(DJANGO_TEMPORARY) if now - path.stat().st_mtime > older_than_seconds]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)
