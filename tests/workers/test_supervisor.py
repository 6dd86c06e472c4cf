"""One job from claim to end, with a program that plays the engine."""

import errno
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.orders import claim, must_claim, submit, worker
from tests.workers.conftest import Workshop
from webapp.artifacts import actions as artifacts
from webapp.artifacts.models import Bundle
from webapp.contract.events import Fault
from webapp.contract.spec import JobKind
from webapp.jobs import actions as jobs
from webapp.jobs import leases, queries, recovery
from webapp.jobs.actions import InputFile
from webapp.jobs.leases import Claim
from webapp.jobs.lifecycle import Asked, EndedBecause, State
from webapp.jobs.models import Job
from workers import keeper, results, settle, watch

SLOW = {"seconds": 0.05, "steps": 400, "checkpoint_every": 1}


def is_training(job: Job) -> bool:
    job.refresh_from_db()
    return job.state == State.RUNNING and job.step > 0


@pytest.mark.parametrize("kind", JobKind)
def test_a_job_runs_and_its_files_are_stored_before_it_succeeds(kind: JobKind, workshop: Workshop, team: Any) -> None:
    submit(team, kind)
    job = workshop.see_through(must_claim(worker()))
    (result,) = workshop.handed_over
    assert (job.state, result.job) == (State.SUCCEEDED, job)
    assert result.bundle.team == team
    stored = {file.path: file.blob.sha256 for file in result.bundle.files.all()}
    listed = json.loads((result.folder / "files.json").read_text())
    assert stored == {item["path"]: item["sha256"] for item in listed}
    codes = list(job.events.order_by("pk").values_list("code", flat=True))
    assert codes[:3] == ["queued", "claimed", "started"]
    assert codes[-2:] == ["ended", "succeeded"]


def test_the_program_gets_its_order_its_inputs_and_nothing_it_should_not_know(
    workshop: Workshop, team: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "canary-of-the-installation")
    monkeypatch.setenv("DATABASE_URL", "canary-of-the-database")
    source = tmp_path / "rows"
    source.write_text("rows")
    blob = artifacts.store_file(source)
    given = InputFile(path="inputs/train.parquet", sha256=blob.sha256, size_bytes=4)
    submit(team, JobKind.FETCH, script={"environment": 1, "seconds": 0}, inputs=[given], secret="hf_canary")
    job = workshop.see_through(must_claim(worker()))
    folder = workshop.folder(job)
    order = json.loads((folder / "spec.json").read_text())
    assert (order["job"], order["kind"], order["attempt"], order["threads"]) == (job.public_id, "fetch", 1, 1)
    assert (folder / "inputs/train.parquet").read_text() == "rows"
    log = (folder / "log.txt").read_text()
    environment = json.loads(log.splitlines()[1].rpartition("}")[0] + "}")
    assert "canary-of-the" not in str(environment)
    assert "hf_canary" not in str(environment)
    assert environment["HF_HUB_OFFLINE"] == "0"
    assert environment["HOME"] == str(folder)


def test_a_token_reaches_the_program_by_standard_input_and_no_page_or_file(workshop: Workshop, team: Any) -> None:
    submit(team, JobKind.FETCH, script={"environment": 1}, secret="hf_canary")
    job = workshop.see_through(must_claim(worker()))
    assert "•••" in queries.log_tail(job)
    assert "hf_canary" not in queries.log_tail(job)
    assert "hf_canary" not in str(list(Job.objects.values()))
    assert job.sealed_secret == ""
    written = [path for path in workshop.folder(job).rglob("*") if path.is_file() and path.name != "log.txt"]
    assert not any(b"hf_canary" in path.read_bytes() for path in written)


def test_training_may_not_reach_the_network_of_the_hub(workshop: Workshop, team: Any) -> None:
    submit(team, JobKind.TRAIN, script={"environment": 1})
    job = workshop.see_through(must_claim(worker()))
    environment = json.loads(queries.log_tail(job).splitlines()[1])
    assert environment["HF_HUB_OFFLINE"] == environment["TRANSFORMERS_OFFLINE"] == "1"
    assert environment["CUDA_VISIBLE_DEVICES"] == ""


def test_a_fault_of_the_program_fails_the_job_and_is_told(workshop: Workshop, team: Any) -> None:
    submit(team, script={"fault": "no_rows", "data": {"cause": "empty"}})
    job = workshop.see_through(must_claim(worker()))
    assert (job.state, job.fault, job.fault_data) == (State.FAILED, "no_rows", {"cause": "empty"})
    assert workshop.told == [job]
    assert workshop.handed_over == []


