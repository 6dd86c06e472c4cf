"""Taking the next job: one winner, its devices with it, its fence raised."""

from collections import Counter
from typing import Any

import pytest
from django.utils import timezone

from tests.fakes import orders
from tests.fakes.orders import claim, must_claim, submit, worker
from tests.webapp.at_once import at_once
from webapp.contract.queue import LABEL_HUB
from webapp.contract.spec import SPEC_VERSION, JobKind
from webapp.jobs.lifecycle import State
from webapp.jobs.models import Attempt, DeviceHold, Job

pytestmark = pytest.mark.django_db


def test_a_claim_takes_job_devices_and_fenceat_once(team: Any) -> None:
    job, here = submit(team, JobKind.TRAIN), worker()
    taken = must_claim(here)
    job.refresh_from_db()
    assert (job.state, job.worker, job.fence) == (State.STARTING, here, 1)
    assert job.lease_until is not None and job.lease_until > timezone.now()
    assert [hold.device for hold in job.holds.all()] == list(taken.devices) == list(here.devices.all())
    assert (taken.attempt.number, taken.attempt.fence) == (1, 1)


def test_nothing_waits_so_nothing_is_taken(team: Any) -> None:
    assert claim(worker()) is None


def test_a_held_device_is_not_taken_twice(team: Any) -> None:
    here = worker()
    submit(team, JobKind.TRAIN)
    submit(team, JobKind.TRAIN)
    assert claim(here) is not None
    assert claim(here) is None


def test_a_reading_is_taken_while_a_training_waits_for_a_device(team: Any) -> None:
    here = worker()
    for _number in range(3):
        submit(team, JobKind.TRAIN)
    claim(here)
    reading = submit(team, JobKind.READ)
    assert must_claim(here).job == reading


def test_teams_share_alike_although_one_asked_first_and_more(team: Any, other_team: Any) -> None:
    here = worker(memory_gigabytes=(8, 8, 8, 8))
    for _number in range(6):
        submit(team, JobKind.TRAIN)
    for _number in range(2):
        submit(other_team, JobKind.TRAIN)
    teams = Counter(must_claim(here).job.team for _number in range(4))
    assert teams == {team: 2, other_team: 2}


def test_a_team_with_a_thousand_jobs_does_not_hide_another(team: Any, other_team: Any) -> None:
    Job.objects.bulk_create(
        Job(team=team, kind="read", title="one of many", spec={}, queued_at=timezone.now()) for _number in range(1000)
    )
    other = submit(other_team)
    here = worker()
    assert other in [must_claim(here).job for _number in range(2)]


def test_an_order_of_a_newer_version_is_left_to_newer_workers(team: Any) -> None:
    job = submit(team)
    Job.objects.filter(pk=job.pk).update(spec_version=SPEC_VERSION + 1)
    assert claim(worker()) is None


def test_a_worker_takes_only_what_it_has_a_label_for(team: Any) -> None:
    submit(team, JobKind.FETCH, needs_labels=[LABEL_HUB])
    assert claim(worker(labels=("reader",), pid=1)) is None
    assert claim(worker(labels=("reader", "hub"), pid=2)) is not None


@pytest.mark.row("F14")
@pytest.mark.parametrize("state", [State.SUCCEEDED, State.CANCELLED, State.FAILED, State.RUNNING, State.PAUSED])
def test_a_bell_for_a_job_that_does_not_wait_finds_nothing(state: State, team: Any) -> None:
    job = submit(team)
    Job.objects.filter(pk=job.pk).update(state=state)
    assert claim(worker()) is None
    assert not Attempt.objects.exists()


@pytest.mark.row("F14")
def test_a_bell_for_a_deleted_job_finds_nothing(team: Any) -> None:
    submit(team).delete()
    assert claim(worker()) is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.row("F13")
def test_five_bells_at_once_for_one_job_make_one_attempt(team: Any) -> None:
    job, here = submit(team), worker()
    found = at_once([lambda: orders.claim(here)] * 5)
    assert sorted(one is None for one in found) == [False, True, True, True, True]
    assert job.attempts.count() == 1


@pytest.mark.django_db(transaction=True)
def test_many_workers_at_once_never_take_a_job_or_a_device_twice(team: Any, other_team: Any) -> None:
    workers = [worker(memory_gigabytes=(8, 8), pid=number) for number in range(4)]
    for number in range(10):
        submit([team, other_team][number % 2], JobKind.TRAIN)

    def take(here: Any) -> list[int]:
        taken = []
        while (found := orders.claim(here)) is not None:
            taken.append(found.job.pk)
        return taken

    taken = [pk for pks in at_once([lambda here=here: take(here) for here in workers]) for pk in pks]
    assert len(taken) == len(set(taken)) == 8
    assert DeviceHold.objects.count() == DeviceHold.objects.values("device").distinct().count() == 8
    assert set(Attempt.objects.values_list("number", flat=True)) == {1}
