from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from webapp.accounts import access
from webapp.accounts.access import Permission
from webapp.adapters import actions, queries
from webapp.adapters.models import Adapter, AdapterVersion
from webapp.adapters.views import find
from webapp.core import confirm, toasts
from webapp.core.faults import UserFault
from webapp.core.request import Request


@require_http_methods(["GET", "POST"])
@access.team_view(Permission.TRAIN)
def delete(request: Request, adapter_id: str) -> HttpResponse:
    """Asks first, says who used it; the trash keeps it for a week."""
    adapter = find.adapter(request, adapter_id)
    find.require_change(request, adapter)
    question = confirm.Question(
        title=_("Delete %s?") % adapter.name,
        intro=_("It goes to the trash and can come back for 7 days. Until then"),
        consequences=queries.consequences_of_deletion(adapter),
        button=_("Delete adapter"),
        back=reverse("adapters:detail", args=[request.team.slug, adapter.public_id]),
    )
    if not confirm.is_confirmed(request, question):
        return confirm.ask(request, question)
    try:
        actions.delete(by=request.user, adapter=adapter)
    except UserFault as fault:
        toasts.show(request, fault.message, is_bad=True)
        return redirect(question.back)
    undo = reverse("adapters:restore", args=[request.team.slug, adapter.public_id])
    toasts.show(request, _("%s is in the trash.") % adapter.name, undo=undo)
    return redirect("adapters:list", request.team.slug)


@require_POST
@access.team_view(Permission.TRAIN)
def restore(request: Request, adapter_id: str) -> HttpResponse:
    adapter = get_object_or_404(Adapter, team=request.team, public_id=adapter_id, deleted_at__isnull=False)
    actions.restore(by=request.user, adapter=adapter)
    toasts.show(request, _("%s is back in the catalog.") % adapter.name)
    return redirect("adapters:detail", request.team.slug, adapter.public_id)


@require_http_methods(["GET", "POST"])
@access.team_view(Permission.TRAIN)
def delete_version(request: Request, adapter_id: str, number: int) -> HttpResponse:
    """One version alone; asks first."""
    found = find.version(request, adapter_id, number)
    find.require_change(request, found.adapter)
    args = [request.team.slug, adapter_id, number]
    question = confirm.Question(
        title=_("Delete %s?") % found,
        intro=_("It goes to the trash and can come back for 7 days."),
        consequences=queries.consequences_of_deleting(found),
        button=_("Delete version"),
        back=reverse("adapters:version", args=args),
    )
    if not confirm.is_confirmed(request, question):
        return confirm.ask(request, question)
    try:
        actions.delete_version(by=request.user, version=found)
    except UserFault as fault:
        toasts.show(request, fault.message, is_bad=True)
        return redirect(question.back)
    toasts.show(request, _("%s is in the trash.") % found, undo=reverse("adapters:restore_version", args=args))
    return redirect("adapters:detail", request.team.slug, adapter_id)


@require_POST
@access.team_view(Permission.TRAIN)
def restore_version(request: Request, adapter_id: str, number: int) -> HttpResponse:
    versions = AdapterVersion.everything.filter(adapter__team=request.team, deleted_at__isnull=False)
    found = get_object_or_404(versions.select_related("adapter__team"), adapter__public_id=adapter_id, number=number)
    try:
        actions.restore_version(by=request.user, version=found)
    except UserFault as fault:
        toasts.show(request, fault.message, is_bad=True)
        return redirect("dashboard:trash", request.team.slug)
    toasts.show(request, _("%s is back in the catalog.") % found)
    return redirect("adapters:version", request.team.slug, adapter_id, number)
