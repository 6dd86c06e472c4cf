"""What several pages look up: always in the team of the person who asks."""

from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404

from webapp.accounts import access
from webapp.accounts.access import Permission
from webapp.adapters.models import Adapter, AdapterVersion
from webapp.core.request import Request


def adapter(request: Request, adapter_id: str) -> Adapter:
    return get_object_or_404(Adapter.objects.live(), team=request.team, public_id=adapter_id)


def version(request: Request, adapter_id: str, number: int) -> AdapterVersion:
    versions = AdapterVersion.objects.select_related(
        "adapter", "adapter__team", "base_model", "bundle", "run__dataset_version__dataset", "created_by"
    )
    return get_object_or_404(
        versions, adapter__team=request.team, adapter__public_id=adapter_id, adapter__deleted_at=None, number=number
    )


def again(found: AdapterVersion) -> AdapterVersion:
    """The version as it is now, after somebody tried to change it."""
    return AdapterVersion.objects.select_related("adapter__team", "created_by", "run__dataset_version").get(pk=found.pk)


def may_change(request: Request, adapter: Adapter) -> bool:
    needed = Permission.TRAIN if adapter.created_by_id == request.user.pk else Permission.MANAGE
    return access.role_can(request.membership.role, needed)


def require_change(request: Request, adapter: Adapter) -> None:
    if not may_change(request, adapter):
        raise PermissionDenied(access.why_not(Permission.MANAGE))
