"""One's own account."""

import datetime as dt
from dataclasses import dataclass
from typing import cast

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from webapp.accounts import actions, queries
from webapp.accounts.forms import PersonForm
from webapp.accounts.models import User
from webapp.audit import queries as audit
from webapp.audit.models import Event
from webapp.core import htmx, toasts
from webapp.core.request import Request
from webapp.core.verdict import Verdict

SIGN_INS_SHOWN = 8


@dataclass(frozen=True)
class Line:
    at: dt.datetime
    text: str
    tone: str


@require_http_methods(["GET", "HEAD", "POST"])
def account(request: Request) -> HttpResponse:
    user = cast(User, request.user)
    form = PersonForm(request.POST or None, initial={"name": user.name})
    if form.is_valid():
        actions.rename_self(by=user, **form.cleaned_data)
        toasts.show(request, _("Saved."))
        return redirect("accounts:account")
    context = {
        "title": _("Your account"),
        "verdict": Verdict(_("You are signed in as *%(email)s*."), email=user.email),
        "form": form,
        "memberships": queries.memberships_of(user),
        "sign_ins": [_line(event) for event in audit.sign_ins(user.public_id)[:SIGN_INS_SHOWN]],
    }
    return htmx.render(request, "accounts/account.html", context, status=422 if form.errors else 200)


def _line(event: Event) -> Line:
    ip = event.ip or _("an unknown address")
    if event.verb == "person.signed_in":
        return Line(event.at, _("Signed in from %(ip)s") % {"ip": ip}, "good")
    return Line(event.at, _("Wrong password from %(ip)s") % {"ip": ip}, "warn")
