"""Checkpoints that lie in storage and are no longer needed: to the trash, back, or gone for good."""

import datetime as dt
from collections.abc import Collection

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
from webapp.jobs.lifecycle import OVER
from webapp.jobs.models import Job
from webapp.runs.models import Checkpoint, Run


@transaction.atomic
def delete_checkpoints(*, by: User | None, run: Run, but: Collection[int] = ()) -> int:
    """Move the stored checkpoints of an ended run to the trash, except those of the steps `but`; returns how many.

    Raises UserFault while the run has not ended: it may go on from them.
    """
    _require_change(by=by, run=run)
    # Locked, so that nobody starts the run again between this look and the deed.
    if not Job.objects.select_for_update().filter(pk=run.job_id, state__in=OVER).exists():
        message = _("%(name)s has not ended and may go on from its checkpoints. Cancel it first.")
        raise UserFault("still_running", message % {"name": run.name}, status=409)
    stored = run.checkpoints.filter(deleted_at=None).exclude(bundle=None).exclude(step__in=but)
    count = stored.update(deleted_at=timezone.now())
    if count:
        audit.record(by=by, verb="run.checkpoints_deleted", team=run.team, obj=run, data={"count": count})
    return count


@transaction.atomic
def restore_checkpoints(*, by: User | None, run: Run) -> None:
    """Bring the stored checkpoints of a run back from the trash."""
    _require_change(by=by, run=run)
    if run.checkpoints.exclude(deleted_at=None).exclude(bundle=None).update(deleted_at=None):
        audit.record(by=by, verb="run.checkpoints_restored", team=run.team, obj=run)


def purge_checkpoints(*, before: dt.datetime | None = None) -> int:
    """Let the files of checkpoints go that have lain in the trash for TRASH_DAYS; what is known of them stays."""
    before = before or timezone.now() - dt.timedelta(days=settings.TRASH_DAYS)
    due = Checkpoint.objects.filter(deleted_at__lt=before).exclude(bundle=None)
    return purging.each(due.select_related("bundle"), _purge)


def _purge(checkpoint: Checkpoint) -> bool:
    """False when it was brought back since it was found."""
    rows = Checkpoint.objects.filter(pk=checkpoint.pk, deleted_at=checkpoint.deleted_at)
    if not rows.update(bundle=None) or checkpoint.bundle is None:
        return False
    artifacts.drop_bundle(bundle=checkpoint.bundle)
    return True


def _require_change(*, by: User | None, run: Run) -> None:
    access.require_change(by=by, team=run.team, made_by_id=run.created_by_id, permission=access.Permission.TRAIN)
