"""What every template may know about who is looking."""

from typing import Any

from django.http import HttpRequest

from webapp.accounts import access, queries
from webapp.accounts.access import Permission


def team(request: HttpRequest) -> dict[str, Any]:
    """`team` and `membership` of a team page, `my_teams` to switch to, `perms_team.train` and so on."""
    membership = getattr(request, "membership", None)
    user = getattr(request, "user", None)
    is_signed_in = user is not None and user.is_authenticated
    return {
        "team": getattr(request, "team", None),
        "membership": membership,
        "perms_team": {p.value: membership is not None and access.role_can(membership.role, p) for p in Permission},
        # Not evaluated unless the page draws the switcher.
        "my_teams": queries.teams_of(user) if is_signed_in else [],  # type: ignore[arg-type]
    }
