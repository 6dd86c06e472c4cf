"""Who calls: a program with a token. Cookies mean nothing here, so a foreign site cannot make a browser act."""

from dataclasses import dataclass

from django.http import HttpRequest
from ninja.security import HttpBearer

from webapp.accounts import tokens
from webapp.accounts.access import Permission
from webapp.accounts.models import ApiToken, Team, User
from webapp.api import limit


@dataclass(frozen=True)
class Caller:
    """The token's user within the token's team; what the token may do is at most what the user may."""

    token: ApiToken
    user: User
    team: Team

    def requires(self, permission: Permission) -> "Caller":
        """Itself, or PermissionDenied when the token's scopes or its user's role do not give the right."""
        tokens.require(token=self.token, permission=permission)
        return self


class Bearer(HttpBearer):
    """`Authorization: Bearer ts_…`; a token that asks too often raises TooOften, answered with 429."""

    def authenticate(self, request: HttpRequest, token: str) -> Caller | None:
        found = tokens.authenticate(token)
        if found is None:
            return None
        limit.count(found)
        request.user = found.user
        return Caller(token=found, user=found.user, team=found.team)


def caller(request: HttpRequest, permission: Permission = Permission.VIEW) -> Caller:
    """The caller that `Bearer` put on the request, with the right that the route needs."""
    found: Caller = request.auth  # type: ignore[attr-defined]
    return found.requires(permission)
