from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from webapp.accounts import access
from webapp.accounts.access import Permission
from webapp.adapters import queries as adapters
from webapp.adapters.models import AdapterVersion
from webapp.core import htmx, toasts
from webapp.core.faults import UserFault
from webapp.core.request import Request
from webapp.evaluation import actions, verdict
from webapp.evaluation.models import Report
from webapp.jobs import words

OVER = {"succeeded", "failed", "cancelled"}


@require_GET
@access.team_view(Permission.VIEW)
def report(request: Request, report_id: str) -> HttpResponse:
    """The answers of base and adapter side by side; while it is being made, how far it is."""
    found = get_object_or_404(
        Report.objects.select_related("job", "version__adapter", "version__base_model"),
        team=request.team,
        public_id=report_id,
        version__adapter__deleted_at=None,
    )
    is_over = found.job.state in OVER
    context = {
        "title": _("Report on %s") % found.version,
        "verdict": verdict.of_report(found.scores, is_over=is_over, has_failed=found.job.state in OVER - {"succeeded"}),
        "report": found,
        "version": found.version,
        "job": found.job,
        "fault": words.fault(found.job) if found.job.state == "failed" else None,
        "is_over": is_over,
        "scores": adapters.score_rows(found.version) if is_over else [],
    }
    response = htmx.render(request, "evaluation/report.html", context, part="body")
    return htmx.stop_polling(response) if request.htmx and is_over else response


@require_POST
@access.team_view(Permission.TRAIN)
def start(request: Request, version_id: str) -> HttpResponse:
    version = get_object_or_404(
        AdapterVersion, adapter__team=request.team, adapter__deleted_at=None, public_id=version_id
    )
    try:
        made = actions.again(by=request.user, version=version)
    except UserFault as fault:
        toasts.show(request, str(fault), is_bad=True)
        return redirect("adapters:version", request.team.slug, version.adapter.public_id, version.number)
    return redirect("evaluation:report", request.team.slug, made.public_id)
