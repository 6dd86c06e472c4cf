"""Keeps a few programs running: starts, watches, restarts and stops them, and carries their output."""

import os
import selectors
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from webapp.launch import tether
from webapp.launch.logs import Log

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
SETTLED_SECONDS = 30.0  # who lived that long has recovered; its pauses begin anew
READ_BYTES = 65536


@dataclass(frozen=True, kw_only=True)
class Program:
    """What to run. `grace_seconds` is how long it may take to end after SIGTERM."""

    name: str
    argv: list[str]
    grace_seconds: float
    env: dict[str, str] = field(default_factory=dict)
    descriptors: tuple[int, ...] = ()


class Child:
    """One program and, while it runs, its process."""

    def __init__(self, program: Program, log: Log) -> None:
        self.program = program
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0
        self.due_at = 0.0
        self.quick_deaths = 0
        self.torn_line = b""
        self.last_lines: deque[str] = deque(maxlen=15)

    def pause_seconds(self) -> float:
        return min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** max(0, self.quick_deaths - 1))

    def hear(self, data: bytes) -> None:
        """Pass whole lines on; keep the rest until its end arrives."""
        *lines, self.torn_line = (self.torn_line + data).split(b"\n")
        if not data and self.torn_line:
            lines, self.torn_line = [self.torn_line], b""
        for line in lines:
            text = line.decode(errors="replace").rstrip("\r")
            self.last_lines.append(text)
            self.log.write(text)


class Processes:
    """The programs of one launcher, all watched from one thread.

    A parent-death signal is bound to the thread that started the process, so starting and
    restarting happen in the thread that calls `start` and `watch`.
    """

    def __init__(
        self,
        *,
        folder: Path,
        cwd: Path,
        show: Callable[[str, str], None],
        inherit: tuple[int, ...] = (),
        ended: Callable[[str, int, int], None] = lambda name, pid, code: None,
    ) -> None:
        self._folder = folder
        self._cwd = cwd
        self._show = show
        self._inherit = inherit
        self._ended = ended
        self._children: dict[str, Child] = {}
        self._selector = selectors.DefaultSelector()

    def start(self, program: Program) -> None:
        """Run the program and keep it running."""
        name = program.name
        log = Log(self._folder / f"{name}.log", show=lambda line: self._show(name, line))
        self._children[name] = child = Child(program, log)
        self._spawn(child)

    def _spawn(self, child: Child) -> None:
        program = child.program
        child.process = subprocess.Popen(
            tether.command(program.argv),
            cwd=self._cwd,
            env=os.environ | {"PYTHONUNBUFFERED": "1"} | program.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(*self._inherit, *program.descriptors),
            start_new_session=True,  # Ctrl-C reaches the launcher alone, which stops the others in order
        )
        child.started_at = time.monotonic()
        assert child.process.stdout is not None
        os.set_blocking(child.process.stdout.fileno(), False)
        self._selector.register(child.process.stdout, selectors.EVENT_READ, child)

    def watch(self, seconds: float) -> None:
        """For so long: carry output, notice ends, restart what is due."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._carry_output(min(left, 0.2))
            for child in self._children.values():
                self._notice_end(child)
                if child.process is None and time.monotonic() >= child.due_at:
                    self._spawn(child)

    def _carry_output(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            data = os.read(key.fd, READ_BYTES)
            key.data.hear(data)
            if not data:
                self._selector.unregister(key.fileobj)

    def _notice_end(self, child: Child) -> None:
        process = child.process
        if process is None or (code := process.poll()) is None:
            return
        self._drain(child)
        child.process = None
        child.quick_deaths = 0 if time.monotonic() - child.started_at > SETTLED_SECONDS else child.quick_deaths + 1
        child.due_at = time.monotonic() + child.pause_seconds()
        child.hear(f"ended ({describe_exit(code)}); starts again in {child.pause_seconds():g} s\n".encode())
        self._ended(child.program.name, process.pid, code)

    def _drain(self, child: Child) -> None:
        """Take what an ended process still said. A grandchild may hold the pipe open, so do not wait for its end."""
        assert child.process is not None and child.process.stdout is not None
        stream = child.process.stdout
        try:
            while data := os.read(stream.fileno(), READ_BYTES):
                child.hear(data)
        except BlockingIOError:
            pass
        child.hear(b"")
        if stream.fileno() in self._selector.get_map():
            self._selector.unregister(stream)
        stream.close()

    def stop(self, name: str) -> None:
        """Ask the program to end; after its grace, end it and what it started."""
        child = self._children.pop(name, None)
        if child is None or child.process is None:
            return
        child.process.terminate()
        deadline = time.monotonic() + child.program.grace_seconds
        while child.process.poll() is None and time.monotonic() < deadline:
            self._carry_output(0.05)
        if child.process.poll() is None:
            child.hear(f"did not end within {child.program.grace_seconds:g} s and is killed\n".encode())
            os.killpg(child.process.pid, signal.SIGKILL)
            child.process.wait()
        self._drain(child)
        self._ended(name, child.process.pid, child.process.returncode)
        child.log.close()

    def pids(self) -> list[int]:
        return [child.process.pid for child in self._children.values() if child.process]

    def quick_deaths(self, name: str) -> int:
        """How often in a row it ended soon after its start."""
        return self._children[name].quick_deaths

    def last_lines(self, name: str) -> list[str]:
        return list(self._children[name].last_lines)

    def names(self) -> list[str]:
        return list(self._children)


def describe_exit(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
