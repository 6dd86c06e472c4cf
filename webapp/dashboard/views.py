from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from webapp.accounts import access
from webapp.accounts.access import Permission
from webapp.accounts.models import Team
from webapp.core import htmx
from webapp.core.request import Request
from webapp.dashboard import home as gather
from webapp.dashboard import jump as search
from webapp.dashboard import trash as bin_
from webapp.dashboard import verdict
from webapp.fleet import queries as fleet


@require_GET
def root(request: Request) -> HttpResponse:
    """The team that the person was in last, else their first; without any, a page that says how to get in."""
    teams = Team.objects.visible_to(request.user).order_by("title")
    last = teams.filter(slug=request.session.get(access.LAST_TEAM, "")).first() or teams.first()
    if last is None:
        return render(request, "dashboard/no_team.html", {"title": _("No team yet")})
    return redirect("dashboard:home", last.slug)


@require_GET
@access.team_view(Permission.VIEW)
def home(request: Request) -> HttpResponse:
    """What is running, what waits, what needs me. The fragment is asked for again while anything moves."""
    team = request.team
    running, waiting = gather.running(team), gather.waiting(team)
    has_data = gather.has_data(team)
    needs, workers = gather.needs_you(team), fleet.live_workers().prefetch_related("devices")
    context = {
        "title": team.title,
        "verdict": verdict.of_home(
            running=len(running),
            waiting=len(waiting),
            needs=len(needs),
            has_data=has_data,
            has_worker=bool(workers),
        ),
        "running": running,
        "waiting": waiting,
        "other_jobs": gather.other_jobs(team),
        "needs": needs,
        "workers": workers,
        "newest": gather.newest_adapters(team),
        "storage": gather.storage(team),
        "lately": gather.lately(team),
        "has_data": has_data,
    }
    return htmx.render(request, "dashboard/home.html", context, part="now")


@require_GET
@access.team_view(Permission.VIEW)
def trash(request: Request) -> HttpResponse:
    context = {"title": _("Trash"), "items": bin_.of_team(request.team)}
    return render(request, "dashboard/trash.html", context)


@require_GET
@access.team_view(Permission.VIEW)
def jump(request: Request) -> HttpResponse:
    """The palette's options; it is no page of its own."""
    if not request.htmx:
        raise Http404
    groups = search.find(request.team, " ".join(request.GET.get("q", "").split())[:80])
    return render(request, "components/jump_results.html", {"groups": groups})
