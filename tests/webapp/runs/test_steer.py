import datetime as dt

import pytest
from django.core.exceptions import PermissionDenied
from django.db.models import ProtectedError
from django.http import Http404
from django.utils import timezone

from webapp.audit.models import Event
from webapp.contract import events
from webapp.core.faults import UserFault
from webapp.jobs.models import Attempt, Job, State
from webapp.notices.models import Notice
from webapp.runs import actions
from webapp.runs.models import Checkpoint, MetricBuffer, Run

pytestmark = pytest.mark.django_db

VERBS = [actions.pause, actions.stop_and_keep, actions.cancel, actions.resume, actions.retry, actions.delete]


@pytest.fixture
def run(team, trainer, make_run):
    return make_run(team=team, created_by=trainer, job={"step": 10, "total_steps": 100})


def state(run):
    return Job.objects.get(pk=run.job_id).state


def put(run, to):
    Job.objects.filter(pk=run.job_id).update(state=to)
    run.job.refresh_from_db()


@pytest.mark.parametrize(
    ("verb", "asked"), [(actions.pause, "pause"), (actions.stop_and_keep, "stop"), (actions.cancel, "cancel")]
)
def test_a_wish_is_left_for_whoever_holds_the_run(run, trainer, verb, asked):
    verb(by=trainer, run=run)
    job = Job.objects.get()
    assert (job.asked, job.asked_by, job.state) == (asked, trainer, State.RUNNING)
    assert Event.objects.filter(actor_id=trainer.public_id, object_id=run.public_id).count() == 1


def test_a_paused_run_goes_on_and_a_failed_one_starts_again(run, trainer):
    put(run, State.PAUSED)
    actions.resume(by=trainer, run=run)
    assert state(run) == State.QUEUED
    put(run, State.FAILED)
    actions.retry(by=trainer, run=run)
    assert state(run) == State.QUEUED


def test_a_run_whose_base_lies_in_the_trash_is_not_started_again(run, trainer):
    put(run, State.FAILED)
    run.base_model.deleted_at = timezone.now()
    run.base_model.save()
    with pytest.raises(UserFault, match="lies in the trash"):
        actions.retry(by=trainer, run=run)


@pytest.mark.parametrize("verb", VERBS)
def test_who_may_only_look_steers_nothing(run, viewer, stranger, verb):
    with pytest.raises(PermissionDenied):
        verb(by=viewer, run=run)
    with pytest.raises(Http404):
        verb(by=stranger, run=run)
    assert state(run) == State.RUNNING and not Event.objects.exists()


@pytest.mark.parametrize("verb", [actions.pause, actions.cancel])
def test_another_trainers_run_is_steered_by_who_manages_the_team(run, team, maintainer, viewer, verb):
    team.memberships.filter(user=viewer).update(role="trainer")
    with pytest.raises(PermissionDenied):
        verb(by=viewer, run=run)
    verb(by=maintainer, run=run)


def test_a_run_that_goes_on_is_not_deleted(run, trainer):
    with pytest.raises(UserFault, match="Cancel it first"):
        actions.delete(by=trainer, run=run)


def test_a_deleted_run_comes_back_with_its_curves(run, trainer):
    actions.append_metrics(run=run, attempt=1, points=[(1, {"loss": 1.0}, {})])
    put(run, State.SUCCEEDED)
    actions.delete(by=trainer, run=run)
    assert not Run.objects.live().exists()
    actions.restore(by=trainer, run=run)
    assert Run.objects.live().get() == run and MetricBuffer.objects.exists()


def test_after_its_days_in_the_trash_a_run_is_gone_with_everything(run, trainer):
    actions.append_metrics(run=run, attempt=1, points=[(1, {"loss": 1.0}, {})])
    put(run, State.CANCELLED)
    actions.delete(by=trainer, run=run)
    assert actions.purge() == 0
    Run.objects.update(deleted_at=timezone.now() - dt.timedelta(days=8))
    assert actions.purge() == 1
    assert not Run.objects.exists() and not Job.objects.exists() and not MetricBuffer.objects.exists()


