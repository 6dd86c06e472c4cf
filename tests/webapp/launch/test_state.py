"""The state folder and its lock."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from webapp.launch import state
from webapp.launch.errors import LaunchError

HOLD = "import os, sys, time; os.write(1, b'holding'); sys.stdin.read()"


def test_the_state_folder_is_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "state"
    state.prepare(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_state_folder_that_others_could_read_is_closed(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    state.prepare(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


def test_a_place_that_is_no_folder_is_refused_in_words(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(LaunchError, match="TUNESMITH_STATE"):
        state.prepare(file / "state")


def test_a_private_file_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    state.write_private(tmp_path / "secret", "word")
    assert (tmp_path / "secret").read_text() == "word"
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_a_second_launcher_is_told_where_the_first_one_runs(tmp_path: Path) -> None:
    first = state.Lock(tmp_path)
    first.acquire()
    first.describe(url="http://127.0.0.1:8123", pids=[])
    with pytest.raises(LaunchError) as refusal:
        state.Lock(tmp_path).acquire()
    assert "http://127.0.0.1:8123" in str(refusal.value)
    assert f"process {os.getpid()}" in str(refusal.value)
    first.release()


def test_a_released_lock_can_be_taken_again(tmp_path: Path) -> None:
    for _ in range(2):
        lock = state.Lock(tmp_path)
        lock.acquire()
        lock.describe(url="http://127.0.0.1:1", pids=[])
        lock.release()


def test_the_note_of_a_killed_launcher_does_not_hold_up_the_next(tmp_path: Path) -> None:
    note = {"launcher": {"pid": os.getpid(), "started": 1.0}, "url": "http://127.0.0.1:1", "processes": []}
    (tmp_path / "launcher.json").write_text(json.dumps(note))
    lock = state.Lock(tmp_path)
    lock.acquire()
    lock.release()


def test_a_process_left_by_a_killed_launcher_is_ended_when_it_does_not_end_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "LEFTOVER_SECONDS", 0)
    first = state.Lock(tmp_path)
    first.acquire()
    leftover = subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=(first.descriptor,)
    )
    assert leftover.stdout is not None and leftover.stdout.read(7) == b"holding"
    first.describe(url="", pids=[leftover.pid])
    note = json.loads(first.note_path.read_text())
    note["launcher"] = {"pid": os.getpid(), "started": 1.0}
    first.note_path.write_text(json.dumps(note))
    os.close(first.descriptor)  # as the kernel does for a killed launcher

    second = state.Lock(tmp_path)
    second.acquire()

    assert leftover.wait() == -9
    second.release()
