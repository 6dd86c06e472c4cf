"""A whole installation, started as a person would: `manage.py up` in a folder of its own."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from webapp import launch

ROOT = Path(launch.__file__).parents[2]
EMAIL, PASSWORD = "owner@example.org", "copper-and-steel-7"
LEFT_OUT = ("DJANGO_SETTINGS_MODULE", "DATABASE_URL", "REDIS_URL", "PORT", "PUBLIC_URL", "OMP_NUM_THREADS")


class Installation:
    """`start` waits until it is ready; `output` is everything it has said."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.url = ""
        self.output = ""
        kept = {name: value for name, value in os.environ.items() if name not in LEFT_OUT}
        first = {"TUNESMITH_ADMIN_EMAIL": EMAIL, "TUNESMITH_ADMIN_PASSWORD": PASSWORD}
        self._environment = kept | {"TUNESMITH_STATE": str(folder), "HF_HUB_OFFLINE": "1"} | first | environment
        self._process: subprocess.Popen[str] | None = None
        self._settled = threading.Event()

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
        self._settled.wait()
        if "\n  ready " not in self.output:
            raise AssertionError(f"it did not start:\n{self.output}")
        self.url = re.findall(r"^  address +(\S+)", self.output, re.MULTILINE)[-1]
        return self

    def _listen(self) -> None:
        """Take every line, or a full pipe would stop the launcher."""
        assert self._process is not None and self._process.stdout is not None
        for line in self._process.stdout:
            self.output += line
            if line.startswith("  ready "):
                self._settled.set()
        self._settled.set()

    def stop(self) -> int:
        """Ctrl-C; returns the exit status."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        self._process.wait()
        self._listener.join()
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

    def manage(self, *arguments: str) -> str:
        """Run another command of the same installation."""
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=self._environment, check=True, capture_output=True, text=True
        ).stdout


@contextlib.contextmanager
def installation(**environment: str) -> Iterator[Installation]:
    """A new, running installation, stopped at the end."""
    with tempfile.TemporaryDirectory(prefix="ts") as folder:
        made = Installation(Path(folder), **environment).start()
        try:
            yield made
        finally:
            made.stop()
