"""Where a job stands in the line, and why it does not run."""

from typing import Any

import pytest
from django.utils import timezone

from tests.fakes.orders import GIGABYTE, must_claim, submit, worker
from webapp.contract.spec import JobKind
from webapp.fleet.models import Worker
from webapp.jobs import queries
from webapp.jobs.models import AttemptLog

pytestmark = pytest.mark.django_db


def test_the_line_takes_turns_between_teams(team: Any, other_team: Any) -> None:
    first, second, other = submit(team), submit(team), submit(other_team)
    assert [queries.position(job) for job in (first, other, second)] == [1, 2, 3]


def test_a_job_is_taken_in_the_order_that_was_said(team: Any, other_team: Any) -> None:
    jobs = [submit(team), submit(team), submit(other_team)]
    said = sorted(jobs, key=queries.position)
    here = worker()
    assert [must_claim(here).job for _job in jobs] == said


def test_a_job_that_does_not_wait_has_no_place(team: Any) -> None:
    submit(team)
    assert queries.position(must_claim(worker()).job) == 0


def test_trainings_do_not_count_in_the_line_of_readings(team: Any) -> None:
    submit(team, JobKind.TRAIN)
    assert queries.position(submit(team)) == 1


def why(job: Any) -> str:
    return queries.why_waiting(job).code


def test_nothing_runs_without_a_worker(team: Any) -> None:
    job = submit(team)
    assert why(job) == "no_worker"
    worker()
    assert why(job) == "in_line"
    Worker.objects.update(seen_at=timezone.now() - timezone.timedelta(minutes=1))
    assert why(job) == "no_worker"


def test_a_job_that_needs_more_memory_than_there_is_says_so(team: Any) -> None:
    worker(memory_gigabytes=(8, 16))
    found = queries.why_waiting(submit(team, JobKind.TRAIN, needs_memory_bytes=24 * GIGABYTE))
    assert (found.code, found.largest_memory_bytes) == ("too_little_memory", 16 * GIGABYTE)


def test_a_job_for_more_devices_than_a_worker_has_says_so(team: Any) -> None:
    worker(memory_gigabytes=(8, 16))
    assert why(submit(team, JobKind.TRAIN, needs_devices=3)) == "too_few_devices"


def test_a_job_for_a_label_that_no_worker_has_says_so(team: Any) -> None:
    worker(labels=("reader",))
    assert why(submit(team, JobKind.FETCH, needs_labels=["hub"])) == "no_label"


def test_a_job_waits_for_workers_that_are_drained(team: Any) -> None:
    worker()
    Worker.objects.update(is_draining=True)
    assert why(submit(team)) == "draining"


def test_the_log_is_that_of_the_newest_attempt(team: Any) -> None:
    job = submit(team)
    assert queries.log_tail(job) == ""
    held = must_claim(worker())
    AttemptLog.objects.create(attempt=held.attempt, text="first words")
    assert queries.log_tail(job) == queries.log_tail(job, attempt=1) == "first words"
    assert queries.log_tail(job, attempt=2) == ""
