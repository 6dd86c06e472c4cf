"""Who is in a team, as what, and the team itself."""

from typing import cast

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from webapp.accounts import access, actions, queries, shown_once
from webapp.accounts.access import Permission
from webapp.accounts.forms import InviteForm, NewTeamForm, RoleForm, TeamForm, roles_to_give
from webapp.accounts.models import Membership, Role, Team, User
from webapp.core import confirm, htmx, toasts, units
from webapp.core.faults import UserFault
from webapp.core.request import Request
from webapp.core.verdict import Verdict


@require_safe
@access.team_view(Permission.VIEW)
def team(request: Request) -> HttpResponse:
    return redirect("accounts:members", request.team.slug)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@access.team_view(Permission.VIEW, unsafe=Permission.MANAGE_TEAM)
def members(request: Request) -> HttpResponse:
    """Everybody in the team; a POST invites one more, and the link is shown a single time."""
    form = InviteForm(request.POST or None, membership=request.membership)
    if form.is_valid():
        try:
            invitation, path = actions.invite(by=_user(request), team=request.team, **form.cleaned_data)
        except UserFault as fault:
            form.blame(fault)
        else:
            done = redirect(request.path)
            shown_once.put(request, done, {"email": invitation.email, "link": request.build_absolute_uri(path)})
            return done
    people, invitations = queries.members(request.team), queries.open_invitations(request.team)
    context = {
        "title": _("People"),
        "verdict": people_verdict(len(people), len(invitations)),
        "people": people,
        "invitations": invitations,
        "roles": [(role.label, access.ROLE_WORDS[role]) for role in Role],
        "form": form,
        "new": shown_once.take(request),
    }
    response = htmx.render(request, "accounts/members.html", context, status=422 if form.errors else 200)
    shown_once.forget(request, response)
    return response


def people_verdict(people: int, invitations: int) -> Verdict:
    if people == 1 and not invitations:
        return Verdict(_("You are *alone here*. Invite who should share the work."))
    sentence = ngettext("*%(people)s person* works here.", "*%(people)s people* work here.", people)
    if invitations:
        waiting = ngettext("%(waiting)s invitation is open.", "%(waiting)s invitations are open.", invitations)
        words = {"people": units.in_words(people, opens=True), "waiting": units.in_words(invitations, opens=True)}
        return Verdict(f"{sentence} {waiting}", **words)
    return Verdict(sentence, people=units.in_words(people, opens=True))


