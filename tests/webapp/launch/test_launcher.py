"""Everything of one machine, started in order and stopped in order."""

import errno
import json
import os
import signal
import socket
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from webapp.launch import broker, launcher, processes, state
from webapp.launch.errors import LaunchError
from webapp.launch.launcher import Launcher
from webapp.launch.processes import Program

WEB = """
import socket, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
server = HTTPServer(("127.0.0.1", 0), Answer, bind_and_activate=False)
server.socket.close()
server.socket = socket.socket(fileno=int(sys.argv[1]))
server.serve_forever()
"""
WAIT = "import signal; signal.pause()"


def stand_ins(*, listener: int, web: str = WEB) -> list[Program]:
    web_argv = [sys.executable, "-c", web, str(listener)]
    return [
        Program(name="web", argv=web_argv, grace_seconds=5, descriptors=(listener,)),
        Program(name="worker", argv=[sys.executable, "-c", WAIT], grace_seconds=5),
        Program(name="housekeeping", argv=[sys.executable, "-c", WAIT], grace_seconds=5),
    ]


class Scene:
    """A launcher with small stand-ins for the real programs, and what it said."""

    def __init__(self, folder: Path, port: str = "", host: str = "127.0.0.1") -> None:
        self.said: list[tuple[str, str]] = []
        self.ended_workers: list[int] = []
        self.launcher = Launcher(
            folder=folder,
            host=host,
            port=port,
            say=lambda name, text: self.said.append((name, text)),
            show=lambda name, line: None,
            worker_ended=self.ended_workers.append,
        )

    def start(self) -> None:
        self.launcher.open()
        self.launcher.start()


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(launcher, "programs", stand_ins)
    monkeypatch.setattr(processes, "FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.setenv("PUBLIC_URL", "")
    monkeypatch.delenv("PUBLIC_URL")
    umask = os.umask(0o077)
    with tempfile.TemporaryDirectory(prefix="ts") as made:
        yield Path(made)
    os.umask(umask)


@pytest.fixture
def scene(folder: Path) -> Iterator[Scene]:
    made = Scene(folder)
    yield made
    made.launcher.stop()


def test_when_start_returns_the_web_answers_and_the_broker_too(scene: Scene, folder: Path) -> None:
    scene.start()
    assert httpx.get(scene.launcher.url, trust_env=False).status_code == 200
    note = folder / "broker_url"
    assert broker.answers(note.read_text())
    assert stat.S_IMODE(note.stat().st_mode) == 0o600


def test_two_installations_run_side_by_side_on_ports_of_their_own(scene: Scene) -> None:
    scene.start()
    with tempfile.TemporaryDirectory(prefix="ts") as other:
        second = Scene(Path(other))
        second.start()
        assert second.launcher.url != scene.launcher.url
        assert httpx.get(second.launcher.url, trust_env=False).status_code == 200
        second.launcher.stop()


def test_a_second_start_in_the_same_folder_is_refused_and_disturbs_nothing(scene: Scene, folder: Path) -> None:
    scene.start()
    second = Scene(folder)
    with pytest.raises(LaunchError, match="already running"):
        second.start()
    second.launcher.stop()
    assert httpx.get(scene.launcher.url, trust_env=False).status_code == 200
    assert json.loads((folder / "launcher.json").read_text())["url"] == scene.launcher.url
    assert broker.answers((folder / "broker_url").read_text())


def test_stopping_goes_against_the_stream_and_leaves_nothing_behind(folder: Path) -> None:
    scene = Scene(folder)
    scene.start()
    url = (folder / "broker_url").read_text()
    scene.launcher.stop()
    assert [text for name, text in scene.said if name == "stopping"] == ["housekeeping", "worker", "web", "broker"]
    assert not broker.answers(url)
    assert not (folder / "broker_url").exists() and not (folder / "launcher.json").exists()


def test_it_starts_again_after_it_was_stopped(folder: Path) -> None:
    for _ in range(2):
        scene = Scene(folder)
        scene.start()
        scene.launcher.stop()


@pytest.mark.row("F2")
def test_the_end_of_a_worker_is_told_with_its_process_id(scene: Scene, folder: Path) -> None:
    scene.start()
    note = json.loads((folder / "launcher.json").read_text())
    worker = next(each["pid"] for each in note["processes"] if _argv(each["pid"])[-1] == WAIT)
    os.kill(worker, signal.SIGKILL)
    while not scene.ended_workers:
        scene.launcher.watch(0.05)
    assert scene.ended_workers == [worker]


@pytest.mark.row("F8")
def test_a_full_disk_ends_nothing(scene: Scene, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The note of who runs cannot be written when a program is started again; the old one stands until it can."""
    scene.start()
    (web,) = _web_pids(folder)
    with monkeypatch.context() as full:
        full.setattr(state.os, "fdopen", _no_room)
        os.kill(web, signal.SIGKILL)
        scene.launcher.watch(1)
    assert not list(folder.glob(".launcher.json.*"))
    scene.launcher.watch(0.05)
    assert _web_pids(folder) not in ([], [web])


def _no_room(descriptor: int, *_mode: str) -> None:
    os.close(descriptor)
    raise OSError(errno.ENOSPC, "no space left on device")


def _argv(pid: int) -> list[str]:
    import psutil

    return psutil.Process(pid).cmdline()


def _web_pids(folder: Path) -> list[int]:
    note = json.loads((folder / "launcher.json").read_text())
    return [each["pid"] for each in note["processes"] if WEB in _argv(each["pid"])]


def test_a_web_process_that_cannot_start_ends_the_start_with_its_last_words(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = "raise SystemExit('no such template')"
    monkeypatch.setattr(launcher, "programs", lambda *, listener: stand_ins(listener=listener, web=broken))
    scene = Scene(folder)
    with pytest.raises(LaunchError, match=r"web process does not start(?s:.*)no such template"):
        scene.start()
    scene.launcher.stop()


def test_a_given_broker_that_is_away_ends_the_start_in_words(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", f"unix://{folder}/nobody.sock")
    monkeypatch.setattr(launcher, "GIVEN_BROKER_SECONDS", 0)
    scene = Scene(folder)
    with pytest.raises(LaunchError, match="REDIS_URL"):
        scene.start()
    scene.launcher.stop()


def test_a_web_process_that_was_killed_answers_again_at_the_same_address(scene: Scene, folder: Path) -> None:
    scene.start()
    (web,) = _web_pids(folder)
    os.kill(web, signal.SIGKILL)
    while _web_pids(folder) in ([], [web]):
        scene.launcher.watch(0.05)
    assert httpx.get(scene.launcher.url, trust_env=False, timeout=20).status_code == 200


@pytest.mark.parametrize(
    ("host", "allowed", "is_told"),
    [("0.0.0.0", "", True), ("0.0.0.0", "tune.test,127.0.0.1", False), ("127.0.0.1", "", False)],
)
def test_who_opens_it_to_other_machines_is_told_which_setting_lets_them_in(
    folder: Path, monkeypatch: pytest.MonkeyPatch, host: str, allowed: str, is_told: bool
) -> None:
    monkeypatch.setenv("ALLOWED_HOSTS", allowed)
    scene = Scene(folder, host=host)
    scene.launcher.open()
    scene.launcher.stop()
    told = [text for _name, text in scene.said if f"ALLOWED_HOSTS=localhost,127.0.0.1,{socket.gethostname()}" in text]
    assert bool(told) == is_told
