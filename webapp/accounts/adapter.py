from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from webapp.accounts.models import User
from webapp.audit import actions as audit


class AccountAdapter(DefaultAccountAdapter):
    """Nobody signs up by themselves: people come in by an invitation or by the set-up link."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def login(self, request: HttpRequest, user: User) -> None:
        super().login(request, user)
        audit.record(by=user, verb="person.signed_in", obj=user, request=request)

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Only tries at accounts that exist are kept: what else was typed may be a password in the wrong field."""
        email = str(credentials.get("email") or "").strip().lower()
        user = User.objects.filter(email=email[:254]).first() if "\0" not in email else None
        if user is not None:
            audit.record(by=None, verb="person.sign_in_failed", obj=user, request=request)
