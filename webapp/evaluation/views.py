from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from webapp.accounts import access
from webapp.accounts.access import Permission
from webapp.adapters import scoretable
from webapp.adapters.models import AdapterVersion
from webapp.adapters.views import find
from webapp.core import confirm, htmx, toasts
from webapp.core.faults import UserFault
from webapp.core.request import Request
from webapp.datasets import queries as datasets
from webapp.datasets.models import DatasetVersion
from webapp.evaluation import actions, faults, samples, verdict
from webapp.evaluation.models import Report
from webapp.jobs import queries as jobs
from webapp.jobs import words
from webapp.jobs.models import State


@require_GET
@access.team_view(Permission.VIEW)
def report(request: Request, report_id: str) -> HttpResponse:
    """The answers of base and adapter side by side; while it is being made, how far it is."""
    found = _find(request, report_id)
    job = found.job
    context = {
        "title": _("Report on %s") % found.version,
        "verdict": verdict.of_report(found.scores, state=job.state),
        "report": found,
        "version": found.version,
        "job": job,
        "now": words.waiting(jobs.why_waiting(job)) if job.state == State.QUEUED else words.now(job),
        "fault": faults.of(job) if job.state == State.FAILED else None,
        "scores": scoretable.rows(found.version) if found.bundle_id else [],
        "samples": [samples.of(kept) for kept in found.samples],
        "can_delete": find.may_change(request, found.version.adapter),
        "has_news": request.GET.get("seen") != job.state,
    }
    if not request.htmx:
        return htmx.render(request, "evaluation/report.html", context)
    response = htmx.render(request, "evaluation/_live.html", context | {"is_poll": True})
    return htmx.stop_polling(response) if job.is_over else response


@require_POST
@access.team_view(Permission.TRAIN)
def start(request: Request, version_id: str) -> HttpResponse:
    version = get_object_or_404(
        AdapterVersion, adapter__team=request.team, adapter__deleted_at=None, public_id=version_id
    )
    try:
        made = actions.again(by=request.user, version=version, rows=_rows(request))
    except UserFault as fault:
        toasts.show(request, fault.message, is_bad=True)
        return redirect("adapters:version", request.team.slug, version.adapter.public_id, version.number)
    return redirect("evaluation:report", request.team.slug, made.public_id)


@require_http_methods(["GET", "POST"])
@access.team_view(Permission.TRAIN)
def delete(request: Request, report_id: str) -> HttpResponse:
    """Asks first; what was measured stays on the adapter's page."""
    found = _find(request, report_id)
    find.require_change(request, found.version.adapter)
    lines = [_("The scores stay with the version; the answers side by side leave with the report.")]
    if not found.job.is_over:
        lines.append(_("It is still being made. That is cancelled."))
    question = confirm.Question(
        title=_("Delete the report on %s?") % found.version,
        intro=_("It goes to the trash and can come back for 7 days."),
        consequences=lines,
        button=_("Delete report"),
        back=reverse("evaluation:report", args=[request.team.slug, report_id]),
    )
    if not confirm.is_confirmed(request, question):
        return confirm.ask(request, question)
    actions.delete(by=request.user, report=found)
    undo = reverse("evaluation:restore", args=[request.team.slug, report_id])
    toasts.show(request, _("The report is in the trash."), undo=undo)
    return redirect("adapters:version", request.team.slug, found.version.adapter.public_id, found.version.number)


@require_POST
@access.team_view(Permission.TRAIN)
def restore(request: Request, report_id: str) -> HttpResponse:
    rows = Report.everything.filter(team=request.team, deleted_at__isnull=False)
    found = get_object_or_404(rows.select_related("version__adapter__team", "team"), public_id=report_id)
    try:
        actions.restore(by=request.user, report=found)
    except UserFault as fault:
        toasts.show(request, fault.message, is_bad=True)
        return redirect("dashboard:trash", request.team.slug)
    toasts.show(request, _("The report is back."))
    return redirect("evaluation:report", request.team.slug, report_id)


def _find(request: Request, report_id: str) -> Report:
    related = ("job", "team", "version__adapter__team", "version__base_model", "version__run__dataset_version__dataset")
    reports = Report.objects.filter(team=request.team, version__deleted_at=None, version__adapter__deleted_at=None)
    return get_object_or_404(reports.select_related(*related, "dataset_version__dataset"), public_id=report_id)


def _rows(request: Request) -> DatasetVersion | None:
    """Those that a person chose for a version which brings none of its own."""
    wanted = request.POST.get("rows", "")
    return get_object_or_404(datasets.held_out(request.team), public_id=wanted) if wanted else None
