from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from webapp.accounts import access
from webapp.accounts.access import Permission
from webapp.core import htmx, toasts
from webapp.core.request import Request
from webapp.fleet import actions, queries, status
from webapp.fleet.models import Worker

COMMAND = "python -m celery -A workers.tasks worker --pool threads --concurrency 2"


@require_GET
@access.team_view(Permission.VIEW)
def list_workers(request: Request) -> HttpResponse:
    """Workers serve every team, so every member sees all of them, and of what they do only the own team's part."""
    standings = [_standing(request, worker) for worker in queries.live_workers().prefetch_related("devices")]
    context = {
        "title": _("Workers"),
        "verdict": status.verdict(standings),
        "standings": standings,
        "command": COMMAND,
    }
    return htmx.render(request, "fleet/list.html", context, part="workers")


@require_GET
@access.team_view(Permission.VIEW)
def detail(request: Request, worker_id: str) -> HttpResponse:
    worker = _worker(worker_id)
    standing = _standing(request, worker)
    context = {
        "title": worker.name,
        "worker": worker,
        "standing": standing,
        "verdict": status.verdict_of_one(standing),
        "measured": queries.measured_on([device.name for device in worker.devices.all()]),
    }
    return htmx.render(request, "fleet/detail.html", context, part="now")


@require_POST
@access.team_view(Permission.VIEW)
def drain(request: Request, worker_id: str) -> HttpResponse:
    worker = _worker(worker_id)
    actions.drain(by=request.user, worker=worker)
    toasts.show(request, _("%(name)s takes nothing new.") % {"name": worker.name})
    return redirect("fleet:detail", request.team.slug, worker.public_id)


@require_POST
@access.team_view(Permission.VIEW)
def undrain(request: Request, worker_id: str) -> HttpResponse:
    worker = _worker(worker_id)
    actions.undrain(by=request.user, worker=worker)
    toasts.show(request, _("%(name)s takes jobs again.") % {"name": worker.name})
    return redirect("fleet:detail", request.team.slug, worker.public_id)


def _worker(public_id: str) -> Worker:
    worker = Worker.objects.prefetch_related("devices").filter(public_id=public_id).first()
    if worker is None:
        raise Http404
    return worker


def _standing(request: Request, worker: Worker) -> status.Standing:
    return status.of(worker, team=request.team, jobs=queries.jobs_of(worker))
