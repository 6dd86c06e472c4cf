"""The engine as a program: exit status, last words, and that it does not outlive its parent."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workers.engine.conftest import MakeTraining, Run
from webapp.contract import events, spec
from webapp.contract.events import Fault, Outcome
from workers.engine import __main__ as program

ROOT = Path(__file__).parents[3]
QUIET = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}


def engine(run: Run, **environment: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "workers.engine", str(run.path)]
    return subprocess.run(command, cwd=ROOT, env=QUIET | environment, capture_output=True, timeout=250, check=False)


def test_it_runs_by_hand_and_ends_with_status_zero(make_training: MakeTraining) -> None:
    run = make_training(max_steps=1)
    done = engine(run)
    assert done.returncode == 0, done.stderr.decode()
    assert run.ended.outcome is Outcome.SUCCEEDED
    started = run.said[0]
    assert isinstance(started, events.Started) and "torch" in started.versions
    assert b"decided precision = float32" in done.stdout


def test_a_failure_has_another_status_a_last_word_and_a_trace_for_people(make_training: MakeTraining) -> None:
    run = make_training(lora_r=0)
    done = engine(run)
    assert done.returncode == 1
    assert run.ended.data == {"field": "lora_r", "value": "0", "nearest": 1}
    assert b"Traceback" in done.stderr


def test_a_bad_setting_is_refused_before_anything_heavy_is_imported(make_training: MakeTraining) -> None:
    code = "import sys; from workers.engine import __main__ as program; program.main(sys.argv[1:]); " \
           "sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"  # fmt: skip
    command = [sys.executable, "-c", code, str(make_training(lora_r=0).path)]
    assert subprocess.run(command, cwd=ROOT, env=QUIET, check=False, timeout=250).returncode == 0


def test_it_ends_when_its_parent_is_another_than_it_was_told(make_training: MakeTraining) -> None:
    run = make_training()
    assert engine(run, ENGINE_PARENT_PID="1").returncode == 3
    assert not (run.path / "events.jsonl").exists()


@pytest.mark.parametrize("arguments", [[], ["nowhere"], ["one", "two"]])
def test_a_plain_call_says_how_to_be_called(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(arguments) == 2
    assert "JOB_FOLDER" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("kind", "source", "is_offline"),
    [("train", "", "1"), ("evaluate", "hub", "1"), ("fetch", "folder", "1"), ("fetch", "starter", "1"),
     ("fetch", "hub", "0"), ("fetch_adapter", "", "0")],
)  # fmt: skip
def test_only_a_fetch_from_a_hub_is_let_onto_the_network(
    monkeypatch: pytest.MonkeyPatch, kind: str, source: str, is_offline: str
) -> None:
    monkeypatch.setattr(program.os, "environ", {"HF_HUB_OFFLINE": "0"})
    program.prepare_environment(
        spec.Order(version=1, job="j", attempt=1, kind=spec.JobKind(kind), spec={"source": source})
    )
    assert program.os.environ["HF_HUB_OFFLINE"] == is_offline
    assert program.os.environ["HF_HUB_DISABLE_IMPLICIT_TOKEN"] == "1"
    assert "OMP_NUM_THREADS" not in program.os.environ


def test_the_libraries_get_as_many_threads_as_were_ordered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program.os, "environ", {"OMP_NUM_THREADS": "64", "GOMP_SPINCOUNT": "7"})
    program.prepare_environment(spec.Order(version=1, job="j", attempt=1, kind=spec.JobKind.TRAIN, spec={}, threads=3))
    assert (program.os.environ["OMP_NUM_THREADS"], program.os.environ["GOMP_SPINCOUNT"]) == ("3", "7")


@pytest.mark.row("F7")
def test_a_last_word_that_cannot_be_written_is_a_failure_all_the_same(
    make_training: MakeTraining, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(writer: object, event: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(program, "follow_parent", lambda: None)
    monkeypatch.setattr(program, "run", lambda folder, writer: events.Ended(outcome=Outcome.SUCCEEDED))
    monkeypatch.setattr(events.Writer, "say", full)
    assert program.main([str(make_training().path)]) == 1


@pytest.mark.row("F2")
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a signal of the Linux kernel")
def test_it_dies_with_its_parent(make_training: MakeTraining) -> None:
    """A parent starts it and is killed; the pipe that the engine inherited closes only when it is gone too."""
    run = make_training(num_train_epochs=10_000.0)
    parent_code = (
        "import subprocess, sys, time\n"
        "subprocess.Popen([sys.executable, '-m', 'workers.engine', sys.argv[1]])\n"
        "time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", parent_code, str(run.path)], cwd=ROOT, env=QUIET, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()  # the engine speaks
        parent.send_signal(signal.SIGKILL)
        parent.stdout.read()  # ends at once, or the test runs into its time limit


def test_a_torn_last_line_of_a_killed_attempt_does_not_spoil_the_next(make_training: MakeTraining) -> None:
    run = make_training(max_steps=1)
    (run.path / "events.jsonl").write_bytes(b'{"seq": 1, "at": "2026-01-01T00:00:00Z", "type": "phase", "pha')
    run.start()
    assert run.ended.outcome is Outcome.SUCCEEDED


def test_what_nobody_expected_is_ours_and_says_what_it_was(
    make_training: MakeTraining, monkeypatch: pytest.MonkeyPatch
) -> None:
    def surprise(order: object) -> None:
        raise ZeroDivisionError("a surprise")

    monkeypatch.setattr(program, "prepare_environment", surprise)
    ended = make_training().start().ended
    assert (ended.fault, ended.data) == (Fault.INTERNAL, {"error": "ZeroDivisionError", "message": "a surprise"})


def test_a_kind_that_is_not_the_engines_is_refused(make_training: MakeTraining) -> None:
    assert make_training().again(kind="read").ended.data == {"field": "kind", "value": "read"}


def test_a_path_that_leads_out_of_the_job_folder_is_refused(make_training: MakeTraining) -> None:
    run = make_training()
    order = json.loads((run.path / "spec.json").read_text())
    order["spec"]["dataset"]["train_path"] = "../other/train.parquet"
    (run.path / "spec.json").write_text(json.dumps(order))
    assert run.start().ended.data == {"field": "path", "value": "../other/train.parquet"}
