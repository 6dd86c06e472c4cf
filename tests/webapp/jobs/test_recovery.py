"""Lost workers, poison jobs, forgotten jobs, and one housekeeper at a time."""

import datetime as dt
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from tests.fakes.orders import must_claim, submit, worker
from webapp.contract.spec import JobKind
from webapp.fleet import actions as fleet
from webapp.fleet.models import Worker
from webapp.jobs import actions as jobs
from webapp.jobs import bell, leases, recovery
from webapp.jobs.leases import Claim, LeaseLost
from webapp.jobs.lifecycle import Asked, EndedBecause, State
from webapp.jobs.models import DeviceHold, Job

pytestmark = pytest.mark.django_db


@pytest.fixture
def held(team: Any) -> Claim:
    submit(team, JobKind.TRAIN, secret="a token")
    return must_claim(worker())


def let_lease_run_out(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - dt.timedelta(seconds=1))


@pytest.mark.row("F2")
def test_a_lease_that_ran_out_brings_the_job_back(held: Claim) -> None:
    let_lease_run_out(held.job)
    assert recovery.interrupt_lost(judge_leases=True) == [held.job]
    held.attempt.refresh_from_db()
    assert held.attempt.ended_because == EndedBecause.WORKER_LOST
    assert not DeviceHold.objects.exists()
    assert [(job, job.state) for job in recovery.settle_interrupted()] == [(held.job, State.QUEUED)]
    assert must_claim(worker(pid=2)).attempt.number == 2
    with pytest.raises(LeaseLost):
        leases.renew(claim=held)


def test_a_lease_that_holds_is_left_alone(held: Claim) -> None:
    assert recovery.interrupt_lost(judge_leases=True) == []


def test_a_worker_that_was_seen_to_end_loses_its_jobs_at_once(held: Claim) -> None:
    assert recovery.interrupt_lost(judge_leases=False) == []
    here = Worker.objects.get()
    fleet.worker_exited(host=here.host, pid=here.pid)
    assert recovery.interrupt_lost(judge_leases=False) == [held.job]


def test_leases_are_not_judged_before_housekeeping_is_sure(held: Claim) -> None:
    let_lease_run_out(held.job)
    assert recovery.interrupt_lost(judge_leases=False) == []


@pytest.mark.row("F24")
def test_a_job_that_dies_three_times_without_getting_further_fails(held: Claim) -> None:
    for number in range(1, settings.MAX_DEATHS_WITHOUT_PROGRESS + 1):
        taken = held if number == 1 else must_claim(worker(pid=number))
        leases.interrupt(claim=taken, fault="internal", data={"signal": 11}, exit_code=-11)
        (job,) = recovery.settle_interrupted()
    assert (job.state, job.fault) == (State.FAILED, "internal")
    assert job.fault_data == {"signal": 11, "deaths": 3}
    assert job.sealed_secret == "" and job.finished_at is not None


@pytest.mark.parametrize(
    ("asked", "state"),
    [(Asked.CANCEL, State.CANCELLED), (Asked.PAUSE, State.PAUSED), (Asked.STOP_AND_KEEP, State.QUEUED)],
)
def test_what_was_asked_of_a_lost_worker_is_done_without_it(asked: Asked, state: State, held: Claim) -> None:
    jobs.ask(by=None, job=held.job, what=asked)
    let_lease_run_out(held.job)
    recovery.interrupt_lost(judge_leases=True)
    recovery.settle_interrupted()
    held.job.refresh_from_db()
    assert held.job.state == state
    assert held.job.asked == (asked if asked is Asked.STOP_AND_KEEP else Asked.NOTHING)


def test_a_device_that_nobody_holds_is_freed(held: Claim) -> None:
    Job.objects.filter(pk=held.job.pk).update(state=State.CANCELLED)
    assert recovery.free_devices() == 1


@pytest.fixture
def rings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    heard: list[int] = []
    monkeypatch.setattr(bell, "ring", lambda: not heard.append(1))
    return heard


@pytest.mark.row("F21")
def test_a_job_whose_bell_was_lost_is_rung_for_again_but_not_all_the_time(team: Any, rings: list[int]) -> None:
    job = submit(team)
    assert not recovery.ring_for_forgotten()
    Job.objects.filter(pk=job.pk).update(queued_at=timezone.now() - recovery.FORGOTTEN_AFTER)
    assert recovery.ring_for_forgotten()
    assert not recovery.ring_for_forgotten()
    Job.objects.filter(pk=job.pk).update(rung_at=timezone.now() - recovery.RING_AGAIN_AFTER)
    assert recovery.ring_for_forgotten()
    assert len(rings) == 2


@pytest.mark.row("F26")
def test_a_duty_has_one_holder_until_it_lets_go_or_falls_silent() -> None:
    def try_it(holder: str, seconds: float = 60) -> bool:
        return recovery.hold_duty(name="d", holder=holder, seconds=seconds)

    assert try_it("first")
    assert not try_it("second")
    assert try_it("first", seconds=-1)
    assert try_it("second")
    assert not try_it("first")
    recovery.leave_duty(name="d", holder="second")
    recovery.leave_duty(name="d", holder="first")
    assert try_it("first")
