"""The whole product as a person starts it: `manage.py up` in a process of its own, with a state folder of its own."""

import contextlib
import os
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS, STOP_SECONDS = 120, 100
STARTER_FILES = """
    SELECT file.path, blob.sha256 FROM basemodels_pretrainedmodel model
    JOIN artifacts_bundlefile file ON file.bundle_id = model.bundle_id
    JOIN artifacts_blob blob ON blob.id = file.blob_id
    WHERE model.public_id = 'base_starter'
"""
# What the shell of whoever runs the tests says about another installation is none of ours.
FOREIGN = (
    "REDIS_URL",
    "DATABASE_URL",
    "PUBLIC_URL",
    "PORT",
    "HOST",
    "FILES_DIR",
    "S3_BUCKET",
    "DJANGO_ALLOW_ASYNC_UNSAFE",
)


class Product:
    """Runs until `stop`. `url` is its address, `setup_link` the one-time link that it printed."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="tunesmith-e2e-")
        self.state = Path(self._folder.name)
        env = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        env |= {
            "DJANGO_SETTINGS_MODULE": "webapp.settings",
            "TUNESMITH_STATE": str(self.state),
            "HF_HUB_OFFLINE": "1",
            "PYTHONUNBUFFERED": "1",
        }
        self._env = env
        self._process = subprocess.Popen(
            [sys.executable, "manage.py", "up"],
            cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self._said: list[str] = []
        self._is_ready = threading.Event()
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()
        if not self._is_ready.wait(START_SECONDS) or self._process.poll() is not None:
            self.stop()
            raise AssertionError(f"the product did not start:\n{self.words()}")
        self.url = self._find(r"address\s+(http://\S+)")
        self.setup_link = self._find(r"(http://\S+/setup/\S+)")

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._said.append(line)
            if re.match(r"\s+ready\s", line):
                self._is_ready.set()
        self._is_ready.set()

    def words(self) -> str:
        """The last it said on its terminal."""
        return "".join(self._said[-80:])

    def _find(self, pattern: str) -> str:
        found = re.search(pattern, "".join(self._said))
        assert found, f"no {pattern} in:\n{self.words()}"
        return found[1]

    def programs(self, *words: str) -> list[psutil.Process]:
        """Processes under the launcher whose command lines hold all of `words`."""
        try:
            below = psutil.Process(self._process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []
        return [process for process in below if _runs(process, words)]

    def manage(self, *words: str) -> str:
        """What a command of manage.py says about this installation."""
        command = [sys.executable, "manage.py", *words]
        done = subprocess.run(command, cwd=ROOT, env=self._env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def base_folder(self, target: Path) -> Path:
        """The starter's files under their names, straight from where the product stored them."""
        target.mkdir()
        with contextlib.closing(sqlite3.connect(f"file:{self.state}/tunesmith.sqlite3?mode=ro", uri=True)) as database:
            files = database.execute(STARTER_FILES).fetchall()
        for path, sha256 in files:
            (stored,) = (self.state / "files").rglob(sha256)
            (target / path).symlink_to(stored)
        assert files, "the starter was not fetched"
        return target

    def stop(self) -> None:
        """Ctrl-C, as a person ends it; nothing is left behind."""
        everything = self.programs()
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        left = [process for process in everything if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]
        for process in left:
            process.kill()
        self._reader.join(5)
        self._folder.cleanup()
        assert not left, f"left behind: {left}"


def engines_on(state: Path) -> list[psutil.Process]:
    """Engines of this installation, whoever started them and whether their parents live or not."""
    found = [process for process in psutil.process_iter() if _runs(process, ("workers.engine", str(state)))]
    return [process for process in found if process.is_running()]


def _runs(process: psutil.Process, words: tuple[str, ...]) -> bool:
    try:
        line = " ".join(process.cmdline())
        return process.status() != psutil.STATUS_ZOMBIE and all(word in line for word in words)
    except psutil.Error:
        return False


def wait_until(holds: object, *, seconds: float, why: str) -> None:
    """Poll `holds` until it is true."""
    assert callable(holds)
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, why
        time.sleep(0.1)
