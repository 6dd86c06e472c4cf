"""API tokens, and the record of who did what."""

from collections.abc import Sequence
from typing import cast

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from webapp.accounts import access, actions, queries, shown_once
from webapp.accounts.access import Permission
from webapp.accounts.forms import RecordFilter, TokenForm
from webapp.accounts.models import ApiToken, User
from webapp.audit import queries as audit
from webapp.audit import words
from webapp.audit.models import Event
from webapp.core import confirm, htmx, paging, toasts, units
from webapp.core.faults import UserFault
from webapp.core.request import Request
from webapp.core.verdict import Verdict


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@access.team_view(Permission.USE_API)
def tokens(request: Request) -> HttpResponse:
    """The person's tokens, and for who manages the team everybody's; a new one is shown a single time."""
    user = cast(User, request.user)
    form = TokenForm(request.POST or None, membership=request.membership)
    if form.is_valid():
        chosen = {"name": form.cleaned_data["name"], "scopes": form.cleaned_data["scopes"]}
        try:
            made, plain = actions.create_token(by=user, team=request.team, expires_at=form.expires_at(), **chosen)
        except UserFault as fault:
            form.blame(fault)
        else:
            done = redirect(request.path)
            shown_once.put(request, done, {"name": made.name, "token": plain})
            return done
    new = shown_once.take(request)
    manages = access.role_can(request.membership.role, Permission.MANAGE_TEAM)
    found = list(queries.live_tokens(team=request.team, user=None if manages else user))
    context = {
        "title": _("API tokens"),
        "verdict": tokens_verdict(found),
        "tokens": found,
        "form": form,
        "new": new,
        "example": _example(request, new.get("token", "ts_…")),
    }
    response = htmx.render(request, "accounts/tokens.html", context, status=422 if form.errors else 200)
    shown_once.forget(request, response)
    return response


def tokens_verdict(found: Sequence[ApiToken]) -> Verdict:
    if not found:
        return Verdict(_("*No program* has a key to this team yet."))
    count = units.in_words(len(found), opens=True)
    unused = sum(token.last_used_at is None for token in found)
    sentence = ngettext("*%(all)s key* opens this team", "*%(all)s keys* open this team", len(found))
    if unused == len(found):
        return Verdict(_("%(keys)s; none was used so far.") % {"keys": sentence}, all=count)
    if not unused:
        return Verdict(_("%(keys)s, and all are in use.") % {"keys": sentence}, all=count)
    never = ngettext("%(unused)s was never used.", "%(unused)s were never used.", unused)
    return Verdict(f"{sentence}; {never}", all=count, unused=units.in_words(unused))


def _example(request: Request, token: str) -> str:
    address = request.build_absolute_uri("/api/v1/runs")
    return f'curl -H "Authorization: Bearer {token}" {address}'


@require_http_methods(["GET", "HEAD", "POST"])
@access.team_view(Permission.USE_API)
def revoke_token(request: Request, token_id: str) -> HttpResponse:
    user = cast(User, request.user)
    manages = access.role_can(request.membership.role, Permission.MANAGE_TEAM)
    found = queries.live_tokens(team=request.team, user=None if manages else user)
    token = get_object_or_404(found, public_id=token_id)
    question = confirm.Question(
        title=_("Revoke the token %(name)s?") % {"name": token.name},
        intro=_("Programs that use it are refused from this moment. It cannot be brought back."),
        button=_("Revoke"),
        back=reverse("accounts:tokens", args=[request.team.slug]),
    )
    if not confirm.is_confirmed(request, question):
        return confirm.ask(request, question)
    actions.revoke_token(by=user, token=token)
    toasts.show(request, _("The token %(name)s is revoked.") % {"name": token.name})
    return redirect("accounts:tokens", request.team.slug)


@require_safe
@access.team_view(Permission.MANAGE_TEAM)
def record(request: Request) -> HttpResponse:
    """Who did what in the team, newest first."""
    team_id = request.team.public_id
    kinds = [(kind, words.kind(kind)) for kind in audit.kinds(team_id)]
    chosen = RecordFilter(request.GET or None, actors=audit.actors(team_id), kinds=kinds)
    picked = chosen.cleaned_data if chosen.is_valid() else {}
    found = audit.of_team(team_id, actor_id=picked.get("who", ""), kind=picked.get("what", ""))
    page = paging.page(found, after=request.GET.get("after", ""), size=50)
    context = {
        "title": _("Record"),
        "verdict": record_verdict(audit.of_team(team_id).first()),
        "page": page,
        "form": chosen,
        "is_filtered": any(picked.values()),
    }
    return htmx.render(request, "accounts/record.html", context)


def record_verdict(newest: Event | None) -> Verdict:
    if newest is None:
        return Verdict(_("*Nothing* was done in this team so far."))
    return Verdict(_("Most recently: *%(sentence)s*"), sentence=words.plain(newest))