def test_a_missing_input_fails_the_job_by_its_name(workshop: Workshop, team: Any) -> None:
    gone = InputFile(path="inputs/train.parquet", sha256="a" * 64, size_bytes=4)
    submit(team, inputs=[gone])
    job = workshop.see_through(must_claim(worker()))
    assert (job.state, job.fault) == (State.FAILED, Fault.DAMAGED_INPUT)
    assert job.fault_data["file"] == "inputs/train.parquet"


@pytest.mark.row("F7")
@pytest.mark.parametrize(("number", "fault"), [(errno.ENOSPC, Fault.DISK_FULL), (errno.EIO, Fault.INTERNAL)])
def test_a_disk_without_room_for_the_order_is_named(
    number: int, fault: Fault, workshop: Workshop, team: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(*_arguments: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("workers.folder._write_order", write)
    submit(team)
    job = workshop.see_through(must_claim(worker()))
    assert (job.state, job.fault) == (State.FAILED, fault)


@pytest.mark.parametrize("path", ["../../evil", "/etc/evil", "inputs/../../evil", "spec.json", "inputs"])
def test_an_input_never_lands_outside_its_place(path: str, workshop: Workshop, team: Any) -> None:
    submit(team, inputs=[InputFile(path=path, sha256="a" * 64, size_bytes=4)])
    job = workshop.see_through(must_claim(worker()))
    assert (job.state, job.fault) == (State.FAILED, Fault.BAD_CONFIG)


def test_a_folder_outside_the_listed_roots_is_not_read(
    workshop: Workshop, team: Any, settings: Any, tmp_path: Path
) -> None:
    settings.MODEL_ROOTS = [tmp_path / "models"]
    (tmp_path / "models").mkdir()
    job = submit(team, JobKind.FETCH)
    Job.objects.filter(pk=job.pk).update(spec=job.spec | {"source": "folder", "folder": str(tmp_path)})
    job = workshop.see_through(must_claim(worker()))
    assert (job.state, job.fault) == (State.FAILED, Fault.DAMAGED_INPUT)


@pytest.mark.row("F1")
def test_a_program_that_was_killed_goes_on_from_its_checkpoint(workshop: Workshop, team: Any) -> None:
    submit(team, JobKind.TRAIN, script={"steps": 9, "checkpoint_every": 2, "die_at": [6]})
    job = workshop.see_through(must_claim(worker()))
    assert (job.state, job.deaths, job.checkpoint_step) == (State.INTERRUPTED, 1, 4)
    assert job.attempts.get().ended_because == EndedBecause.CHILD_DIED
    assert job.attempts.get().exit_code == -signal.SIGKILL
    recovery.settle_interrupted()
    job = workshop.see_through(must_claim(worker(pid=2)))
    second = job.attempts.get(number=2)
    assert (job.state, second.from_step, second.to_step) == (State.SUCCEEDED, 4, 9)


@pytest.mark.row("F24")
def test_a_new_checkpoint_forgives_earlier_deaths(workshop: Workshop, team: Any) -> None:
    script = {"steps": 9, "checkpoint_every": 2, "die_at": [1, 1, 3, 3], "signal": signal.SIGSEGV}
    submit(team, JobKind.TRAIN, script=script)
    deaths = []
    for number in range(4):
        deaths.append(workshop.see_through(must_claim(worker(pid=number))).deaths)
        recovery.settle_interrupted()
    assert deaths == [1, 2, 1, 2]
    assert workshop.see_through(must_claim(worker(pid=9))).state == State.SUCCEEDED


@pytest.mark.row("F24")
def test_a_reader_that_crashes_on_a_file_each_time_blames_the_file(workshop: Workshop, team: Any) -> None:
    submit(team, JobKind.READ, script={"seconds": 30})
    held = must_claim(worker())
    end = workshop.begin(held)
    kill_program(workshop.folder(held.job), signal.SIGSEGV)
    assert end().fault == Fault.BAD_FILE


def kill_program(folder: Path, number: int) -> None:
    """Send a signal to the program once it lives."""
    for _look in range(1500):
        lines = (folder / "events.jsonl").read_text().splitlines() if (folder / "events.jsonl").exists() else []
        if lines:
            os.kill(json.loads(lines[0])["pid"], number)
            return
        watch.time.sleep(0.02)
    raise AssertionError("it never began")


@pytest.mark.row("F15")
@pytest.mark.parametrize("deaf", [False, True])
def test_a_cancel_stops_the_program_even_if_it_does_not_listen(
    deaf: bool, workshop: Workshop, team: Any, until: Callable[..., Any]
) -> None:
    job = submit(team, JobKind.TRAIN, script=SLOW | {"deaf": deaf})
    end = workshop.begin(must_claim(worker()))
    until(lambda: is_training(job))
    jobs.ask(by=None, job=job, what=Asked.CANCEL)
    assert end().state == State.CANCELLED
    assert workshop.handed_over == []
    assert not Bundle.objects.exists()


@pytest.mark.row("F15")
def test_a_cancel_is_obeyed_within_two_seconds_by_construction() -> None:
    noticed = keeper.LOOK_SECONDS + watch.TICK_SECONDS
    killed = watch.CANCEL_GRACE_SECONDS + watch.TICK_SECONDS
    assert noticed + killed < 2.0


@pytest.mark.row("F15")
def test_a_cancel_while_files_are_brought_does_not_wait_for_them(
    workshop: Workshop, team: Any, monkeypatch: pytest.MonkeyPatch, until: Callable[..., Any]
) -> None:
    job = submit(team, inputs=[InputFile(path="inputs/upload", sha256="a" * 64, size_bytes=1)])
    held = must_claim(worker())
    may_go_on = keeper.threading.Event()

    def never_ending(**_arguments: Any) -> Path:
        may_go_on.wait(30)
        raise AssertionError("it was to be given up")

    monkeypatch.setattr("workers.folder.storage.local_copy", never_ending)
    end = workshop.begin(held)
    jobs.ask(by=None, job=job, what=Asked.CANCEL)
    until(lambda: Job.objects.get(pk=job.pk).state == State.CANCELLED)
    may_go_on.set()
    assert end().state == State.CANCELLED


@pytest.mark.row("F15")
@pytest.mark.row("F16")
def test_a_cancel_while_the_result_is_stored_leaves_nothing_registered(
    workshop: Workshop, team: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = submit(team)
    make_bundle = artifacts.make_bundle

    def cancelled_meanwhile(**arguments: Any) -> Bundle:
        made = make_bundle(**arguments)
        Job.objects.filter(pk=job.pk).update(asked=Asked.CANCEL)
        return made

    monkeypatch.setattr(settle.artifacts, "make_bundle", cancelled_meanwhile)
    job = workshop.see_through(must_claim(worker()))
    assert job.state == State.CANCELLED
    assert workshop.handed_over == []
    assert not Bundle.objects.exists()


@pytest.mark.row("F16")
def test_a_cancel_that_comes_after_the_end_is_too_late(workshop: Workshop, team: Any) -> None:
    submit(team)
    job = workshop.see_through(must_claim(worker()))
    with pytest.raises(jobs.UserFault):
        jobs.ask(by=None, job=job, what=Asked.CANCEL)
    assert Job.objects.get(pk=job.pk).state == State.SUCCEEDED


def test_a_paused_training_leaves_a_checkpoint_and_goes_on_from_it(
    workshop: Workshop, team: Any, until: Callable[..., Any]
) -> None:
    job = submit(team, JobKind.TRAIN, script={"seconds": 0.02, "steps": 30, "checkpoint_every": 1000})
    end = workshop.begin(must_claim(worker()))
    until(lambda: is_training(job))
    jobs.ask(by=None, job=job, what=Asked.PAUSE)
    job = end()
    assert (job.state, job.asked, job.deaths) == (State.PAUSED, Asked.NOTHING, 0)
    reached = job.checkpoint_step
    assert 0 < reached < 30
    jobs.resume(by=None, job=job)
    job = workshop.see_through(must_claim(worker(pid=2)))
    assert (job.state, job.attempts.get(number=2).from_step) == (State.SUCCEEDED, reached)


def test_what_a_stopped_training_learned_becomes_its_result(
    workshop: Workshop, team: Any, until: Callable[..., Any]
) -> None:
    job = submit(team, JobKind.TRAIN, script=SLOW | {"checkpoint_every": 1000})
    end = workshop.begin(must_claim(worker()))
    until(lambda: is_training(job))
    jobs.ask(by=None, job=job, what=Asked.STOP_AND_KEEP)
    job = end()
    (result,) = workshop.handed_over
    assert job.state == State.SUCCEEDED
    assert 0 < result.ended.data["steps"] == job.checkpoint_step < SLOW["steps"]
    assert job.attempts.count() == 1


def test_a_paused_training_can_still_be_kept(workshop: Workshop, team: Any, until: Callable[..., Any]) -> None:
    job = submit(team, JobKind.TRAIN, script=SLOW)
    end = workshop.begin(must_claim(worker()))
    until(lambda: is_training(job))
    jobs.ask(by=None, job=job, what=Asked.PAUSE)
    job = end()
    jobs.ask(by=None, job=job, what=Asked.STOP_AND_KEEP)
    job = workshop.see_through(must_claim(worker(pid=2)))
    assert job.state == State.SUCCEEDED
    assert workshop.handed_over[0].ended.data["steps"] == job.checkpoint_step


@pytest.mark.row("F25")
def test_a_worker_that_is_told_to_stop_puts_its_job_back_with_a_checkpoint(
    workshop: Workshop, team: Any, until: Callable[..., Any]
) -> None:
    job = submit(team, JobKind.TRAIN, script=SLOW | {"checkpoint_every": 1000})
    end = workshop.begin(must_claim(worker()))
    until(lambda: is_training(job))
    workshop.stopping.set()
    job = end()
    assert (job.state, job.deaths) == (State.QUEUED, 0)
    assert job.checkpoint_step > 0
    assert job.attempts.get().ended_because == EndedBecause.WORKER_STOPPED


@pytest.mark.row("F12")
def test_a_supervisor_that_lost_its_job_kills_the_program_and_writes_nothing(
    workshop: Workshop, team: Any, until: Callable[..., Any]
) -> None:
    job = submit(team, JobKind.TRAIN, script=SLOW)
    held = must_claim(worker())
    end = workshop.begin(held)
    until(lambda: is_training(job))
    take_away(held)
    newer = must_claim(worker(pid=2))
    end()
    events = list(newer.job.events.values_list("attempt", "seq", "code"))
    job.refresh_from_db()
    assert (job.fence, job.state) == (newer.fence, State.STARTING)
    assert workshop.handed_over == []
    assert list(newer.job.events.values_list("attempt", "seq", "code")) == events


def take_away(held: Claim) -> None:
    """As housekeeping does with a lease that ran out."""
    moved = Job.objects.filter(pk=held.job.pk, fence=held.fence).update(state=State.QUEUED, worker=None)
    assert moved
    held.job.holds.all().delete()


@pytest.mark.row("F12")
def test_a_result_of_who_lost_the_job_meanwhile_is_not_registered(
    workshop: Workshop, team: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(team)
    held = must_claim(worker())
    make_bundle = artifacts.make_bundle

    def lost_meanwhile(**arguments: Any) -> Bundle:
        made = make_bundle(**arguments)
        take_away(held)
        return made

    monkeypatch.setattr(settle.artifacts, "make_bundle", lost_meanwhile)
    assert workshop.see_through(held).state == State.QUEUED
    assert workshop.handed_over == []
    assert not Bundle.objects.exists()


def test_a_result_that_is_not_what_it_says_fails_the_job(workshop: Workshop, team: Any) -> None:
    submit(team, script={"lies": 1})
    job = workshop.see_through(must_claim(worker()))
    assert (job.state, job.fault, job.fault_data["reason"]) == (State.FAILED, Fault.INTERNAL, "storage")
    assert not Bundle.objects.exists()


def test_an_app_that_refuses_the_result_leaves_nothing_half_registered(
    workshop: Workshop, team: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(result: results.Result) -> None:
        Job.objects.filter(pk=result.job.pk).update(title="half registered")
        raise LookupError("a fault of ours")

    monkeypatch.setattr(results, "hand_over", refuse)
    submit(team)
    job = workshop.see_through(must_claim(worker()))
    assert (job.state, job.fault, job.title) == (State.FAILED, Fault.INTERNAL, "a read")
    assert not Bundle.objects.exists()


def test_a_program_that_babbles_without_end_is_ended(
    workshop: Workshop, team: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.relay.LONGEST_LINE_BYTES", 100)
    submit(team, script={"babble": ["x" * 200], "seconds": 20})
    job = workshop.see_through(must_claim(worker()))
    assert (job.state, job.fault_data) == (State.FAILED, {"reason": "babble"})


@pytest.mark.row("F18")
def test_a_training_goes_on_while_the_database_is_away(
    workshop: Workshop, team: Any, monkeypatch: pytest.MonkeyPatch, until: Callable[..., Any]
) -> None:
    job = submit(team, JobKind.TRAIN, script={"seconds": 0.02, "steps": 60})
    held = must_claim(worker())
    end = workshop.begin(held)
    until(lambda: is_training(job))
    events = workshop.folder(job) / "events.jsonl"

    def away(**_arguments: Any) -> Any:
        raise keeper.DatabaseError("the server closed the connection")

    with monkeypatch.context() as outage:
        for name in ("renew", "look", "lock"):
            outage.setattr(leases, name, away)
        said = events.read_text().count("\n")
        until(lambda: events.read_text().count("\n") > said + 5)
    job = end()
    assert (job.state, job.step, job.attempts.count()) == (State.SUCCEEDED, 60, 1)


def test_nobody_else_is_disturbed_by_what_one_job_does(workshop: Workshop, team: Any) -> None:
    here = worker()
    submit(team, script={"fault": "internal"})
    submit(team)
    ends = [workshop.begin(must_claim(here)) for _number in range(2)]
    assert [end().state for end in ends] == [State.FAILED, State.SUCCEEDED]
    assert claim(here) is None
