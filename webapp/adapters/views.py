from asgiref.sync import sync_to_async
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from webapp.accounts import access
from webapp.accounts.access import Permission
from webapp.adapters import actions, markdown, queries, usage, verdict
from webapp.adapters.forms import CardForm, NameForm
from webapp.adapters.models import Adapter, AdapterVersion, Stage
from webapp.artifacts import download
from webapp.artifacts.models import Blob
from webapp.core import confirm, htmx, paging, toasts
from webapp.core.faults import UserFault
from webapp.core.request import Request
from webapp.runs import fields


@require_GET
@access.team_view(Permission.VIEW)
def list_adapters(request: Request) -> HttpResponse:
    """The team's catalog, newest first; `q` finds by name, description or base model, `stage` narrows to one."""
    versions = queries.newest_versions(request.team)
    stages = queries.stage_counts(versions)
    counts = {value: count for value, _label, count in stages}
    wanted, stage = " ".join(request.GET.get("q", "").split())[:80], request.GET.get("stage", "")
    found = queries.search(versions, wanted)
    if stage in Stage.values:
        found = found.filter(stage=stage)
    page = paging.page(found, after=request.GET.get("after", ""), size=30)
    context = {
        "title": _("Catalog"),
        "verdict": verdict.of_catalog(count=sum(counts.values()), in_production=counts.get(Stage.PRODUCTION, 0)),
        "page": page,
        "rows": queries.rows(page),
        "stages": stages,
        "stage": stage if stage in Stage.values else "",
        "count": sum(counts.values()),
        "wanted": wanted,
    }
    return htmx.render(request, "adapters/list.html", context)


@require_GET
@access.team_view(Permission.VIEW)
def newest(request: Request, adapter_id: str) -> HttpResponse:
    """An adapter's address without a version leads to its newest one."""
    adapter = _adapter(request, adapter_id)
    number = adapter.versions.order_by("-number").values_list("number", flat=True).first()
    if number is None:
        raise Http404
    return redirect("adapters:version", request.team.slug, adapter.public_id, number)


@require_GET
@access.team_view(Permission.VIEW)
def version(request: Request, adapter_id: str, number: int) -> HttpResponse:
    found = _version(request, adapter_id, number)
    scores = queries.score_rows(found)
    measured = queries.measured(found)
    versions = list(found.adapter.versions.select_related("created_by").order_by("-number"))
    context = {
        "title": f"{found.adapter.name} v{found.number}",
        "version": found,
        "adapter": found.adapter,
        "verdict": verdict.of_version(scores, can_be_measured=measured.can_be),
        "scores": scores,
        "measured": measured,
        "settings": fields.summary(fields.stored(found.run.config)) if found.run else [],
        "files": queries.files(found),
        "versions": versions,
        "newer": versions[0].number if versions[0] != found else None,
        "origin": queries.origin(found),
        "download_count": found.downloads.count(),
        "snippets": usage.snippets(found),
        "card_html": markdown.to_html(found.card),
        "can_change": _may_change(request, found.adapter),
        "why_not": access.why_not(Permission.DOWNLOAD),
    }
    return htmx.render(request, "adapters/version.html", context)


@require_http_methods(["GET", "POST"])
@access.team_view(Permission.TRAIN)
def edit_card(request: Request, adapter_id: str, number: int) -> HttpResponse:
    found = _version(request, adapter_id, number)
    _require_change(request, found.adapter)
    form = CardForm(request.POST or None, initial={"card": found.card})
    if request.method == "POST" and form.is_valid():
        actions.edit_card(by=request.user, version=found, text=form.cleaned_data["card"])
        toasts.show(request, _("The card was saved."))
        return redirect("adapters:version", request.team.slug, adapter_id, number)
    context = {
        "title": _("Card of %s") % found,
        "verdict": _("What a reader should know *before they rely on it.*"),
        "form": form,
        "version": found,
        "adapter": found.adapter,
    }
    return htmx.render(request, "adapters/card.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@access.team_view(Permission.TRAIN)
def rename(request: Request, adapter_id: str) -> HttpResponse:
    """Another name or description; address and id stay, so nothing that uses the adapter breaks."""
    adapter = _adapter(request, adapter_id)
    _require_change(request, adapter)
    form = NameForm(request.POST or None, initial={"name": adapter.name, "description": adapter.description})
    if request.method == "POST" and form.is_valid():
        try:
            actions.rename(by=request.user, adapter=adapter, **form.cleaned_data)
        except UserFault as fault:
            form.add_error(fault.field or None, fault.message)
        else:
            toasts.show(request, _("Saved."))
            return redirect("adapters:detail", request.team.slug, adapter.public_id)
    context = {
        "title": _("Rename %s") % adapter.name,
        "verdict": _("Its address and its id stay, *so nothing that uses it breaks.*"),
        "form": form,
        "adapter": adapter,
    }
    return htmx.render(request, "adapters/rename.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@access.team_view(Permission.TRAIN)
def delete(request: Request, adapter_id: str) -> HttpResponse:
    """Asks first, says who used it; the trash keeps it for a week."""
    adapter = _adapter(request, adapter_id)
    _require_change(request, adapter)
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


@require_safe
@access.team_view(Permission.DOWNLOAD)
async def download_zip(request: Request, adapter_id: str, number: int) -> HttpResponseBase:
    found, files = await _for_download(request, adapter_id, number, "")
    name = f"{slugify(found.adapter.name) or 'adapter'}-v{found.number}.zip"
    return await download.zip_response(request, files=files, zip_name=name)


@require_safe
@access.team_view(Permission.DOWNLOAD)
async def download_file(request: Request, adapter_id: str, number: int, file_path: str) -> HttpResponseBase:
    _found, files = await _for_download(request, adapter_id, number, file_path)
    name, blob = files[0]
    return await download.file_response(request, blob=blob, name=name.split("/")[-1], etag=blob.sha256)


@sync_to_async
def _for_download(
    request: Request, adapter_id: str, number: int, file_path: str
) -> tuple[AdapterVersion, list[tuple[str, Blob]]]:
    found = _version(request, adapter_id, number)
    is_whole = download.asks_for_all(request)
    files = actions.take(by=request.user, version=found, path=file_path, is_counted=is_whole)
    if not files:
        raise Http404
    return found, files


def _adapter(request: Request, adapter_id: str) -> Adapter:
    return get_object_or_404(Adapter.objects.live(), team=request.team, public_id=adapter_id)


def _may_change(request: Request, adapter: Adapter) -> bool:
    needed = Permission.TRAIN if adapter.created_by_id == request.user.pk else Permission.MANAGE
    return access.role_can(request.membership.role, needed)


def _require_change(request: Request, adapter: Adapter) -> None:
    if not _may_change(request, adapter):
        raise PermissionDenied(access.why_not(Permission.MANAGE))


def _version(request: Request, adapter_id: str, number: int) -> AdapterVersion:
    versions = AdapterVersion.objects.select_related(
        "adapter", "adapter__team", "base_model", "bundle", "run__dataset_version__dataset", "created_by"
    )
    return get_object_or_404(
        versions, adapter__team=request.team, adapter__public_id=adapter_id, adapter__deleted_at=None, number=number
    )
