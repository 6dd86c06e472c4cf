"""Who calls: a program with a token. Cookies mean nothing here, so a foreign site cannot make a browser act."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja.security import HttpBearer

from webapp.accounts import tokens
from webapp.accounts.models import ApiToken, Team, User
from webapp.core.faults import UserFault


@dataclass(frozen=True)
class Caller:
    """The token's user within the token's team; what the token may do is at most what the user may."""

    token: ApiToken
    user: User
    team: Team

    def needs(self, scope: str) -> None:
        """Raise a 403 fault unless the token was made with `scope`."""
        if not tokens.has_scope(self.token, scope):
            raise UserFault(
                "missing_scope",
                _("This token may not do that: it lacks the scope “%(scope)s”. Make a token that has it.")
                % {"scope": scope},
                status=403,
            )


class Bearer(HttpBearer):
    """`Authorization: Bearer ts_…`"""

    def authenticate(self, request: HttpRequest, token: str) -> Caller | None:
        found = tokens.authenticate(token)
        if found is None:
            return None
        request.user = found.user
        return Caller(token=found, user=found.user, team=found.team)


def caller(request: HttpRequest) -> Caller:
    """The caller that `Bearer` put on the request."""
    found: Caller = request.auth  # type: ignore[attr-defined]
    return found