@require_http_methods(["GET", "HEAD", "POST"])
@access.team_view(Permission.MANAGE_TEAM)
def role(request: Request, user_id: str) -> HttpResponse:
    """Choose another role for a member, with the words for each beside it."""
    membership = _member(request, user_id)
    form = RoleForm(request.POST or None)
    if form.is_valid():
        try:
            actions.set_role(by=_user(request), membership=membership, role=form.cleaned_data["role"])
        except UserFault as fault:
            toasts.show(request, fault.message, is_bad=True)
        else:
            words = {"person": membership.user, "role": membership.get_role_display()}
            toasts.show(request, _("%(person)s is now: %(role)s.") % words)
        return redirect("accounts:members", request.team.slug)
    given = [(value, label, access.ROLE_WORDS[Role(value)]) for value, label in roles_to_give(request.membership)]
    title = _("Role of %(person)s") % {"person": membership.user}
    context = {"title": title, "member": membership, "roles": given, "form": form}
    status = 422 if form.errors else 200
    return htmx.render(request, "accounts/role.html", context, part="question", status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@access.team_view(Permission.VIEW)
def remove(request: Request, user_id: str) -> HttpResponse:
    """Take somebody out of the team, or leave it."""
    membership, by = _member(request, user_id), _user(request)
    is_self = membership.user_id == by.pk
    if not is_self:
        access.require(by=by, team=request.team, permission=Permission.MANAGE_TEAM)
    question = _leaving(request, membership) if is_self else _removing(request, membership)
    if not confirm.is_confirmed(request, question):
        return confirm.ask(request, question)
    try:
        actions.remove_member(by=by, membership=membership)
    except UserFault as fault:
        toasts.show(request, fault.message, is_bad=True)
        return redirect(question.back)
    if is_self:
        toasts.show(request, _("You left %(team)s.") % {"team": request.team})
        return redirect("/")
    toasts.show(request, _("%(person)s is out of the team.") % {"person": membership.user})
    return redirect("accounts:members", request.team.slug)


def _leaving(request: Request, membership: Membership) -> confirm.Question:
    return confirm.Question(
        title=_("Leave %(team)s?") % {"team": request.team},
        intro=_("You come back only by a new invitation."),
        consequences=[_("You no longer see the team's work"), _("Your API tokens for the team end")],
        button=_("Leave the team"),
        keep=_("Stay"),
        back=reverse("accounts:settings", args=[request.team.slug]),
    )


def _removing(request: Request, membership: Membership) -> confirm.Question:
    return confirm.Question(
        title=_("Take %(person)s out of %(team)s?") % {"person": membership.user, "team": request.team},
        intro=_("What they made stays with the team."),
        consequences=[_("They no longer see the team's work"), _("Their API tokens for the team end")],
        button=_("Take out"),
        keep=_("Keep them"),
        back=reverse("accounts:members", args=[request.team.slug]),
    )


@require_POST
@access.team_view(Permission.MANAGE_TEAM)
def revoke_invitation(request: Request, invitation_id: str) -> HttpResponse:
    invitation = get_object_or_404(queries.open_invitations(request.team), public_id=invitation_id)
    actions.revoke_invitation(by=_user(request), invitation=invitation)
    toasts.show(request, _("The invitation of %(email)s was taken back.") % {"email": invitation.email})
    return redirect("accounts:members", request.team.slug)


@require_http_methods(["GET", "HEAD", "POST"])
@access.team_view(Permission.VIEW, unsafe=Permission.MANAGE_TEAM)
def settings(request: Request) -> HttpResponse:
    """The team's name; the ways out of it."""
    form = TeamForm(request.POST or None, initial={"title": request.team.title})
    if form.is_valid():
        try:
            actions.rename_team(by=_user(request), team=request.team, **form.cleaned_data)
        except UserFault as fault:
            form.blame(fault)
        else:
            toasts.show(request, _("Saved."))
            return redirect("accounts:settings", request.team.slug)
    context = {
        "title": _("Team settings"),
        "verdict": Verdict(
            _("In %(team)s you are *%(role)s*."),
            team=request.membership.team.title,
            role=request.membership.get_role_display().lower(),
        ),
        "form": form,
        "role_words": access.ROLE_WORDS[Role(request.membership.role)],
    }
    return htmx.render(request, "accounts/settings.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@access.team_view(Permission.OWN_TEAM)
def delete_team(request: Request) -> HttpResponse:
    question = confirm.Question(
        title=_("Delete the team %(team)s?") % {"team": request.team},
        intro=_("This cannot be undone. It will"),
        consequences=[
            _("end the membership of everybody in it"),
            _("end its API tokens and open invitations"),
            _("free its address for others"),
        ],
        name=request.team.slug,
        button=_("Delete the team"),
        back=reverse("accounts:settings", args=[request.team.slug]),
    )
    if not confirm.is_confirmed(request, question):
        return confirm.ask(request, question)
    try:
        actions.delete_team(by=_user(request), team=request.team)
    except UserFault as fault:
        toasts.show(request, fault.message, is_bad=True)
        return redirect(question.back)
    toasts.show(request, _("The team %(team)s was deleted.") % {"team": request.team})
    return redirect("/")


@require_http_methods(["GET", "HEAD", "POST"])
def new_team(request: Request) -> HttpResponse:
    form = NewTeamForm(request.POST or None)
    if form.is_valid():
        try:
            made = actions.create_team(by=_user(request), **form.cleaned_data)
        except UserFault as fault:
            form.blame(fault)
        else:
            return redirect(f"/t/{made.slug}/")
    context = {
        "title": _("New team"),
        "verdict": Verdict(_("A team is who *shares* datasets, runs and adapters.")),
        "form": form,
        "may_create": access.may_create_team(_user(request)),
    }
    return htmx.render(request, "accounts/new_team.html", context, status=422 if form.errors else 200)


def _user(request: Request) -> User:
    return cast(User, request.user)


def _member(request: Request, user_id: str) -> Membership:
    of_team: Team = request.team
    return get_object_or_404(queries.members(of_team), user__public_id=user_id)
