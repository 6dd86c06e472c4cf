"""The program that does a job: a child in a session of its own, which can be asked to stop and can be killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings

from webapp.contract.spec import JobKind
from webapp.fleet.models import Device
from workers import environment

PROGRAMS = {
    JobKind.READ: "workers.reader",
    JobKind.IMPORT: "workers.reader",
    JobKind.FETCH: "workers.engine",
    JobKind.FETCH_ADAPTER: "workers.engine",
    JobKind.TRAIN: "workers.engine",
    JobKind.EVALUATE: "workers.engine",
    JobKind.INSPECT: "workers.engine",
    JobKind.COMPRESS: "workers.engine",
}
ONLINE = frozenset({JobKind.FETCH, JobKind.FETCH_ADAPTER})


class Child:
    """Starts at once. On Linux the programs ask the kernel to kill them when the thread that started them ends."""

    def __init__(
        self, *, kind: JobKind, folder: Path, devices: Sequence[Device], threads: int, secret: str = ""
    ) -> None:
        is_online = kind in ONLINE
        env = environment.for_program(devices=devices, threads=threads, folder=folder, is_online=is_online)
        (folder / "tmp").mkdir(exist_ok=True)
        with (folder / "log.txt").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", PROGRAMS[kind], str(folder)],
                cwd=settings.BASE_DIR,
                env=env,
                stdin=subprocess.PIPE if secret else subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                umask=0o077,
            )
        if secret:
            self._hand_over(secret)

    def _hand_over(self, secret: str) -> None:
        """One line on standard input, where no list of processes and no file shows it."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(secret.encode() + b"\n")
            self._process.stdin.close()
        except BrokenPipeError:
            pass  # it ended already; its exit says why

    @property
    def pid(self) -> int:
        return self._process.pid

    def exit_code(self) -> int | None:
        """None while it runs; −9 when it was killed. Whatever it started and left behind is killed too."""
        if self._process.returncode is None:
            seen = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if seen is None:
                return None
            # It is dead but not yet buried, so the number of its group cannot be another's.
            self._signal_group(signal.SIGKILL)
        return self._process.wait()

    def ask_to_stop(self) -> None:
        """SIGTERM to the program alone: it decides about its own children."""
        if self.exit_code() is None:
            self._process.terminate()

    def kill(self) -> int:
        """End it and everything that it started, now. Returns the exit code."""
        if self.exit_code() is None:
            self._signal_group(signal.SIGKILL)
        return self._process.wait()

    def _signal_group(self, number: int) -> None:
        try:
            os.killpg(self.pid, number)
        except (ProcessLookupError, PermissionError):
            pass  # nobody is left in it (macOS answers with the second when only the dead one is)
