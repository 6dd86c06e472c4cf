from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from webapp.accounts import access
from webapp.accounts.access import Permission
from webapp.accounts.models import Team
from webapp.core import confirm, htmx, toasts, units
from webapp.core.faults import UserFault
from webapp.core.request import Request
from webapp.core.verdict import Verdict
from webapp.storekeeper import actions, candidates, disk, forecast, holdings
from webapp.storekeeper.forms import RulesForm

NAMED = 12


@require_safe
@access.team_view(Permission.VIEW)
def team(request: Request) -> HttpResponse:
    """What the team's things take, what may go, and when the disk will be full."""
    kept, may_go, seen = holdings.of_team(request.team), candidates.of_team(request.team), disk.look()
    used = sum(holding.size_bytes for holding in kept)
    rules = actions.rules_of(request.team)
    context = {
        "title": _("Storage"),
        "verdict": _verdict(used, candidates.total_bytes(may_go), len(may_go)),
        "holdings": kept,
        "used_bytes": used,
        "parts": [holding.part for holding in kept],
        "bar_label": holdings.in_words(kept),
        "may_go": may_go,
        "may_go_bytes": candidates.total_bytes(may_go),
        "disk": seen,
        "forecast": Verdict(forecast.sentence(seen.forecast)),
        "rules": rules,
        "form": RulesForm(initial={"checkpoint_days": rules.checkpoint_days}),
    }
    return htmx.render(request, "storekeeper/team.html", context)


def _verdict(used: int, may_go_bytes: int, count: int) -> Verdict:
    if not used:
        return Verdict(_("Nothing is stored yet. *There is nothing to tidy.*"))
    if not count:
        return Verdict(_("The team keeps %(used)s, *and all of it is in use.*"), used=units.filesize(used))
    text = _("The team keeps %(used)s. *%(may_go)s of it may go.*")
    return Verdict(text, used=units.filesize(used), may_go=units.filesize(may_go_bytes))


@require_http_methods(["GET", "HEAD", "POST"])
@access.team_view(Permission.TRAIN)
def free(request: Request) -> HttpResponse:
    """Asks first: the address says what was chosen, so that the same words stand in a dialog and on a page."""
    back = reverse("storekeeper:team", args=[request.team.slug])
    wanted = set(request.GET.getlist("item"))
    chosen = [candidate for candidate in candidates.of_team(request.team) if candidate.key in wanted]
    if not chosen:
        toasts.show(request, _("Choose first what may go."), is_bad=True)
        return redirect(back)
    question = confirm.Question(
        title=ngettext("Move %(n)d thing to the trash?", "Move %(n)d things to the trash?", len(chosen))
        % {"n": len(chosen)},
        intro=_("The space, %(size)s, is free when the trash lets them go. Until then, 7 days, each can come back:")
        % {"size": units.filesize(candidates.total_bytes(chosen))},
        consequences=_named(chosen),
        button=_("Move to the trash"),
        back=back,
    )
    if not confirm.is_confirmed(request, question):
        return confirm.ask(request, question)
    _tell(request, actions.free(by=request.user, team=request.team, keys=[candidate.key for candidate in chosen]))
    return redirect(back)


def _named(chosen: list[candidates.Candidate]) -> list[str]:
    lines = [f"{candidate.name}, {units.filesize(candidate.size_bytes)}" for candidate in chosen[:NAMED]]
    more = len(chosen) - len(lines)
    return [*lines, ngettext("and %d more", "and %d more", more) % more] if more else lines


def _tell(request: Request, freed: actions.Freed) -> None:
    if freed.keys:
        words = ngettext(
            "%(n)d thing is in the trash, %(size)s. There it can be brought back.",
            "%(n)d things are in the trash, %(size)s. There they can be brought back.",
            len(freed.keys),
        )
        toasts.show(request, words % {"n": len(freed.keys), "size": units.filesize(freed.size_bytes)})
    for refusal in freed.refused[:NAMED]:
        toasts.show(request, f"{refusal.name}: {refusal.why}", is_bad=True)


@require_POST
@access.team_view(Permission.MANAGE)
def rules(request: Request) -> HttpResponse:
    form = RulesForm(request.POST)
    if not form.is_valid():
        toasts.show(request, _("Give a number of days, or leave it empty."), is_bad=True)
        return redirect("storekeeper:team", request.team.slug)
    try:
        actions.set_rules(by=request.user, team=request.team, **form.cleaned_data)
    except UserFault as fault:
        toasts.show(request, fault.message, is_bad=True)
    else:
        toasts.show(request, _("Saved."))
    return redirect("storekeeper:team", request.team.slug)


@require_safe
def installation(request: Request) -> HttpResponse:
    """What lies there for all teams together; names and sizes, nothing of what teams made."""
    if not request.user.is_administrator:
        raise PermissionDenied(_("The storage of the whole installation is shown to its administrators"))
    seen, kept = disk.look(), holdings.of_team(None)
    context = {
        "title": _("Storage of the installation"),
        "verdict": Verdict(forecast.sentence(seen.forecast)),
        "holdings": kept,
        "used_bytes": sum(holding.size_bytes for holding in kept),
        "stored_bytes": holdings.stored_bytes(),
        "parts": [holding.part for holding in kept],
        "bar_label": holdings.in_words(kept),
        "disk": seen,
        "teams": [_of_team(team) for team in Team.objects.order_by("title")],
    }
    return htmx.render(request, "storekeeper/installation.html", context)


def _of_team(team: Team) -> tuple[Team, int, int]:
    """The team, what it keeps and what of it may go."""
    used = sum(holding.size_bytes for holding in holdings.of_team(team))
    return team, used, candidates.total_bytes(candidates.of_team(team))
