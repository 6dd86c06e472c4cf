"""Reading people and teams."""

from typing import cast

from django.db.models import Count, QuerySet
from django.utils import timezone

from webapp.accounts import access, tokens
from webapp.accounts.models import ApiToken, Invitation, Membership, SetupLink, Team, User
from webapp.core.request import Request


def teams_of(user: User) -> QuerySet[Team]:
    return Team.objects.filter(memberships__user=user).order_by("title", "id")


def home_membership(request: Request) -> Membership | None:
    """In the team of the last team page that this browser saw, else in the first that the user joined, else none."""
    mine = Membership.objects.select_related("team").filter(user=cast(User, request.user))
    last = mine.filter(team__slug=request.session.get(access.LAST_TEAM, "")).first()
    return last or mine.order_by("id").first()


def home_team(request: Request) -> Team | None:
    """Where "/" leads."""
    membership = home_membership(request)
    return membership.team if membership else None


def members(team: Team) -> QuerySet[Membership]:
    """Everybody in the team, in the order of joining."""
    return team.memberships.select_related("user").order_by("id")


def open_invitations(team: Team) -> QuerySet[Invitation]:
    return (
        team.invitations.filter(accepted_at=None, expires_at__gt=timezone.now())
        .select_related("created_by")
        .order_by("-id")
    )


def invitation(secret: str) -> Invitation | None:
    """The open invitation behind a link."""
    found = Invitation.objects.select_related("team", "created_by").filter(secret_sha256=tokens.digest(secret))
    return found.filter(accepted_at=None, expires_at__gt=timezone.now()).first()


def setup_link(secret: str) -> SetupLink | None:
    """The set-up link, while it is good."""
    found = SetupLink.objects.filter(secret_sha256=tokens.digest(secret))
    return found.filter(used_at=None, expires_at__gt=timezone.now()).first()


def live_tokens(*, team: Team, user: User | None = None) -> QuerySet[ApiToken]:
    """Tokens that are not revoked, newest first; of one person or of the whole team."""
    found = team.tokens.filter(revoked_at=None).select_related("user").order_by("-id")
    return found if user is None else found.filter(user=user)


def memberships_of(user: User) -> QuerySet[Membership]:
    """The user's teams and roles, with how many people each team has."""
    return (
        Membership.objects.filter(user=user)
        .select_related("team")
        .annotate(size=Count("team__memberships"))
        .order_by("team__title", "id")
    )
