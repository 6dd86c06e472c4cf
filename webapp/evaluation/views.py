from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from webapp.accounts import access
from webapp.accounts.access import Permission
from webapp.adapters import scoretable
from webapp.adapters.models import AdapterVersion
from webapp.core import htmx, toasts
from webapp.core.faults import UserFault
from webapp.core.request import Request
from webapp.evaluation import actions, faults, samples, verdict
from webapp.evaluation.models import Report
from webapp.jobs import queries as jobs
from webapp.jobs import words
from webapp.jobs.models import State


@require_GET
@access.team_view(Permission.VIEW)
def report(request: Request, report_id: str) -> HttpResponse:
    """The answers of base and adapter side by side; while it is being made, how far it is."""
    found = get_object_or_404(
        Report.objects.select_related(
            "job", "version__adapter", "version__base_model", "version__run__dataset_version"
        ),
        team=request.team,
        public_id=report_id,
        version__adapter__deleted_at=None,
    )
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
        made = actions.again(by=request.user, version=version)
    except UserFault as fault:
        toasts.show(request, fault.message, is_bad=True)
        return redirect("adapters:version", request.team.slug, version.adapter.public_id, version.number)
    return redirect("evaluation:report", request.team.slug, made.public_id)
