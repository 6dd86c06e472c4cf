"""Out of the catalog, back into it, or gone for good."""

import datetime as dt

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from webapp.accounts.models import Team, User
from webapp.adapters.actions import listing, rights
from webapp.adapters.actions.forgetting import forget
from webapp.adapters.models import Adapter, AdapterVersion, Stage
from webapp.artifacts import actions as artifacts
from webapp.audit import actions as audit
from webapp.core import purging
from webapp.core.faults import UserFault
from webapp.jobs import queries as jobs

MAY_GO = (Stage.DRAFT, Stage.RETIRED)


@transaction.atomic
def delete(*, by: User | None, adapter: Adapter) -> None:
    """Move an adapter with all its versions to the trash, from where it can come back for TRASH_DAYS."""
    rights.require_change(by=by, adapter=adapter)
    held = adapter.versions.filter(stage="production").first()
    if held is not None:
        raise UserFault(
            "in_production",
            _("v%(number)d is in production and people rely on it. Retire it first, then delete the adapter.")
            % {"number": held.number},
            status=409,
        )
    if Adapter.objects.live().filter(pk=adapter.pk).update(deleted_at=timezone.now()):
        listing.relist(adapter=adapter)
        audit.record(by=by, verb="adapter.deleted", team=adapter.team, obj=adapter)


@transaction.atomic
def restore(*, by: User | None, adapter: Adapter) -> None:
    """Bring an adapter back from the trash; under another name if its own was given away meanwhile."""
    rights.require_change(by=by, adapter=adapter)
    if Adapter.objects.live().filter(team=adapter.team, name=adapter.name).exclude(pk=adapter.pk).exists():
        adapter.name = _free_name(adapter.team, adapter.name)
    adapter.deleted_at = None
    adapter.save(update_fields=["deleted_at", "name"])
    listing.relist(adapter=adapter)
    audit.record(by=by, verb="adapter.restored", team=adapter.team, obj=adapter)


@transaction.atomic
def delete_version(*, by: User | None, version: AdapterVersion) -> None:
    """Move one version to the trash, from where it can come back for TRASH_DAYS. Raises UserFault.

    Refused for one that people rely on, that a job reads, or that is the only one left.
    """
    rights.require_change(by=by, adapter=version.adapter)
    Adapter.objects.select_for_update().get(pk=version.adapter_id)  # so that two at once do not take the last two
    live = AdapterVersion.objects.filter(adapter=version.adapter_id)
    if not live.filter(pk=version.pk).exists():
        return
    if live.count() == 1:
        message = _("%(version)s is the only version. Delete the whole adapter instead.")
        raise UserFault("only_version", message % {"version": version}, status=409)
    readers = jobs.open_jobs_reading({version.sha256})
    if readers:
        message = _("“%(job)s” has not ended and reads %(version)s. Wait for it, or cancel it first.")
        raise UserFault("in_use", message % {"version": version, "job": readers[0].title}, status=409)
    # Asked in the same statement: somebody may move it to another stage between a look and the deed.
    if not live.filter(pk=version.pk, stage__in=MAY_GO).update(deleted_at=timezone.now()):
        stage = Stage(live.values_list("stage", flat=True).get(pk=version.pk)).label
        message = _("%(version)s is in the stage “%(stage)s” and people rely on it. Retire it first, then delete it.")
        raise UserFault("in_use", message % {"version": version, "stage": stage}, status=409)
    listing.relist(adapter=version.adapter)
    audit.record(by=by, verb="adapter.version_deleted", team=version.adapter.team, obj=version)


@transaction.atomic
def restore_version(*, by: User | None, version: AdapterVersion) -> None:
    """Bring one version back from the trash. Raises UserFault while its whole adapter lies there."""
    rights.require_change(by=by, adapter=version.adapter)
    if version.adapter.deleted_at is not None:
        message = _("The whole adapter %(name)s lies in the trash. Bring it back first.")
        raise UserFault("adapter_deleted", message % {"name": version.adapter.name}, status=409)
    if AdapterVersion.everything.filter(pk=version.pk).exclude(deleted_at=None).update(deleted_at=None):
        listing.relist(adapter=version.adapter)
        audit.record(by=by, verb="adapter.version_restored", team=version.adapter.team, obj=version)


def _free_name(team: Team, name: str) -> str:
    taken = set(Adapter.objects.live().filter(team=team, name__startswith=name[:70]).values_list("name", flat=True))
    return next(f"{name[:70]} ({n})" for n in range(2, 10_000) if f"{name[:70]} ({n})" not in taken)


def purge(*, before: dt.datetime | None = None) -> int:
    """Remove for good what has lain in the trash for TRASH_DAYS; the blobs go when nothing else needs them.

    Reports on it go first, by the app above that knows what else belongs to them.
    """
    before = before or timezone.now() - dt.timedelta(days=settings.TRASH_DAYS)
    alone = AdapterVersion.everything.filter(deleted_at__lt=before, adapter__deleted_at=None, reports=None)
    count = purging.each(alone.select_related("adapter__team", "bundle"), _purge_version)
    due = Adapter.objects.filter(deleted_at__lt=before).exclude(versions__reports__isnull=False)
    return count + purging.each(due.select_related("team"), _purge)


def _purge_version(version: AdapterVersion) -> bool:
    """False when it was brought back since it was found, or while a job looks into it."""
    if not AdapterVersion.everything.select_for_update(of=("self",)).filter(pk=version.pk).exclude(deleted_at=None):
        return False
    if not forget(version=version):
        return False
    audit.record(by=None, verb="adapter.version_purged", team=version.adapter.team, obj=version)
    version.delete()
    artifacts.drop_bundle(bundle=version.bundle)
    return True


def _purge(adapter: Adapter) -> bool:
    versions = AdapterVersion.everything.filter(adapter=adapter)
    waits = [version for version in versions if not forget(version=version)]
    if waits:
        return False
    bundles = [version.bundle for version in versions.select_related("bundle")]
    audit.record(by=None, verb="adapter.purged", team=adapter.team, obj=adapter)
    adapter.delete()
    for bundle in bundles:
        artifacts.drop_bundle(bundle=bundle)
    return True
