"""What people ask of a job in each of its states."""

from typing import Any

import pytest

from tests.fakes.orders import must_claim, submit, worker
from webapp.contract.spec import JobKind
from webapp.core.faults import UserFault
from webapp.jobs import actions as jobs
from webapp.jobs import leases
from webapp.jobs.leases import LeaseLost
from webapp.jobs.lifecycle import HELD, OVER, RESTING, Asked, State
from webapp.jobs.models import Job

pytestmark = pytest.mark.django_db


def in_state(team: Any, state: State, kind: JobKind = JobKind.TRAIN, **fields: Any) -> Job:
    job = submit(team, kind, secret="a token")
    Job.objects.filter(pk=job.pk).update(state=state, **fields)
    job.refresh_from_db()
    return job


@pytest.mark.row("F15")
@pytest.mark.parametrize("state", sorted(RESTING))
def test_a_job_that_nobody_holds_is_cancelled_at_once(state: State, team: Any, owner: Any) -> None:
    job = jobs.ask(by=owner, job=in_state(team, state), what=Asked.CANCEL)
    assert (job.state, job.asked, job.asked_by) == (State.CANCELLED, Asked.NOTHING, owner)
    assert job.finished_at is not None
    assert job.sealed_secret == ""
    assert job.events.last().code == "cancelled"


@pytest.mark.row("F15")
@pytest.mark.parametrize("state", sorted(HELD))
def test_a_held_job_is_asked_to_cancel(state: State, team: Any, owner: Any) -> None:
    job = jobs.ask(by=owner, job=in_state(team, state), what=Asked.CANCEL)
    assert (job.state, job.asked, job.asked_by) == (state, Asked.CANCEL, owner)


@pytest.mark.parametrize("state", sorted(OVER))
@pytest.mark.parametrize("what", [Asked.CANCEL, Asked.PAUSE, Asked.STOP_AND_KEEP])
def test_nothing_can_be_asked_of_a_job_that_is_over(state: State, what: Asked, team: Any) -> None:
    job = in_state(team, state)
    with pytest.raises(UserFault) as fault:
        jobs.ask(by=None, job=job, what=what)
    assert (fault.value.code, fault.value.status) == ("too_late", 409)
    job.refresh_from_db()
    assert (job.state, job.asked) == (state, Asked.NOTHING)


def test_a_cancel_is_not_taken_back_by_a_later_pause(team: Any) -> None:
    job = in_state(team, State.RUNNING)
    jobs.ask(by=None, job=job, what=Asked.CANCEL)
    assert jobs.ask(by=None, job=job, what=Asked.PAUSE).asked == Asked.CANCEL


def test_a_waiting_job_is_paused_and_resumed(team: Any) -> None:
    job = jobs.ask(by=None, job=in_state(team, State.QUEUED), what=Asked.PAUSE)
    assert job.state == State.PAUSED
    assert jobs.resume(by=None, job=job).state == State.QUEUED


def test_only_training_can_be_paused(team: Any) -> None:
    with pytest.raises(UserFault, match="Cancel it instead"):
        jobs.ask(by=None, job=in_state(team, State.RUNNING, JobKind.READ), what=Asked.PAUSE)


def test_there_is_nothing_to_keep_before_the_first_checkpoint(team: Any) -> None:
    with pytest.raises(UserFault, match="No checkpoint"):
        jobs.ask(by=None, job=in_state(team, State.PAUSED), what=Asked.STOP_AND_KEEP)


def test_what_a_paused_job_learned_is_kept_by_one_more_turn_in_the_queue(team: Any) -> None:
    job = in_state(team, State.PAUSED, checkpoint_step=3)
    jobs.ask(by=None, job=job, what=Asked.STOP_AND_KEEP)
    assert (job.state, job.asked) == (State.QUEUED, Asked.STOP_AND_KEEP)
    assert must_claim(worker()).job.asked == Asked.STOP_AND_KEEP


@pytest.mark.row("F16")
@pytest.mark.parametrize("is_cancelled_first", [True, False])
def test_a_cancel_that_meets_the_end_leaves_one_of_both(is_cancelled_first: bool, team: Any) -> None:
    job, taken = submit(team), must_claim(worker())
    leases.begin(claim=taken)
    leases.finish(claim=taken)
    acts = [lambda: leases.cancel(claim=taken), lambda: leases.succeed(claim=taken)]
    first, second = acts if is_cancelled_first else reversed(acts)
    first()
    with pytest.raises(LeaseLost):
        second()
    job.refresh_from_db()
    assert job.state == (State.CANCELLED if is_cancelled_first else State.SUCCEEDED)
    assert [event.code for event in job.events.filter(code__in=OVER)] == [job.state]


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED])
def test_a_job_that_did_not_succeed_can_be_tried_again(state: State, team: Any) -> None:
    job = in_state(team, state, fault="internal", fault_data={"a": 1}, deaths=3, asked="cancel", sealed_secret="")
    jobs.retry(by=None, job=job, secret="a new token")
    assert (job.state, job.fault, job.fault_data, job.deaths, job.asked) == (State.QUEUED, "", {}, 0, "")
    assert job.sealed_secret


@pytest.mark.parametrize("state", sorted(set(State) - {State.FAILED, State.CANCELLED}))
def test_any_other_job_cannot_be_tried_again(state: State, team: Any) -> None:
    with pytest.raises(UserFault):
        jobs.retry(by=None, job=in_state(team, state))


@pytest.mark.parametrize(("state", "kept"), [(State.FAILED, (40, 100, 32)), (State.CANCELLED, (0, 0, 0))])
def test_a_failed_job_goes_on_where_it_stood_and_a_cancelled_one_begins_anew(
    state: State, kept: tuple[int, int, int], team: Any
) -> None:
    job = jobs.retry(by=None, job=in_state(team, state, step=40, total_steps=100, checkpoint_step=32))
    assert (job.step, job.total_steps, job.checkpoint_step) == kept
    if state == State.CANCELLED:
        with pytest.raises(UserFault, match="No checkpoint"):
            jobs.ask(by=None, job=job, what=Asked.STOP_AND_KEEP)
