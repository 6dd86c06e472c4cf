from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from webapp.accounts import access
from webapp.accounts.access import Permission
from webapp.core import htmx, toasts
from webapp.core.faults import UserFault
from webapp.core.request import Request
from webapp.lineage import actions, picture, queries, things, verdict
from webapp.lineage.forms import ReasonForm
from webapp.lineage.things import Thing


@require_safe
@access.team_view(Permission.VIEW)
def show(request: Request, thing_id: str) -> HttpResponse:
    """Where a thing comes from and what came of it."""
    thing = find(request, thing_id)
    found = picture.of(request.team, thing)
    context = {
        "title": _("Lineage of %s") % thing.name,
        "verdict": verdict.of_picture(found),
        "thing": thing,
        "picture": found,
        "may_withdraw": may_withdraw(request, thing),
    }
    return htmx.render(request, "lineage/show.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@access.team_view(Permission.VIEW)
def withdraw(request: Request, thing_id: str) -> HttpResponse:
    """Shows all that would be affected, and withdraws when it is told why."""
    thing = find(request, thing_id)
    if not may_withdraw(request, thing):
        raise PermissionDenied(access.why_not(Permission.MANAGE))
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.withdraw(by=request.user, team=request.team, thing=thing, **form.cleaned_data)
        except UserFault as fault:
            form.add_error(fault.field or None, fault.message)
        else:
            toasts.show(request, _("%s is withdrawn, and who used it was told.") % thing.name)
            return redirect("lineage:show", request.team.slug, thing_id)
    return _ask(request, thing, form)


def _ask(request: Request, thing: Thing, form: ReasonForm) -> HttpResponse:
    ids = queries.affected(request.team, thing.public_id)
    known = things.find(request.team, ids)
    people = [user for user in actions.people(request.team, thing) if user.pk != request.user.pk]
    context = {
        "title": _("Withdraw %s?") % thing.name,
        "verdict": verdict.of_withdrawal(things=len(ids), people=len(people)),
        "thing": thing,
        "affected": [known.get(id) or things.gone(id) for id in ids],
        "people": people,
        "form": form,
    }
    return htmx.render(request, "lineage/withdraw.html", context, status=422 if form.errors else 200)


@require_POST
@access.team_view(Permission.VIEW)
def reinstate(request: Request, thing_id: str) -> HttpResponse:
    thing = find(request, thing_id)
    if not may_withdraw(request, thing):
        raise PermissionDenied(access.why_not(Permission.MANAGE))
    try:
        actions.reinstate(by=request.user, team=request.team, thing=thing)
    except UserFault as fault:
        toasts.show(request, fault.message, is_bad=True)
    else:
        toasts.show(request, _("%s may be used again, and the same people were told.") % thing.name)
    return redirect("lineage:show", request.team.slug, thing_id)


def find(request: Request, thing_id: str) -> Thing:
    thing = things.find(request.team, [thing_id]).get(thing_id)
    if thing is None:
        raise Http404
    return thing


def may_withdraw(request: Request, thing: Thing) -> bool:
    if thing.right is None:
        return False
    is_own = thing.made_by is not None and thing.made_by.pk == request.user.pk
    return access.role_can(request.membership.role, thing.right if is_own else Permission.MANAGE)
