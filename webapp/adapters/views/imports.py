"""Bringing an adapter that was trained elsewhere, and watching how it is checked."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from webapp.accounts import access
from webapp.accounts.access import Permission
from webapp.adapters import actions, imported
from webapp.adapters.import_forms import ImportFilesForm, ImportHubForm
from webapp.adapters.models import AdapterImport
from webapp.artifacts import actions as artifacts
from webapp.artifacts.models import Upload
from webapp.core import htmx, toasts
from webapp.core.faults import UserFault
from webapp.core.request import Request
from webapp.core.verdict import Verdict
from webapp.jobs import words
from webapp.jobs.lifecycle import State

SHOWN = 10


@require_http_methods(["GET", "HEAD", "POST"])
@access.team_view(Permission.UPLOAD)
def new(request: Request) -> HttpResponse:
    """From files. What arrived stays when the form comes back for another reason."""
    form = ImportFilesForm(request.POST or None, request.FILES or None, bases=imported.bases(request.team))
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            found = actions.import_uploads(
                by=request.user,
                team=request.team,
                uploads=_received(request, form),
                base_model=values["base_model"],
                name=values["name"],
            )
        except UserFault as fault:
            form.add_error(fault.field if fault.field in form.fields else None, fault.message)
        else:
            return redirect("adapters:import", request.team.slug, found.public_id)
    return _new_page(request, files_form=form)


@require_POST
@access.team_view(Permission.UPLOAD)
def from_hub(request: Request) -> HttpResponse:
    form = ImportHubForm(request.POST, bases=imported.bases(request.team))
    if form.is_valid():
        try:
            found = actions.import_from_hub(by=request.user, team=request.team, **form.cleaned_data)
        except UserFault as fault:
            form.add_error(fault.field if fault.field in form.fields else None, fault.message)
        else:
            return redirect("adapters:import", request.team.slug, found.public_id)
    return _new_page(request, hub_form=form)


def _new_page(
    request: Request, *, files_form: ImportFilesForm | None = None, hub_form: ImportHubForm | None = None
) -> HttpResponse:
    bases = imported.bases(request.team)
    files_form = files_form or ImportFilesForm(bases=bases)
    hub_form = hub_form or ImportHubForm(bases=bases, auto_id="id_hub_%s")
    context = {
        "title": _("Import an adapter"),
        "verdict": Verdict(_("Bring one that was trained elsewhere. *It is checked before anything uses it.*")),
        "form": files_form,
        "hub_form": hub_form,
        "bases": bases,
        "arrived": _arrived(request, files_form),
        "recent": [(found, imported.state(found)) for found in imported.of_team(request.team)[:SHOWN]],
    }
    is_wrong = files_form.errors or hub_form.errors
    return htmx.render(request, "adapters/import_new.html", context, status=422 if is_wrong else 200)


def _received(request: Request, form: ImportFilesForm) -> list[Upload]:
    """What arrived in parts, or the form's own files; the form then remembers their ids for the next try."""
    files, ids = form.cleaned_data["file"], form.cleaned_data["upload"]
    if files:
        uploads = [artifacts.receive_form_file(by=request.user, team=request.team, file=file) for file in files]
        form.cleaned_data["upload"] = ",".join(upload.public_id for upload in uploads)
        return uploads
    own = Upload.objects.filter(team=request.team, created_by=request.user)
    return [get_object_or_404(own, public_id=public_id) for public_id in dict.fromkeys(ids.split(","))]


def _arrived(request: Request, form: ImportFilesForm) -> list[Upload]:
    ids = (getattr(form, "cleaned_data", {}).get("upload") or "").split(",")
    own = Upload.objects.filter(state=Upload.State.COMPLETE, team=request.team, created_by_id=request.user.pk)
    return list(own.filter(public_id__in=ids).order_by("pk"))


@require_GET
@access.team_view(Permission.VIEW)
def show(request: Request, import_id: str) -> HttpResponse:
    """How far it is; when it is over, what came of it."""
    found = _find(request, import_id)
    progress, version = imported.progress(found), imported.live_version(found)
    is_failed = not found.is_done and found.job is not None and found.job.state == State.FAILED
    context = {
        "title": _("Import of %(name)s") % {"name": found.name},
        "verdict": imported.verdict(found),
        "found": found,
        "state": imported.state(found),
        "progress": progress,
        "fault": words.fault(found.job) if is_failed and found.job else None,
        "version": version,
        "warnings": imported.warnings(version) if version else [],
        "settings": imported.settings(version) if version else [],
        "can_retry": not progress and not found.is_done and _may_change(request, found),
        "can_cancel": bool(progress) and _may_change(request, found),
    }
    response = htmx.render(request, "adapters/import.html", context, part="progress")
    if request.htmx and not progress:
        response["HX-Refresh"] = "true"  # the page around the gauge is another one now
    return response


@require_POST
@access.team_view(Permission.UPLOAD)
def cancel(request: Request, import_id: str) -> HttpResponse:
    found = _find(request, import_id)
    try:
        actions.cancel_import(by=request.user, found=found)
    except UserFault as fault:
        toasts.show(request, fault.message, is_bad=True)
    return redirect("adapters:import", request.team.slug, import_id)


@require_POST
@access.team_view(Permission.UPLOAD)
def retry(request: Request, import_id: str) -> HttpResponse:
    found = _find(request, import_id)
    try:
        actions.retry_import(by=request.user, found=found)
    except UserFault as fault:
        toasts.show(request, fault.message, is_bad=True)
    return redirect("adapters:import", request.team.slug, import_id)


def _find(request: Request, import_id: str) -> AdapterImport:
    return get_object_or_404(imported.of_team(request.team), public_id=import_id)


def _may_change(request: Request, found: AdapterImport) -> bool:
    needed = Permission.UPLOAD if found.created_by_id == request.user.pk else Permission.MANAGE
    return access.role_can(request.membership.role, needed)
