"""The reader as the program that the supervisor starts: its limits, its signals, its memory."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from webapp.contract import events
from workers.reader import job
from workers.reader.faults import Stop

ROOT = Path(__file__).parents[3]


def start(*arguments, **options) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        **options,
    )


def last_event(folder: Path) -> events.Event:
    return events.parse((folder / "events.jsonl").read_bytes().splitlines()[-1]).event


def big_jsonl(size: int) -> bytes:
    """Different rows of about a kilobyte, with umlauts and an emoji so that text takes its widest form in memory."""
    rows, total, number = [], 0, 0
    while total < size:
        number += 1
        question = f"Größe {number}? " + "Wie geht das mit der Kette am Fahrrad 🚲 " * 10
        turns = [{"role": "user", "content": question}, {"role": "assistant", "content": question[::-1]}]
        rows.append(json.dumps({"messages": turns}, ensure_ascii=False).encode() + b"\n")
        total += len(rows[-1])
    return b"".join(rows)


def peak_megabytes(folder: Path) -> int:
    """Run the program and return the peak that the kernel saw, as the program reports it at its end."""
    child = start("-m", "workers.reader", folder)
    _out, said = child.communicate()
    assert child.returncode == 0, said
    return int(re.search(r"peak memory (\d+) MB", said).group(1))


@pytest.mark.row("S22")
@pytest.mark.parametrize(("name", "size"), [("rows.jsonl", 200_000_000), ("rows.json", 60_000_000)])
def test_memory_is_flat_for_a_large_file(job_folder, name, size):
    data = big_jsonl(size)
    if name == "rows.json":
        data = b"[" + data.rstrip().replace(b"\n", b",\n") + b"]"
    assert peak_megabytes(job_folder(data, name)) < 250


@pytest.mark.row("D11")
def test_memory_is_flat_for_rows_of_very_many_turns(job_folder):
    turn = b'{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}'
    data = (b'{"messages": [' + turn + b", %s" % turn * 12_000 + b"]}\n") * 40
    assert peak_megabytes(job_folder(data)) < 250


@pytest.mark.row("D3")
def test_memory_is_flat_for_one_endless_line(job_folder, chat):
    data = chat().encode() + b'{"messages": "' + b"x" * 150_000_000 + b'"}\n' + chat().encode()
    folder = job_folder(data)
    assert peak_megabytes(folder) < 150
    assert last_event(folder).data["rows_bad"] == 1


def test_a_plain_call_says_how_to_be_called(tmp_path):
    child = start("-m", "workers.reader", tmp_path / "nowhere")
    assert "JOB_FOLDER" in child.communicate()[1]
    assert child.returncode == 2


def test_the_exit_status_says_whether_the_file_was_read(job_folder, chat):
    for data, status in ((chat().encode(), 0), (b"", 1)):
        child = start("-m", "workers.reader", job_folder(data))
        child.communicate()
        assert child.returncode == status


def test_a_termination_signal_ends_the_reading_with_a_last_word(job_folder):
    folder = job_folder(big_jsonl(60_000_000))
    child = start("-m", "workers.reader", folder)
    assert "limits" in child.stderr.readline()  # said when the handlers stand and the work begins
    child.send_signal(signal.SIGTERM)
    child.communicate()
    assert last_event(folder) == events.Ended(outcome=events.Outcome.STOPPED)
    assert child.returncode == 0
    assert not (folder / "result").exists()


def test_a_stop_in_the_middle_leaves_no_half_result(job_folder, chat, monkeypatch):
    folder, stop = job_folder(chat("x" * 900).encode() * 3000), Stop()
    say = events.Writer.say

    def say_and_stop(writer: events.Writer, event: events.Event) -> None:
        say(writer, event)
        stop.is_asked = stop.is_asked or (isinstance(event, events.Noted) and event.code == "mapping")

    monkeypatch.setattr(events.Writer, "say", say_and_stop)
    assert job.run(folder, stop=stop) == "stopped"
    assert not (folder / "result").exists()


def test_an_order_of_another_contract_is_refused(job_folder, chat):
    folder = job_folder(chat().encode())
    order = json.loads((folder / "spec.json").read_text())
    (folder / "spec.json").write_text(json.dumps(order | {"version": 999}))
    assert job.run(folder, stop=Stop()) == "failed"
    assert last_event(folder).fault == "contract_version"


LIMITED = """
import ctypes, os, socket, subprocess, sys
from workers.reader import limits
limits.apply(limits.Limits(memory_bytes=300 << 20, file_bytes=1 << 20, cpu_seconds=30))
"""


@pytest.mark.row("S22")
@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("socket.socket()", "PermissionError"),
        ("socket.create_connection(('127.0.0.1', 9))", "PermissionError"),
        ("subprocess.run(['true'])", "PermissionError"),
        ("os.system('true')", "PermissionError"),
        ("os.fork()", "PermissionError"),
        ("bytearray(400 << 20)", "MemoryError"),
        ("open(sys.argv[1], 'wb').write(bytes(2 << 20))", "OSError"),
        ("[open('/dev/null') for _ in range(80)]", "OSError"),
    ],
)
def test_the_reader_cannot(tmp_path, code, error):
    child = start("-c", LIMITED + code, tmp_path / "file")
    assert error in child.communicate()[1].splitlines()[-1]
    assert child.returncode == 1


@pytest.mark.row("S22")
@pytest.mark.skipif(sys.platform != "linux", reason="seccomp is Linux's")
def test_native_code_cannot_open_a_socket_either(tmp_path):
    code = "print(ctypes.CDLL(None, use_errno=True).socket(2, 1, 0), ctypes.get_errno())"
    assert start("-c", LIMITED + code).communicate()[0].split() == ["-1", "1"]


@pytest.mark.row("S22")
def test_processor_time_is_limited_and_said(job_folder):
    folder = job_folder(big_jsonl(60_000_000))
    code = (
        "import sys; from workers.reader import __main__ as program\n"
        "program.CPU_SECONDS_AT_LEAST, program.UPLOAD_BYTES_PER_CPU_SECOND = 1, 10**12\n"
        "sys.exit(program.main(sys.argv[1:]))"
    )
    child = start("-c", code, folder)
    child.communicate()
    assert last_event(folder).data == {"cause": "cpu_seconds"}
    assert child.returncode == 1
