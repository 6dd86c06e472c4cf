"""Work folders: what a later attempt takes over, what is cleaned, and what of a log is shown."""

import datetime as dt
import os
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from tests.fakes.orders import must_claim, submit, worker
from webapp.contract.spec import JobKind
from webapp.jobs import actions as jobs
from webapp.jobs import leases, recovery
from webapp.jobs.leases import Claim
from webapp.jobs.lifecycle import State
from webapp.jobs.models import AttemptLog, Job
from workers import cleaning, folder, logs
from workers.logs import Log

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_state(settings: Any, tmp_path: Path) -> None:
    settings.STATE_DIR = tmp_path


@pytest.fixture
def held(team: Any) -> Claim:
    submit(team, JobKind.TRAIN)
    return must_claim(worker())


def prepared(held: Claim) -> Path:
    return folder.prepare(held, threads=1, check=lambda: None)


def again(held: Claim, pid: int) -> Claim:
    leases.interrupt(claim=held, fault="internal", data={}, exit_code=-9)
    Job.objects.update(deaths=0)
    recovery.settle_interrupted()
    return must_claim(worker(pid=pid))


def save(path: Path, text: str = "state") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_later_attempt_takes_over_what_the_newest_one_with_anything_left(held: Claim) -> None:
    first = prepared(held)
    save(first / "checkpoints" / "step-00000004" / "state.json")
    save(first / "checkpoints" / ".making-half" / "state.json")
    save(first / "decisions.json")
    save(first / "partial" / "model.safetensors")
    second = again(held, 2)
    prepared(second)
    third = prepared(again(second, 3))
    assert (third / "checkpoints" / "step-00000004" / "state.json").read_text() == "state"
    assert (third / "decisions.json").exists() and (third / "partial" / "model.safetensors").exists()
    assert [path.name for path in (third / "checkpoints").iterdir()] == ["step-00000004"]
    assert not (third / "result").exists()


def test_what_was_cancelled_and_is_tried_again_begins_anew(held: Claim) -> None:
    """Also when its folder has not been cleaned yet; what the new attempts leave is gone on from as ever."""
    save(prepared(held) / "checkpoints" / "step-00000004" / "state.json")
    leases.cancel(claim=held)
    jobs.retry(by=None, job=held.job)
    anew = must_claim(worker(pid=2))
    place = prepared(anew)
    assert list((place / "checkpoints").iterdir()) == []
    save(place / "checkpoints" / "step-00000002" / "state.json")
    third = prepared(again(anew, 3))
    assert [path.name for path in (third / "checkpoints").iterdir()] == ["step-00000002"]


def test_what_failed_and_is_tried_again_goes_on(held: Claim) -> None:
    save(prepared(held) / "checkpoints" / "step-00000004" / "state.json")
    leases.fail(claim=held, fault="disk_full", data={})
    jobs.retry(by=None, job=held.job)
    assert list((prepared(must_claim(worker(pid=2))) / "checkpoints").iterdir())


def test_taking_over_copies_no_byte(held: Claim) -> None:
    first = prepared(held)
    old = save(first / "checkpoints" / "step-00000004" / "adapter.safetensors")
    new = prepared(again(held, 2)) / "checkpoints" / "step-00000004" / "adapter.safetensors"
    assert old.samefile(new)


def test_an_attempt_that_is_prepared_again_begins_clean(held: Claim) -> None:
    save(prepared(held) / "result" / "half")
    assert not (prepared(held) / "result").exists()


def test_a_stopped_run_without_a_checkpoint_cannot_be_kept(held: Claim) -> None:
    place = prepared(held)
    assert not folder.end_at_checkpoint(place)
    save(place / "checkpoints" / "step-00000004" / "state.json")
    assert folder.end_at_checkpoint(place)
    assert '"ends_at_checkpoint": true' in (place / "spec.json").read_text()


@pytest.mark.parametrize(
    ("state", "is_kept"),
    [
        (State.QUEUED, True),
        (State.RUNNING, True),
        (State.PAUSED, True),
        (State.FAILED, True),
        (State.SUCCEEDED, False),
        (State.CANCELLED, False),
    ],
)
def test_a_work_folder_goes_when_nobody_can_go_on_from_it(state: State, is_kept: bool, held: Claim) -> None:
    place = prepared(held)
    Job.objects.update(state=state)
    cleaning.clean()
    assert place.exists() == is_kept


@pytest.mark.parametrize(("hours", "is_kept"), [(23, True), (25, False)])
def test_the_folder_of_a_failed_job_goes_a_day_after_its_end(hours: int, is_kept: bool, held: Claim) -> None:
    place = prepared(held)
    Job.objects.update(state=State.FAILED, finished_at=timezone.now() - dt.timedelta(hours=hours))
    cleaning.clean()
    assert place.parent.exists() == is_kept


def test_a_job_that_failed_after_days_of_work_keeps_its_checkpoints_for_a_day_too(held: Claim) -> None:
    place = prepared(held)
    os.utime(place.parent, (0, 0))
    Job.objects.update(state=State.FAILED, finished_at=timezone.now())
    cleaning.clean()
    assert place.exists()


def test_the_folder_of_a_job_that_is_gone_goes_too(held: Claim) -> None:
    place = prepared(held)
    held.job.delete()
    cleaning.clean()
    assert not place.parent.exists()


def test_of_many_attempts_the_newest_two_are_kept(held: Claim) -> None:
    place = prepared(held)
    for number in ("2", "10", "11"):
        save(place.parent / number / "log.txt")
    cleaning.clean()
    assert {path.name for path in place.parent.iterdir()} == {"10", "11"}


def test_inputs_that_were_used_today_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = save(folder.cache() / "ab" / "abc")
    cleaning.clean()
    assert kept.exists()
    monkeypatch.setattr(cleaning, "KEEP_UNUSED_SECONDS", -1.0)
    cleaning.clean()
    assert not kept.exists()


def test_the_end_of_a_long_log_is_stored_from_a_whole_line_on(
    held: Claim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "TAIL_BYTES", 20)
    path = save(tmp_path / "log.txt", "a first line\na second line\na third line\n")
    Log(path, held.attempt).store(now=True)
    row = AttemptLog.objects.get()
    assert (row.text, row.size_bytes) == ("a third line\n", 40)


def test_a_log_is_stored_again_only_when_it_grew(held: Claim, tmp_path: Path) -> None:
    path = save(tmp_path / "log.txt", "one\n")
    log = Log(path, held.attempt)
    log.store(now=True)
    AttemptLog.objects.update(text="untouched")
    log.store(now=True)
    assert AttemptLog.objects.get().text == "untouched"
    save(path, "one\ntwo\n")
    log.store(now=True)
    assert AttemptLog.objects.get().text == "one\ntwo\n"


def test_an_endless_log_does_not_fill_the_disk(held: Claim, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "LARGEST_FILE_BYTES", 10)
    path = save(tmp_path / "log.txt", "more than ten bytes\n")
    Log(path, held.attempt).store(now=True)
    assert path.stat().st_size == 0
    assert AttemptLog.objects.get().text == "more than ten bytes\n"


@pytest.mark.row("S19")
@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;a title\x07text", "text"),
        ("10 %\r20 %\r100 %\n", "100 %\n"),
        ("windows\r\nlines\r\n", "windows\nlines\n"),
        ("nul\x00 and bell\x07", "nul and bell"),
        ("<script>", "<script>"),  # escaped by the template that shows it
    ],
)
def test_a_log_is_text_and_nothing_else(said: str, shown: str) -> None:
    assert logs.readable(said) == shown
