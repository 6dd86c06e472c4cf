"""Who judges, and when."""

import datetime as dt
import threading
from typing import Any

import pytest
from django.conf import settings
from django.db.models import ProtectedError
from django.utils import timezone

from tests.fakes.orders import must_claim, submit, worker
from webapp.contract.spec import JobKind
from webapp.fleet import actions as fleet
from webapp.fleet.models import Worker
from webapp.jobs import leases
from webapp.jobs.leases import Claim
from webapp.jobs.lifecycle import State
from webapp.jobs.models import Duty, Job
from workers import housekeeping, results
from workers.housekeeping import Housekeeper, Sweeper

pytestmark = pytest.mark.django_db


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keeper(clock: Clock) -> Housekeeper:
    return Housekeeper(clock=clock)


@pytest.fixture
def lost(team: Any) -> Claim:
    """A job whose worker fell silent an hour ago."""
    submit(team, JobKind.TRAIN)
    held = must_claim(worker())
    hour_ago = timezone.now() - dt.timedelta(hours=1)
    Job.objects.update(lease_until=hour_ago)
    Worker.objects.update(seen_at=hour_ago)
    return held


def turns(keeper: Housekeeper, clock: Clock, seconds: float) -> None:
    """Go on as the loop does for so long."""
    end = clock.now + seconds
    while clock.now <= end:
        keeper.turn()
        clock.now += settings.HOUSEKEEPING_SECONDS


def state(held: Claim) -> str:
    return Job.objects.get(pk=held.job.pk).state


@pytest.mark.row("F2")
def test_a_lost_worker_is_found_within_twenty_seconds_and_its_job_waits_again(
    keeper: Housekeeper, clock: Clock, lost: Claim
) -> None:
    turns(keeper, clock, 20)
    assert state(lost) == State.QUEUED
    assert Worker.objects.get().stopped_at is not None
    codes = list(lost.job.events.order_by("pk").values_list("code", flat=True))
    assert codes[-2:] == ["interrupted", "queued_again"]


@pytest.mark.row("F18")
def test_nobody_is_judged_before_one_whole_lease_was_watched(keeper: Housekeeper, clock: Clock, lost: Claim) -> None:
    turns(keeper, clock, settings.LEASE_SECONDS - settings.HOUSEKEEPING_SECONDS)
    assert state(lost) == State.STARTING


@pytest.mark.row("F18")
def test_after_an_outage_workers_get_a_whole_lease_to_come_back(keeper: Housekeeper, clock: Clock, team: Any) -> None:
    submit(team)
    held = must_claim(worker())
    turns(keeper, clock, 60)
    clock.now += 600  # the database was away, or this machine slept
    Job.objects.update(lease_until=timezone.now() - dt.timedelta(seconds=1))
    keeper.turn()
    assert state(held) == State.STARTING
    leases.renew(claim=held)
    clock.now += settings.HOUSEKEEPING_SECONDS
    turns(keeper, clock, 30)
    assert state(held) == State.STARTING


def test_a_worker_that_was_seen_to_end_is_not_waited_for(keeper: Housekeeper, lost: Claim) -> None:
    here = Worker.objects.get()
    fleet.worker_exited(host=here.host, pid=here.pid)
    keeper.turn()
    assert state(lost) == State.QUEUED


@pytest.mark.row("F26")
def test_of_two_housekeepers_one_works_and_the_other_takes_over_when_it_leaves(clock: Clock, lost: Claim) -> None:
    first, second = Housekeeper(clock=clock), Housekeeper(clock=clock)
    first._holder, second._holder = "first", "second"
    assert first.turn()
    assert not second.turn()
    first.leave()
    assert second.turn()
    assert not first.turn()
    assert Duty.objects.get().holder == "second"


@pytest.mark.row("F24")
def test_a_job_that_is_given_up_is_told_to_who_waits_for_it(
    keeper: Housekeeper, team: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Job] = []
    monkeypatch.setattr(results, "tell_failed", told.append)
    job = submit(team)
    Job.objects.filter(pk=job.pk).update(state=State.INTERRUPTED, deaths=3, fault="internal")
    keeper.turn()
    assert told == [job]
    assert Job.objects.get().state == State.FAILED


def test_one_sweep_that_fails_does_not_keep_the_others_from_being_done(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def broken() -> None:
        raise LookupError("a fault of ours")

    monkeypatch.setattr(housekeeping, "SWEEPS", (broken, lambda: done.append("swept")))
    assert Sweeper(threading.Event()).turn()
    assert done == ["swept"]


def test_a_row_that_is_still_pointed_to_does_not_stop_the_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def pointed_to() -> None:
        raise ProtectedError("still used", set())  # to Django an error of the database, which is not away

    monkeypatch.setattr(housekeeping, "SWEEPS", (pointed_to, lambda: done.append("swept")))
    Sweeper(threading.Event()).turn()
    assert done == ["swept"]


def test_only_one_of_two_sweeps(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    monkeypatch.setattr(housekeeping, "SWEEPS", (lambda: done.append("swept"),))
    first, second = Sweeper(threading.Event()), Sweeper(threading.Event())
    second._holder = "another"
    assert first.turn()
    assert not second.turn()
    assert done == ["swept"]


@pytest.mark.django_db(transaction=True)
def test_a_sweep_that_hangs_keeps_nobody_from_judging(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    sweeps, stopping, turns = threading.Event(), threading.Event(), []

    def turn(self: Housekeeper) -> bool:
        assert sweeps.wait(30)  # a sweep is under way and does not end
        turns.append(self)
        if len(turns) == 3:
            stopping.set()
        return True

    def hang() -> None:
        sweeps.set()
        stopping.wait(30)

    settings.HOUSEKEEPING_SECONDS = 0.0
    monkeypatch.setattr(housekeeping, "SWEEPS", (hang,))
    monkeypatch.setattr(Housekeeper, "turn", turn)
    housekeeping.run(stopping)
    assert len(turns) == 3
    assert not Duty.objects.filter(name=housekeeping.SWEEPING, until__gt=timezone.now()).exists()


def test_every_sweep_runs_on_an_empty_installation() -> None:
    for task in housekeeping.SWEEPS:
        task()
