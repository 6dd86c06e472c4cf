"""The doors for people who have no account yet. What opens them is the secret in the address."""

from allauth.account.adapter import get_adapter
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from webapp.accounts import access, actions, queries
from webapp.accounts.forms import JoinForm, SetupForm
from webapp.accounts.models import Invitation, Role, User
from webapp.core.faults import UserFault
from webapp.core.request import Request


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def set_up(request: Request, secret: str) -> HttpResponse:
    """The first administrator of a new installation chooses a password."""
    link = queries.setup_link(secret)
    if link is None:
        return _ended(request, _("Start Tunesmith again: while it has no people it prints a new link."))
    form = SetupForm(request.POST or None)
    if form.is_valid():
        try:
            user = actions.use_setup_link(link=link, **form.cleaned_data)
        except UserFault as fault:
            form.blame(fault)
        else:
            get_adapter().login(request, user)
            return redirect("/")
    context = {"title": _("Set up Tunesmith"), "form": form}
    return render(request, "accounts/setup.html", context, status=422 if form.errors else 200)


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: Request, secret: str) -> HttpResponse:
    """Somebody who was invited comes in: with the account they have, or with a new one."""
    invitation = queries.invitation(secret)
    if invitation is None:
        return _ended(request, _("Ask who invited you for a new link. Each works once, for a week."))
    if request.user.is_authenticated:
        return _join_as(request, invitation, request.user)
    if User.objects.filter(email=invitation.email).exists():
        sign_in = f"{reverse('account_login')}?{urlencode({'next': request.path})}"
        return redirect(sign_in)
    return _join_as_new_person(request, invitation)


def _join_as(request: Request, invitation: Invitation, user: User) -> HttpResponse:
    if request.method != "POST":
        context = {
            "title": _("Join %(team)s") % {"team": invitation.team},
            "invitation": invitation,
            "role_words": access.ROLE_WORDS[Role(invitation.role)],
        }
        return render(request, "accounts/join.html", context)
    actions.accept_invitation(by=user, invitation=invitation)
    return _to_team(invitation)


def _join_as_new_person(request: Request, invitation: Invitation) -> HttpResponse:
    form = JoinForm(request.POST or None)
    if form.is_valid():
        try:
            user = actions.join_as_new_person(invitation=invitation, **form.cleaned_data)
        except UserFault as fault:
            form.blame(fault)
        else:
            get_adapter().login(request, user)
            return _to_team(invitation)
    context = {
        "title": _("Join %(team)s") % {"team": invitation.team},
        "invitation": invitation,
        "role_words": access.ROLE_WORDS[Role(invitation.role)],
        "form": form,
    }
    return render(request, "accounts/join.html", context, status=422 if form.errors else 200)


def _to_team(invitation: Invitation) -> HttpResponse:
    return redirect(f"/t/{invitation.team.slug}/")


def _ended(request: Request, remedy: str) -> HttpResponse:
    """One answer for links that are over and for links that never were."""
    context = {"title": _("This link has ended"), "remedy": remedy}
    return render(request, "accounts/ended.html", context, status=404)