def test_a_new_name_is_kept_and_a_bad_one_refused(run, trainer):
    actions.rename(by=trainer, run=run, name=" tone  of voice ")
    run.refresh_from_db()
    assert run.name == "tone of voice"
    for bad in ("", " ", "x" * 81):
        with pytest.raises(UserFault):
            actions.rename(by=trainer, run=run, name=bad)


def test_a_checkpoint_that_is_said_twice_is_there_once(run):
    event = events.Checkpointed(step=5, folder="step-5", size_bytes=9, manifest_sha256="a" * 64, validation_loss=1.5)
    for _time in range(2):
        actions.record_checkpoint(run=run, attempt=1, event=event, at=timezone.now())
    assert Checkpoint.objects.get().validation_loss == 1.5


def test_an_end_is_told_once_to_who_launched_it(run, trainer):
    for _time in range(2):
        finished = actions.finish(job=run.job, result={"validation_loss_after": 1.0, "steps": 100})
    assert finished == run and finished.result["validation_loss_after"] == 1.0
    notice = Notice.objects.get()
    assert (notice.user, notice.code) == (trainer, "run_finished")
    assert run.public_id in notice.url


def test_a_failure_is_told(run, trainer):
    actions.fail(job=run.job)
    assert Notice.objects.get().code == "run_failed"


def test_a_run_that_was_started_again_a_moment_ago_is_neither_deleted_nor_purged(run, trainer):
    put(run, State.FAILED)
    Job.objects.update(state=State.QUEUED)  # by somebody else: `run.job` still says that it failed
    with pytest.raises(UserFault, match="Cancel it first"):
        actions.delete(by=trainer, run=run)
    Run.objects.update(deleted_at=timezone.now() - dt.timedelta(days=8))
    assert actions.purge() == 0
    assert Run.objects.exists()


def test_a_cancelled_run_that_starts_again_promises_no_checkpoint(run, trainer):
    event = events.Checkpointed(step=5, folder="step-5", size_bytes=9, manifest_sha256="a" * 64, validation_loss=1.5)
    actions.record_checkpoint(run=run, attempt=1, event=event, at=timezone.now())
    Job.objects.update(checkpoint_step=5)
    put(run, State.FAILED)
    actions.retry(by=trainer, run=run)
    assert run.checkpoints.exists()
    put(run, State.CANCELLED)
    actions.retry(by=trainer, run=run)
    run.job.refresh_from_db()
    assert not run.checkpoints.exists() and (run.job.step, run.job.total_steps) == (0, 0)


def test_a_run_that_failed_long_ago_begins_anew_since_its_checkpoints_are_gone(run, trainer):
    long_ago = timezone.now() - dt.timedelta(hours=25)
    Job.objects.update(step=7, checkpoint_step=5, finished_at=long_ago, state=State.FAILED)
    Attempt.objects.create(job=run.job, number=1, fence=1, started_at=long_ago)
    run.job.refresh_from_db()
    actions.retry(by=trainer, run=run)
    assert (run.job.step, run.job.checkpoint_step, run.job.anew_after) == (0, 0, 1)


def test_a_run_that_cannot_be_removed_does_not_keep_the_others(team, trainer, make_run, monkeypatch):
    stuck, _other = (make_run(team=team, state=State.FAILED, name=name) for name in ("stuck", "other"))
    Run.objects.update(deleted_at=timezone.now() - dt.timedelta(days=8))
    real = Run.delete

    def delete(self):
        if self.pk == stuck.pk:
            raise ProtectedError("something points to it", set())
        return real(self)

    monkeypatch.setattr(Run, "delete", delete)
    assert actions.purge() == 1
    assert Run.objects.get() == stuck and Job.objects.filter(pk=stuck.job_id).exists()
