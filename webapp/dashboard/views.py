from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from webapp.accounts import access
from webapp.accounts import queries as accounts
from webapp.accounts.access import Permission
from webapp.core import htmx
from webapp.core.request import Request
from webapp.dashboard import home as gather
from webapp.dashboard import jump as search
from webapp.dashboard import trash as bin_
from webapp.dashboard import verdict


@require_GET
def root(request: Request) -> HttpResponse:
    """The team that the person was in last, else their first; without any, a page that says how to get in."""
    team = accounts.home_team(request)
    if team is None:
        return render(request, "dashboard/no_team.html", {"title": _("No team yet")})
    return redirect("dashboard:home", team.slug)


@require_GET
@access.team_view(Permission.VIEW)
def home(request: Request) -> HttpResponse:
    """What runs, what waits, what needs me.

    A poll brings the bars; lists and buttons come only when something changed, so that nobody's hand is moved.
    """
    found = gather.of_member(request.membership)
    context = {
        "title": request.team.title,
        "home": found,
        "verdict": found.verdict,
        "has_news": request.GET.get("seen") != found.seen,
    }
    if request.htmx:
        return htmx.render(request, "dashboard/_live.html", context | {"is_poll": True})
    return htmx.render(request, "dashboard/home.html", context)


@require_GET
@access.team_view(Permission.VIEW)
def trash(request: Request) -> HttpResponse:
    items = bin_.of_team(request.membership)
    context = {
        "title": _("Trash"),
        "verdict": verdict.of_trash(len(items)),
        "items": items,
        "days": settings.TRASH_DAYS,
        "why_not": _("Its maker or a maintainer can"),
    }
    return render(request, "dashboard/trash.html", context)


@require_GET
@access.team_view(Permission.VIEW)
def jump(request: Request) -> HttpResponse:
    """The palette's options; for who has no scripts, or opens the link in a tab of its own, a page."""
    wanted = " ".join(request.GET.get("q", "").replace("\x00", "").split())[:80]
    groups = search.find(request.team, wanted)
    if request.htmx:
        return render(request, "components/jump_results.html", {"groups": groups})
    found = sum(len(group.items) for group in groups)
    context = {"title": _("Search"), "verdict": verdict.of_search(wanted, found), "wanted": wanted, "groups": groups}
    return render(request, "dashboard/jump.html", context)
