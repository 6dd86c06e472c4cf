from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from webapp.accounts import access
from webapp.accounts.access import Permission
from webapp.adapters import actions, queries
from webapp.adapters.models import Adapter
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
