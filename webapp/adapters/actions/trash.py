"""Out of the catalog, back into it, or gone for good."""

import datetime as dt

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from webapp.accounts.models import Team, User
from webapp.adapters.actions import rights
from webapp.adapters.models import Adapter
from webapp.artifacts import actions as artifacts
from webapp.audit import actions as audit
from webapp.core import purging
from webapp.core.faults import UserFault


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
        audit.record(by=by, verb="adapter.deleted", team=adapter.team, obj=adapter)


@transaction.atomic
def restore(*, by: User | None, adapter: Adapter) -> None:
    """Bring an adapter back from the trash; under another name if its own was given away meanwhile."""
    rights.require_change(by=by, adapter=adapter)
    if Adapter.objects.live().filter(team=adapter.team, name=adapter.name).exclude(pk=adapter.pk).exists():
        adapter.name = _free_name(adapter.team, adapter.name)
    adapter.deleted_at = None
    adapter.save(update_fields=["deleted_at", "name"])
    audit.record(by=by, verb="adapter.restored", team=adapter.team, obj=adapter)


def _free_name(team: Team, name: str) -> str:
    taken = set(Adapter.objects.live().filter(team=team, name__startswith=name[:70]).values_list("name", flat=True))
    return next(f"{name[:70]} ({n})" for n in range(2, 10_000) if f"{name[:70]} ({n})" not in taken)


def purge(*, before: dt.datetime | None = None) -> int:
    """Remove for good what has lain in the trash for TRASH_DAYS; the blobs go when nothing else needs them.

    Reports on it go first, by the app above that knows what else belongs to them.
    """
    before = before or timezone.now() - dt.timedelta(days=settings.TRASH_DAYS)
    due = Adapter.objects.filter(deleted_at__lt=before).exclude(versions__reports__isnull=False)
    return purging.each(due.select_related("team"), _purge)


def _purge(adapter: Adapter) -> bool:
    bundles = [version.bundle for version in adapter.versions.select_related("bundle")]
    audit.record(by=None, verb="adapter.purged", team=adapter.team, obj=adapter)
    adapter.delete()
    for bundle in bundles:
        artifacts.drop_bundle(bundle=bundle)
    return True
