"""What people do with a run after its launch."""

import datetime as dt
from functools import partial

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from webapp.accounts import access
from webapp.accounts.models import User
from webapp.artifacts import actions as artifacts
from webapp.audit import actions as audit
from webapp.core import purging
from webapp.core.faults import UserFault
from webapp.jobs import actions as jobs
from webapp.jobs.lifecycle import OVER, Asked, State
from webapp.jobs.models import Job
from webapp.runs import kept
from webapp.runs.models import Run


def pause(*, by: User | None, run: Run) -> None:
    """Keep a checkpoint and give the device back; `resume` goes on from it. Raises UserFault."""
    _ask(by=by, run=run, what=Asked.PAUSE, verb="run.paused")


def stop_and_keep(*, by: User | None, run: Run) -> None:
    """End it now and make an adapter of what was learned. Raises UserFault."""
    _ask(by=by, run=run, what=Asked.STOP_AND_KEEP, verb="run.stopped")


def cancel(*, by: User | None, run: Run) -> None:
    """End it now and keep nothing. Raises UserFault."""
    _ask(by=by, run=run, what=Asked.CANCEL, verb="run.cancelled")


@transaction.atomic
def resume(*, by: User | None, run: Run) -> None:
    """Let a paused run go on. Raises UserFault."""
    _require_change(by=by, run=run)
    jobs.resume(by=by, job=run.job)
    audit.record(by=by, verb="run.resumed", team=run.team, obj=run)


@transaction.atomic
def retry(*, by: User | None, run: Run) -> None:
    """Start a failed run again, from its last checkpoint if that is still kept, or a cancelled one anew.

    Raises UserFault.
    """
    _require_change(by=by, run=run)
    data = run.dataset_version
    if run.base_model.deleted_at or data.deleted_at or data.dataset.deleted_at:
        message = _("Its dataset or base model lies in the trash. Bring it back first.")
        raise UserFault("source_deleted", message, status=409)
    is_anew = run.job.state == State.CANCELLED or kept.checkpoint(run) is None
    if is_anew:
        _forget_checkpoints(run)
    jobs.retry(by=by, job=run.job, is_anew=is_anew)
    audit.record(by=by, verb="run.retried", team=run.team, obj=run)


@transaction.atomic
def rename(*, by: User | None, run: Run, name: str) -> None:
    """Raises UserFault."""
    _require_change(by=by, run=run)
    name = " ".join(name.split())
    if not 1 <= len(name) <= 80 or not name.isprintable():
        raise UserFault("bad_name", _("A name has 1 to 80 printable characters. Choose another one."), field="name")
    was, run.name = run.name, name
    run.save(update_fields=["name"])
    audit.record(by=by, verb="run.renamed", team=run.team, obj=run, data={"from": was})


@transaction.atomic
def delete(*, by: User | None, run: Run) -> None:
    """Move an ended run to the trash; its adapter stays. Raises UserFault while it goes on."""
    _require_change(by=by, run=run)
    live = Run.objects.live().filter(pk=run.pk)
    # Asked in the same statement: somebody may start it again between a look and the deed.
    if live.filter(job__state__in=OVER).update(deleted_at=timezone.now()):
        audit.record(by=by, verb="run.deleted", team=run.team, obj=run)
    elif live.exists():
        message = _("%(name)s has not ended. Cancel it first, then delete it.") % {"name": run.name}
        raise UserFault("still_running", message, status=409)


@transaction.atomic
def restore(*, by: User | None, run: Run) -> None:
    """Bring a run back from the trash."""
    _require_change(by=by, run=run)
    if Run.objects.filter(pk=run.pk).exclude(deleted_at=None).update(deleted_at=None):
        audit.record(by=by, verb="run.restored", team=run.team, obj=run)


def purge(*, before: dt.datetime | None = None) -> int:
    """Remove for good what has lain in the trash for TRASH_DAYS: points, checkpoints, the job and its log."""
    before = before or timezone.now() - dt.timedelta(days=settings.TRASH_DAYS)
    due = Run.objects.filter(deleted_at__lt=before, job__state__in=OVER)
    return purging.each(due.select_related("team"), partial(_purge, before))


def _purge(before: dt.datetime, run: Run) -> bool:
    """False when it was started again or brought back since it was found."""
    job = Job.objects.select_for_update().filter(pk=run.job_id, state__in=OVER).first()
    if job is None or not Run.objects.filter(pk=run.pk, deleted_at__lt=before).exists():
        return False
    audit.record(by=None, verb="run.purged", team=run.team, obj=run)
    _forget_checkpoints(run)
    run.delete()
    job.delete()
    return True


def _forget_checkpoints(run: Run) -> None:
    bundles = [saved.bundle for saved in run.checkpoints.exclude(bundle=None).select_related("bundle")]
    run.checkpoints.all().delete()
    for bundle in bundles:
        if bundle is not None:
            artifacts.drop_bundle(bundle=bundle)


@transaction.atomic
def _ask(*, by: User | None, run: Run, what: Asked, verb: str) -> None:
    _require_change(by=by, run=run)
    jobs.ask(by=by, job=run.job, what=what)
    audit.record(by=by, verb=verb, team=run.team, obj=run)


def _require_change(*, by: User | None, run: Run) -> None:
    access.require_change(by=by, team=run.team, made_by_id=run.created_by_id, permission=access.Permission.TRAIN)
