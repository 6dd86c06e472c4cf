"""One version of a dataset, to the trash and back."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from webapp.accounts.access import Permission, team_view
from webapp.core import confirm, toasts
from webapp.core.faults import UserFault
from webapp.core.request import Request
from webapp.datasets import queries, removing
from webapp.datasets.models import DatasetVersion
from webapp.datasets.views import scope


@require_http_methods(["GET", "HEAD", "POST"])
@team_view(Permission.UPLOAD)
def delete(request: Request, dataset: str, number: int) -> HttpResponse:
    """Asks first, and says how many runs learned from it."""
    found = scope.version(request, dataset, number)
    args = [request.team.slug, dataset, number]
    question = confirm.Question(
        title=_("Delete %s?") % found,
        intro=_("It goes to the trash and can come back for 7 days."),
        consequences=_consequences(found),
        button=_("Delete version"),
        back=reverse("datasets:version", args=args),
    )
    if not confirm.is_confirmed(request, question):
        return confirm.ask(request, question)
    try:
        removing.delete_version(by=request.user, version=found)
    except UserFault as fault:
        toasts.show(request, fault.message, is_bad=True)
        return redirect(question.back)
    toasts.show(request, _("%s is in the trash.") % found, undo=reverse("datasets:restore_version", args=args))
    return redirect("datasets:detail", request.team.slug, dataset)


def _consequences(version: DatasetVersion) -> list[str]:
    lines = [_("The other versions stay, and its number is not given again.")]
    count = queries.runs(version.dataset).filter(dataset_version=version).count()
    if count:
        line = ngettext("%d run learned from it.", "%d runs learned from it.", count) % count
        lines.append(line + " " + _("Their adapters stay; nothing can be measured on its rows any more."))
    return lines


@require_POST
@team_view(Permission.UPLOAD)
def restore(request: Request, dataset: str, number: int) -> HttpResponse:
    rows = DatasetVersion.everything.filter(dataset__team=request.team, deleted_at__isnull=False)
    found = get_object_or_404(rows.select_related("dataset__team"), dataset__public_id=dataset, number=number)
    try:
        removing.restore_version(by=request.user, version=found)
    except UserFault as fault:
        toasts.show(request, fault.message, is_bad=True)
        return redirect("dashboard:trash", request.team.slug)
    toasts.show(request, _("%s is back.") % found)
    return redirect("datasets:version", request.team.slug, dataset, number)
