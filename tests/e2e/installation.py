"""A whole installation, started as a person would: `manage.py up` in a process and a folder of its own."""

import contextlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

from webapp import launch

ROOT = Path(launch.__file__).parents[2]
START_SECONDS, STOP_SECONDS = 120, 100
EMAIL, PASSWORD = "owner@example.org", "copper-and-steel-7"
FIRST_ADMINISTRATOR = {"TUNESMITH_ADMIN_EMAIL": EMAIL, "TUNESMITH_ADMIN_PASSWORD": PASSWORD}
# What the shell of whoever runs the tests says about another installation, or the tests about themselves.
FOREIGN = frozenset({
    "ALLOWED_HOSTS", "DATABASE_URL", "DJANGO_ALLOW_ASYNC_UNSAFE", "DJANGO_SETTINGS_MODULE", "FILES_DIR", "HOST",
    "OMP_NUM_THREADS", "PORT", "PUBLIC_URL", "REDIS_URL", "S3_BUCKET", "SECRET_KEY",
})  # fmt: skip
STARTER_FILES = """
    SELECT file.path, blob.sha256 FROM basemodels_pretrainedmodel model
    JOIN artifacts_bundlefile file ON file.bundle_id = model.bundle_id
    JOIN artifacts_blob blob ON blob.id = file.blob_id
    WHERE model.public_id = 'base_starter'
"""


class Installation:
    """`start` waits until it is ready; then `url` is its address. `output` is everything it has said."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.url = ""
        self.output = ""
        kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        ours = {"TUNESMITH_STATE": str(folder), "HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1"}
        self._environment = kept | ours | environment
        self._process: subprocess.Popen[str] | None = None
        self._is_settled = threading.Event()

    def start(self) -> "Installation":
        self._process = subprocess.Popen(
            [sys.executable, "manage.py", "up"],
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        if not self._is_settled.wait(START_SECONDS) or "\n  ready " not in self.output:
            self.kill()
            raise AssertionError(f"it did not start:\n{self.output}")
        self.url = self._found(r"^  address +(\S+)")
        return self

    def _listen(self) -> None:
        """Take every line, or a full pipe would stop the launcher."""
        assert self._process is not None and self._process.stdout is not None
        for line in self._process.stdout:
            self.output += line
            if line.startswith("  ready "):
                self._is_settled.set()
        self._is_settled.set()

    @property
    def setup_link(self) -> str:
        """The one-time link for the first person, as it was printed."""
        return self._found(r"(http://\S+/setup/\S+)")

    def _found(self, pattern: str) -> str:
        found: list[str] = re.findall(pattern, self.output, re.MULTILINE)
        assert found, f"no {pattern} in:\n{self.output}"
        return found[-1]

    def stop(self) -> int:
        """Ctrl-C, as a person ends it; returns the exit status. No process is left behind."""
        assert self._process is not None
        everything = self.programs()
        self._process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)
        left = [process for process in everything if is_alive(process)]
        for process in left:
            process.kill()
        if self._process.poll() is None:
            self.kill()
        self._listener.join(5)
        assert not left, f"left behind: {left}"
        return self._process.returncode

    def kill(self) -> None:
        """As a machine that runs out of memory would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def note(self) -> dict[str, Any]:
        """What the launcher says about itself: its processes among others."""
        found: dict[str, Any] = json.loads((self.folder / "launcher.json").read_text())
        return found

    def programs(self, *words: str) -> list[psutil.Process]:
        """Processes under the launcher whose command lines hold all of `words`."""
        assert self._process is not None
        try:
            below = psutil.Process(self._process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []
        return [process for process in below if _runs(process, words)]

    def manage(self, *words: str) -> str:
        """What a command of manage.py says about this installation."""
        command = [sys.executable, "manage.py", *words]
        done = subprocess.run(command, cwd=ROOT, env=self._environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def base_folder(self, target: Path) -> Path:
        """The starter's files under their names, straight from where they were stored."""
        target.mkdir()
        address = f"file:{self.folder}/tunesmith.sqlite3?mode=ro"
        with contextlib.closing(sqlite3.connect(address, uri=True)) as database:
            files = database.execute(STARTER_FILES).fetchall()
        for path, sha256 in files:
            (stored,) = (self.folder / "files").rglob(sha256)
            (target / path).symlink_to(stored)
        assert files, "the starter was not fetched"
        return target


@contextlib.contextmanager
def installation(**environment: str) -> Iterator[Installation]:
    """A new, running installation, stopped at the end."""
    with tempfile.TemporaryDirectory(prefix="ts") as folder:
        made = Installation(Path(folder), **environment).start()
        try:
            yield made
        finally:
            made.stop()


def engines_on(folder: Path) -> list[psutil.Process]:
    """Engines of this installation, whoever started them and whether their parents live or not."""
    return [process for process in psutil.process_iter() if _runs(process, ("workers.engine", str(folder)))]


def is_alive(process: psutil.Process) -> bool:
    """Also false for a process id that was given to another process since."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _runs(process: psutil.Process, words: tuple[str, ...]) -> bool:
    try:
        line = " ".join(process.cmdline())
    except psutil.Error:
        return False
    return is_alive(process) and all(word in line for word in words)


def wait_until(holds: Callable[[], bool], *, seconds: float, why: str) -> None:
    """Poll `holds` until it is true."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, why
        time.sleep(0.1)
