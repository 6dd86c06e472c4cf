"""What alters a dataset: its name, its columns, its being there."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from webapp.accounts.access import Permission, team_view
from webapp.core import confirm, htmx, toasts
from webapp.core.faults import UserFault
from webapp.core.request import Request
from webapp.datasets import actions, queries
from webapp.datasets.forms import EditForm
from webapp.datasets.models import Dataset
from webapp.datasets.views import reading, scope


@require_http_methods(["GET", "HEAD", "POST"])
@team_view(Permission.UPLOAD)
def edit(request: Request, dataset: str) -> HttpResponse:
    found = scope.dataset(request, dataset)
    form = EditForm(request.POST or None, instance=scope.dataset(request, dataset))
    if request.method == "POST" and form.is_valid():
        try:
            actions.edit(by=request.user, dataset=found, **form.cleaned_data)
        except UserFault as fault:
            form.add_error(fault.field if fault.field in form.fields else None, fault.message)
        else:
            toasts.show(request, _("Saved."))
            return redirect("datasets:detail", request.team.slug, dataset)
    context = {"title": _("Edit %s") % found.name, "form": form, "dataset": found}
    return htmx.render(request, "datasets/edit.html", context, status=422 if form.errors else 200)


@require_POST
@team_view(Permission.UPLOAD)
def map_columns(request: Request, dataset: str, number: int) -> HttpResponse:
    """Read the file with the columns that were chosen; a version that is ready gets a successor."""
    found = scope.version(request, dataset, number)
    columns_form = reading.columns_form(found, request.POST)
    form = columns_form["form"]
    if form.is_valid():
        try:
            version = actions.remap(by=request.user, version=found, mapping=form.mapping())
        except UserFault as fault:
            form.add_error(None, fault.message)
        else:
            return redirect("datasets:version", request.team.slug, dataset, version.number)
    template, tab = ("datasets/columns.html", "columns") if found.is_ready else ("datasets/unread.html", "rows")
    context = reading.head(found) | {"tab": tab, "columns_form": columns_form}
    return htmx.render(request, template, context, status=422)


@require_POST
@team_view(Permission.UPLOAD)
def read_again(request: Request, dataset: str, number: int) -> HttpResponse:
    found = scope.version(request, dataset, number)
    try:
        actions.read_again(by=request.user, version=found)
    except UserFault as fault:
        toasts.show(request, fault.message, is_bad=True)
    return redirect("datasets:version", request.team.slug, dataset, number)


@require_POST
@team_view(Permission.UPLOAD)
def cancel(request: Request, dataset: str, number: int) -> HttpResponse:
    found = scope.version(request, dataset, number)
    try:
        actions.cancel_reading(by=request.user, version=found)
    except UserFault as fault:
        toasts.show(request, fault.message, is_bad=True)
    return redirect("datasets:version", request.team.slug, dataset, number)


@require_http_methods(["GET", "HEAD", "POST"])
@team_view(Permission.UPLOAD)
def delete(request: Request, dataset: str) -> HttpResponse:
    """Asks first, and says who used it; the trash keeps it for a week."""
    found = scope.dataset(request, dataset)
    question = confirm.Question(
        title=_("Delete %s?") % found.name,
        intro=_("It goes to the trash and can come back for 7 days."),
        consequences=queries.consequences_of_deletion(found),
        button=_("Delete dataset"),
        back=reverse("datasets:detail", args=[request.team.slug, dataset]),
    )
    if not confirm.is_confirmed(request, question):
        return confirm.ask(request, question)
    actions.delete(by=request.user, dataset=found)
    undo = reverse("datasets:restore", args=[request.team.slug, dataset])
    toasts.show(request, _("%s is in the trash.") % found.name, undo=undo)
    return redirect("datasets:list", request.team.slug)


@require_POST
@team_view(Permission.UPLOAD)
def restore(request: Request, dataset: str) -> HttpResponse:
    found = get_object_or_404(Dataset, team=request.team, public_id=dataset, deleted_at__isnull=False)
    try:
        actions.restore(by=request.user, dataset=found)
    except UserFault as fault:
        toasts.show(request, fault.message, is_bad=True)
        return redirect("datasets:list", request.team.slug)
    toasts.show(request, _("%s is back.") % found.name)
    return redirect("datasets:detail", request.team.slug, dataset)
