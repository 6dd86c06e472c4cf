"""What every template may know about who is looking."""

from typing import Any

from django.http import HttpRequest

from webapp.accounts import access, queries
from webapp.accounts.access import Permission


def team(request: HttpRequest) -> dict[str, Any]:
    """`team` and `membership`, `my_teams` to switch to, and `perms_team.train` and so on.

    On a page that belongs to no team they are those of the team the person was in last, so that the
    way back stays in sight.
    """
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"team": None, "membership": None, "perms_team": {}, "my_teams": []}
    membership = getattr(request, "membership", None) or queries.home_membership(request)  # type: ignore[arg-type]
    return {
        "team": membership.team if membership else None,
        "membership": membership,
        "perms_team": {p.value: membership is not None and access.role_can(membership.role, p) for p in Permission},
        "my_teams": queries.teams_of(user),  # not evaluated unless the page draws the switcher
    }
