"""One version of a dataset to the trash, back from it, or gone for good. Whole datasets: actions.py."""

import datetime as dt

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from webapp.accounts import access
from webapp.accounts.access import Permission
from webapp.accounts.models import User
from webapp.artifacts import actions as artifacts
from webapp.audit import actions as audit
from webapp.core import purging
from webapp.core.faults import UserFault
from webapp.datasets import queries
from webapp.datasets.models import Dataset, DatasetVersion
from webapp.jobs import actions as jobs
from webapp.jobs import queries as open_jobs
from webapp.jobs.lifecycle import OVER, Asked
from webapp.jobs.models import Job


@transaction.atomic
def delete_version(*, by: User | None, version: DatasetVersion) -> None:
    """Move one version to the trash, from where it can come back for TRASH_DAYS. Raises UserFault.

    Refused while a job that has not ended reads its rows, and for the only version. One that is being read is
    cancelled.
    """
    _require_change(by, version)
    Dataset.objects.select_for_update().get(pk=version.dataset_id)  # so that two at once do not take the last two
    live = DatasetVersion.objects.filter(dataset=version.dataset_id)
    if not live.filter(pk=version.pk).exists():
        return
    if live.count() == 1:
        message = _("%(version)s is the only version. Delete the whole dataset instead.")
        raise UserFault("only_version", message % {"version": version}, status=409)
    rows = {blob.sha256 for blob in queries.files(version.bundle).values()} if version.bundle else set()
    readers = open_jobs.open_jobs_reading(rows)
    if readers:
        message = _("“%(job)s” has not ended and reads %(version)s. Wait for it, or cancel it first.")
        raise UserFault("in_use", message % {"version": version, "job": readers[0].title}, status=409)
    live.filter(pk=version.pk).update(deleted_at=timezone.now())
    if not version.is_ready and version.job is not None and not version.job.is_over:
        jobs.ask(by=by, job=version.job, what=Asked.CANCEL)
    audit.record(by=by, verb="dataset.version_deleted", team=version.dataset.team, obj=version)


@transaction.atomic
def restore_version(*, by: User | None, version: DatasetVersion) -> None:
    """Bring one version back from the trash. Raises UserFault while its dataset lies there, or when it is too late."""
    _require_change(by, version)
    if version.dataset.deleted_at is not None:
        message = _("The whole dataset %(name)s lies in the trash. Bring it back first.")
        raise UserFault("dataset_deleted", message % {"name": version.dataset.name}, status=409)
    if version.deleted_at is not None and version.deleted_at < _purge_before():
        message = _("%(name)s was deleted more than %(days)s days ago and cannot come back.")
        raise UserFault("too_late", message % {"name": version, "days": settings.TRASH_DAYS}, status=409)
    if DatasetVersion.everything.filter(pk=version.pk).exclude(deleted_at=None).update(deleted_at=None):
        audit.record(by=by, verb="dataset.version_restored", team=version.dataset.team, obj=version)


def purge_versions(*, before: dt.datetime | None = None) -> int:
    """Remove for good the versions that lay in the trash alone for TRASH_DAYS; returns how many.

    Of one that runs learned from the name stays, once none of these runs needs its rows.
    """
    due = _to_purge(before=before or _purge_before())
    return purging.each(due.select_related("dataset__team", "bundle"), _purge)


def _to_purge(*, before: dt.datetime) -> QuerySet[DatasetVersion]:
    needed = DatasetVersion.everything.filter(pk=OuterRef("pk"), runs__isnull=False).exclude(runs__job__state__in=OVER)
    has_something = Q(source__isnull=False) | Q(bundle__isnull=False) | Q(runs=None)
    due = DatasetVersion.everything.filter(has_something, deleted_at__lt=before, dataset__deleted_at=None)
    return due.exclude(Exists(needed)).distinct()


def _purge(version: DatasetVersion) -> bool:
    """False when it was brought back since it was found."""
    rows = DatasetVersion.everything.select_for_update(of=("self",)).filter(pk=version.pk).exclude(deleted_at=None)
    if not rows.exists():
        return False
    audit.record(by=None, verb="dataset.version_purged", team=version.dataset.team, obj=version)
    # The job goes too: what it tells of a file that could not be read may quote its rows.
    Job.objects.filter(dataset_version=version, state__in=OVER).delete()
    rows.update(bundle=None, source=None, report={}, system_prompt="")
    DatasetVersion.everything.filter(pk=version.pk, runs=None).delete()
    if version.bundle is not None:
        artifacts.drop_bundle(bundle=version.bundle)
    return True


def _require_change(by: User | None, version: DatasetVersion) -> None:
    dataset = version.dataset
    access.require_change(by=by, team=dataset.team, made_by_id=dataset.created_by_id, permission=Permission.UPLOAD)


def _purge_before() -> dt.datetime:
    return timezone.now() - dt.timedelta(days=settings.TRASH_DAYS)
