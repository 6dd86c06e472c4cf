"""The state folder of one installation, and the lock that keeps a second launcher out of it."""

import errno
import fcntl
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import psutil

from webapp.launch.errors import LaunchError

LEFTOVER_SECONDS = 20


def folder() -> Path:
    """The same that settings.py uses, known before settings are loaded."""
    default = Path(__file__).resolve().parents[2] / "state"
    return Path(os.environ.get("TUNESMITH_STATE") or default).resolve()


def prepare(folder: Path) -> None:
    """Make the folder, readable by its owner only, and see that it can be written to."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        (folder / "logs").mkdir(mode=0o700, exist_ok=True)
        probe = folder / ".probe"
        probe.write_bytes(b"\0" * 4096)
        probe.unlink()
    except OSError as error:
        raise LaunchError(_why_unusable(folder, error)) from error


def _why_unusable(folder: Path, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk that holds {folder} is full. Free some space, or set TUNESMITH_STATE to a folder elsewhere."
    return (
        f"The state folder {folder} cannot be used ({error.strerror}). "
        "Give this user the right to write there, or set TUNESMITH_STATE to another folder."
    )


class Lock:
    """One launcher for a state folder.

    The lock is the kernel's, so it cannot outlive its holders: after kill -9 nothing has to be cleaned
    up. The launcher's processes inherit it, so it is free only when all of them have ended and a new
    start does not meet an old broker or worker. Beside it lies a note about the holder for people.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "launcher.lock"
        self.note_path = folder / "launcher.json"
        self.descriptor = -1

    def acquire(self) -> None:
        """Take the lock. Raises LaunchError when a live launcher holds it."""
        self.descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if self._try():
            return
        note = self._read_note()
        if _is_alive(note.get("launcher")):
            raise LaunchError(
                f"Tunesmith is already running from this folder, at {note.get('url', 'an address not yet known')} "
                f"(process {note['launcher']['pid']}). Stop it there with Ctrl-C, or give this one a state folder "
                "of its own with TUNESMITH_STATE."
            )
        self._wait_for_leftovers(note)

    def _try(self) -> bool:
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _wait_for_leftovers(self, note: dict[str, Any]) -> None:
        """The launcher is gone but its processes still end; after a while they are helped."""
        if self._try_for(LEFTOVER_SECONDS):
            return
        for process in note.get("processes", []):
            if _is_alive(process):
                os.kill(process["pid"], signal.SIGKILL)
        if not self._try_for(5):
            raise LaunchError(
                f"An earlier Tunesmith still holds {self.path} and does not end. "
                "Restart the machine, or set TUNESMITH_STATE to another folder."
            )

    def _try_for(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not self._try():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        return True

    def describe(self, *, url: str, pids: list[int]) -> None:
        """Leave word of who holds the lock, for a second start and for people."""
        note = {"launcher": _identity(os.getpid()), "url": url, "processes": [_identity(pid) for pid in pids]}
        write_private(self.note_path, json.dumps(note))

    def release(self) -> None:
        self.note_path.unlink(missing_ok=True)
        os.close(self.descriptor)

    def _read_note(self) -> dict[str, Any]:
        try:
            note = json.loads(self.note_path.read_text())
        except (OSError, ValueError):
            return {}
        return note if isinstance(note, dict) else {}


def _identity(pid: int) -> dict[str, Any] | None:
    """A process id is used again some day; together with its start time it is not."""
    try:
        return {"pid": pid, "started": psutil.Process(pid).create_time()}
    except psutil.NoSuchProcess:
        return None


def _is_alive(identity: dict[str, Any] | None) -> bool:
    return identity is not None and _identity(identity["pid"]) == identity


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
