from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from webapp.accounts import access
from webapp.accounts.access import Permission
from webapp.adapters import (
    actions,
    imported,
    inside,
    places,
    queries,
    scoretable,
    stagecard,
    terms,
    things,
    trained_with,
    usage,
    verdict,
)
from webapp.adapters.forms import WordsForm
from webapp.adapters.models import Adapter
from webapp.adapters.views import find, frame
from webapp.core import htmx, toasts
from webapp.core.faults import UserFault
from webapp.core.request import Request
from webapp.lineage import picture


@require_GET
@access.team_view(Permission.VIEW)
def newest(request: Request, adapter_id: str) -> HttpResponse:
    """An adapter's address without a version leads to its newest one."""
    adapter = find.adapter(request, adapter_id)
    number = adapter.versions.order_by("-number").values_list("number", flat=True).first()
    if number is None:
        raise Http404
    return redirect("adapters:version", request.team.slug, adapter.public_id, number)


@require_GET
@access.team_view(Permission.VIEW)
def show(request: Request, adapter_id: str, number: int) -> HttpResponse:
    found = find.version(request, adapter_id, number)
    card = stagecard.of(found, request.membership)
    table = stagecard.score_table(found, scoretable.rows(found), card)
    measured = queries.measured(found)
    is_ours = found.run_id is not None
    said = verdict.of_version(table.rows, can_be_measured=measured.can_be, is_ours=is_ours)
    page = frame.context(request, found, tab="version", verdict=verdict.in_stage(found.stage, said))
    context = page | {
        "scores": table.rows,
        "gate_stage": table.gate_stage,
        "beside": table.beside,
        "card": card,
        "measured": measured,
        "settings": trained_with.of(found) if found.run else imported.settings(found),
        "warnings": imported.warnings(found),
        "inside": inside.of(found),
        "files": queries.files(found),
        "versions": found.adapter.versions.select_related("created_by").order_by("-number"),
        "picture": picture.of(request.team, things.versions(request.team, [found.public_id])[0]),
        "licence": terms.of(found),
        "download_count": found.downloads.count(),
        "places": places.of(found),
        "snippets": usage.snippets(found),
    }
    return htmx.render(request, "adapters/version.html", context)


@require_http_methods(["GET", "POST"])
@access.team_view(Permission.TRAIN)
def rename(request: Request, adapter_id: str) -> HttpResponse:
    """Name, description, task and tags; address and id stay, so nothing that uses the adapter breaks."""
    adapter = find.adapter(request, adapter_id)
    find.require_change(request, adapter)
    form = WordsForm(request.POST or None, initial=_words(adapter))
    if request.method == "POST" and form.is_valid():
        try:
            actions.change(by=request.user, adapter=adapter, **form.cleaned_data)
        except UserFault as fault:
            form.add_error(fault.field or None, fault.message)
        else:
            toasts.show(request, _("Saved."))
            return redirect("adapters:detail", request.team.slug, adapter.public_id)
    context = {
        "title": _("About %s") % adapter.name,
        "verdict": _("Its address and its id stay, *so nothing that uses it breaks.*"),
        "form": form,
        "adapter": adapter,
    }
    return htmx.render(request, "adapters/rename.html", context, status=422 if form.errors else 200)


def _words(adapter: Adapter) -> dict[str, str]:
    tags = adapter.tags.order_by("name").values_list("name", flat=True)
    return {
        "name": adapter.name,
        "description": adapter.description,
        "task": adapter.task,
        "tags": ", ".join(tags),
    }
