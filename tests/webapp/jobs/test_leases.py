"""Holding a job, letting go of it, and being refused once it is in other hands."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from tests.fakes.orders import claim, must_claim, submit, worker
from webapp.contract.spec import JobKind
from webapp.jobs import actions as jobs
from webapp.jobs import leases
from webapp.jobs.leases import Claim, LeaseLost
from webapp.jobs.lifecycle import Asked, EndedBecause, State
from webapp.jobs.models import DeviceHold, Job

pytestmark = pytest.mark.django_db

WRITES: dict[str, Callable[[Claim], Any]] = {
    "renew": lambda held: leases.renew(claim=held),
    "look": lambda held: leases.look(claim=held),
    "finish": lambda held: leases.finish(claim=held),
    "lock": lambda held: leases.lock(claim=held),
    "succeed": lambda held: leases.succeed(claim=held),
    "fail": lambda held: leases.fail(claim=held, fault="internal", data={}),
    "cancel": lambda held: leases.cancel(claim=held),
    "pause": lambda held: leases.pause(claim=held),
    "put_back": lambda held: leases.put_back(claim=held),
    "interrupt": lambda held: leases.interrupt(claim=held, fault="internal", data={}, exit_code=-9),
}


@pytest.fixture
def zombie(team: Any) -> Claim:
    """A claim on a job that another worker holds by now."""
    submit(team, JobKind.TRAIN)
    old = must_claim(worker(pid=1))
    leases.interrupt(claim=old, fault="internal", data={}, exit_code=None)
    Job.objects.move(old.job.pk, State.QUEUED)
    new = must_claim(worker(pid=2))
    assert (new.job, new.fence) == (old.job, old.fence + 1)
    return old


@pytest.mark.row("F12")
@pytest.mark.parametrize("write", WRITES)
def test_who_lost_the_job_is_refused_every_write(write: str, zombie: Claim) -> None:
    before = Job.objects.filter(pk=zombie.job.pk).values().get()
    holds = list(DeviceHold.objects.values())
    with pytest.raises(LeaseLost):
        WRITES[write](zombie)
    assert Job.objects.filter(pk=zombie.job.pk).values().get() == before
    assert list(DeviceHold.objects.values()) == holds


@pytest.mark.row("F12")
def test_who_lost_the_job_cannot_begin_it(zombie: Claim) -> None:
    leases.begin(claim=zombie)
    assert Job.objects.get(pk=zombie.job.pk).state == State.STARTING


@pytest.mark.parametrize("write", WRITES)
def test_nothing_can_be_written_about_a_job_that_is_over(write: str, team: Any) -> None:
    submit(team)
    held = must_claim(worker())
    leases.cancel(claim=held)
    with pytest.raises(LeaseLost):
        WRITES[write](held)


def test_a_renewal_holds_the_job_longer_and_tells_what_was_asked(team: Any) -> None:
    job = submit(team)
    held = must_claim(worker())
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - dt.timedelta(hours=1))
    jobs.ask(by=None, job=job, what=Asked.CANCEL)
    assert leases.renew(claim=held) is Asked.CANCEL
    job.refresh_from_db()
    assert job.lease_until is not None and job.lease_until > timezone.now()


ENDS = {
    "succeed": (State.SUCCEEDED, EndedBecause.SUCCEEDED),
    "fail": (State.FAILED, EndedBecause.FAILED),
    "cancel": (State.CANCELLED, EndedBecause.CANCELLED),
    "pause": (State.PAUSED, EndedBecause.STOPPED),
    "put_back": (State.QUEUED, EndedBecause.WORKER_STOPPED),
    "interrupt": (State.INTERRUPTED, EndedBecause.CHILD_DIED),
}


@pytest.mark.parametrize("end", ENDS)
def test_letting_go_frees_the_devices_and_ends_the_attempt(end: str, team: Any) -> None:
    job = submit(team, JobKind.TRAIN, secret="a token")
    held = must_claim(worker())
    leases.begin(claim=held)
    if end == "succeed":
        leases.finish(claim=held)
    WRITES[end](held)
    job.refresh_from_db()
    held.attempt.refresh_from_db()
    state, because = ENDS[end]
    assert (job.state, held.attempt.ended_because) == (state, because)
    assert (job.worker, job.lease_until, job.holds.count()) == (None, None, 0)
    assert held.attempt.ended_at is not None
    assert (job.sealed_secret == "") == job.is_over == (job.finished_at is not None)


def test_success_needs_a_stored_result(team: Any) -> None:
    submit(team)
    held = must_claim(worker())
    leases.begin(claim=held)
    with pytest.raises(LeaseLost):
        leases.succeed(claim=held)


def test_a_job_that_was_put_back_keeps_its_place_and_its_wishes(team: Any) -> None:
    first, _second = submit(team, JobKind.TRAIN), submit(team, JobKind.TRAIN)
    here = worker()
    held = must_claim(here)
    jobs.ask(by=None, job=first, what=Asked.PAUSE)
    leases.put_back(claim=held)
    again = must_claim(here)
    assert (again.job, again.job.asked, again.attempt.number) == (first, Asked.PAUSE, 2)
    assert claim(here) is None
