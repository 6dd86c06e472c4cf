"""Carries the end of a program's log to the database, where the page reads it whichever machine the program ran on."""

import os
import re
import time
from pathlib import Path

from webapp.jobs.models import Attempt, AttemptLog

TAIL_BYTES = 64 * 1024
EVERY_SECONDS = 5.0
LARGEST_FILE_BYTES = 64 * 1024 * 1024

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class Log:
    """`secret` is what must never be shown, should the program print it after all."""

    def __init__(self, path: Path, attempt: Attempt, *, secret: str = "") -> None:
        self._path, self._attempt, self._secret = path, attempt, secret
        self._stored_size = -1
        self._stored_at = 0.0

    def store(self, *, now: bool = False) -> None:
        """Store the end of the log if it grew; not more often than every few seconds unless `now`."""
        if not now and time.monotonic() - self._stored_at < EVERY_SECONDS:
            return
        size = self._path.stat().st_size if self._path.exists() else 0
        if size == self._stored_size:
            return
        values = {"text": self.tail(), "size_bytes": size}
        AttemptLog.objects.update_or_create(attempt=self._attempt, defaults=values)
        self._stored_size, self._stored_at = size, time.monotonic()
        if size > LARGEST_FILE_BYTES:
            os.truncate(self._path, 0)  # the program appends, so it goes on at the new end

    def tail(self) -> str:
        if not self._path.exists():
            return ""
        with self._path.open("rb") as file:
            start = max(0, self._path.stat().st_size - TAIL_BYTES)
            file.seek(start)
            data = file.read(TAIL_BYTES)
        if start:
            data = data.partition(b"\n")[2]
        text = data.decode(errors="replace")
        if self._secret:
            text = text.replace(self._secret, "•••")
        return readable(text)


def readable(text: str) -> str:
    """Without terminal colours and control characters; of a line that was written over, only its last state."""
    text = _ESCAPES.sub("", text).replace("\r\n", "\n")
    text = "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))
    return _CONTROLS.sub("", text)
