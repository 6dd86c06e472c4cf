"""Starting, watching, restarting and stopping programs."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from webapp.launch import processes, tether
from webapp.launch.logs import Log
from webapp.launch.processes import Processes, Program

ROOT = Path(processes.__file__).parents[2]


class Scene:
    """Programs under test, with everything that was shown and every end that was told."""

    def __init__(self, folder: Path) -> None:
        self.lines: list[tuple[str, str]] = []
        self.ends: list[tuple[str, int, int]] = []
        self.processes = Processes(
            folder=folder,
            cwd=ROOT,
            show=lambda name, line: self.lines.append((name, line)),
            ended=lambda name, pid, code: self.ends.append((name, pid, code)),
        )

    def start(self, name: str, code: str, *, grace_seconds: float = 20) -> None:
        self.processes.start(Program(name=name, argv=[sys.executable, "-c", code], grace_seconds=grace_seconds))

    def watch_until(self, line: str, *, times: int = 1) -> None:
        while [text for _, text in self.lines].count(line) < times:
            self.processes.watch(0.05)


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(processes, "FIRST_PAUSE_SECONDS", 0.01)
    made = Scene(tmp_path)
    yield made
    for name in made.processes.names():
        made.processes.stop(name)


def wait_until_gone(process: psutil.Process) -> None:
    """Gone, or waiting to be collected by whoever adopted it."""
    try:
        while process.status() != psutil.STATUS_ZOMBIE:
            os.sched_yield()
    except psutil.NoSuchProcess:
        pass


WAIT = "import signal; print('ready'); signal.pause()"


def test_lines_reach_the_terminal_with_their_program_and_the_log_file(scene: Scene, tmp_path: Path) -> None:
    scene.start("web", WAIT)
    scene.watch_until("ready")
    assert ("web", "ready") in scene.lines
    assert (tmp_path / "web.log").read_text() == "ready\n"


def test_a_line_is_shown_whole_even_when_it_comes_in_two_parts(scene: Scene) -> None:
    scene.start("web", "import os, signal; os.write(1, b'one '); os.write(1, b'line\\n'); signal.pause()")
    scene.watch_until("one line")


def test_a_program_that_ends_is_started_again_and_its_end_is_told(scene: Scene) -> None:
    scene.start("worker", "print('ready'); raise SystemExit(3)")
    scene.watch_until("ready", times=3)
    assert [(name, code) for name, _, code in scene.ends][:2] == [("worker", 3), ("worker", 3)]
    assert any("exit status 3" in line for _, line in scene.lines)


def test_a_program_killed_outright_is_started_again(scene: Scene) -> None:
    scene.start("worker", WAIT)
    scene.watch_until("ready")
    [pid] = scene.processes.pids()
    os.kill(pid, signal.SIGKILL)
    scene.watch_until("ready", times=2)
    assert scene.ends == [("worker", pid, -signal.SIGKILL)]


def test_the_pause_before_a_restart_grows_to_a_bound(tmp_path: Path) -> None:
    log = Log(tmp_path / "web.log", show=lambda line: None)
    child = processes.Child(Program(name="web", argv=[], grace_seconds=1), log)
    pauses = []
    for child.quick_deaths in range(1, 12):
        pauses.append(child.pause_seconds())
    assert pauses[:3] == [0.5, 1.0, 2.0]
    assert pauses[-1] == processes.LONGEST_PAUSE_SECONDS


def test_stopping_waits_for_a_program_that_tidies_up(scene: Scene) -> None:
    scene.start(
        "worker",
        "import signal\n"
        "def tidy(*_): print('tidied up'); raise SystemExit(0)\n"
        "signal.signal(signal.SIGTERM, tidy); print('ready'); signal.pause()",
    )
    scene.watch_until("ready")
    scene.processes.stop("worker")
    assert ("worker", "tidied up") in scene.lines
    assert [code for _, _, code in scene.ends] == [0]


def test_a_program_that_ignores_the_request_is_killed_after_its_grace_with_what_it_started(scene: Scene) -> None:
    scene.start(
        "worker",
        "import signal, subprocess, sys\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "inner = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'])\n"
        "print(inner.pid); print('ready'); signal.pause()",
        grace_seconds=0.1,
    )
    scene.watch_until("ready")
    inner = psutil.Process(int(scene.lines[0][1]))
    scene.processes.stop("worker")
    assert [code for _, _, code in scene.ends] == [-signal.SIGKILL]
    wait_until_gone(inner)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")
def test_a_tethered_program_ends_when_its_launcher_is_killed() -> None:
    launcher = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import signal, subprocess, sys; from webapp.launch import tether\n"
            "inner = subprocess.Popen(tether.command([sys.executable, '-c', sys.argv[1]]))\n"
            "signal.pause()",
            "import os, signal; print(os.getpid(), flush=True); signal.pause()",
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    assert launcher.stdout is not None
    inner = psutil.Process(int(launcher.stdout.readline()))
    launcher.kill()
    launcher.wait()
    wait_until_gone(inner)


def test_a_tethered_program_whose_launcher_is_gone_already_does_not_start() -> None:
    with pytest.raises(SystemExit):
        tether.follow_parent(os.getpid())


def test_a_full_log_file_makes_room(tmp_path: Path) -> None:
    log = Log(tmp_path / "web.log", show=lambda line: None, largest_bytes=20)
    for number in range(9):
        log.write(f"line number {number}")
    log.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["web.log", "web.log.1"]
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 2 * (20 + len("line number 0\n"))
    assert (tmp_path / "web.log").read_text().endswith("line number 8\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_does_not_silence_or_end_the_programs() -> None:
    shown: list[str] = []
    log = Log(Path("/dev/full"), show=shown.append)
    log.write("still here")
    assert shown == ["still here"]
