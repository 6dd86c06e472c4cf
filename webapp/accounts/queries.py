"""Reading people and teams."""

from django.db.models import Count, QuerySet
from django.utils import timezone

from webapp.accounts import access
from webapp.accounts.models import ApiToken, Invitation, Membership, Role, Team, User
from webapp.core.request import Request


def teams_of(user: User) -> QuerySet[Team]:
    return Team.objects.filter(memberships__user=user).order_by("title", "id")


def home_team(request: Request) -> Team | None:
    """The team of the last team page this browser saw, else the first that the user joined, else none."""
    mine = Team.objects.filter(memberships__user_id=request.user.pk)
    last = mine.filter(slug=request.session.get(access.LAST_TEAM, "")).first()
    return last or mine.order_by("memberships__id").first()


def members(team: Team) -> QuerySet[Membership]:
    """Everybody in the team, in the order of joining."""
    return team.memberships.select_related("user").order_by("id")


def owners_count(team: Team) -> int:
    return team.memberships.filter(role=Role.OWNER).count()


def open_invitations(team: Team) -> QuerySet[Invitation]:
    return (
        team.invitations.filter(accepted_at=None, expires_at__gt=timezone.now())
        .select_related("created_by")
        .order_by("-id")
    )


def tokens(*, team: Team, user: User | None = None) -> QuerySet[ApiToken]:
    """Tokens that are not revoked, newest first; of one person or of the whole team."""
    found = team.tokens.filter(revoked_at=None).select_related("user").order_by("-id")
    return found if user is None else found.filter(user=user)


def teams_with_size(user: User) -> QuerySet[Membership]:
    """The user's memberships, with how many people each team has."""
    return (
        Membership.objects.filter(user=user)
        .select_related("team")
        .annotate(size=Count("team__memberships"))
        .order_by("team__title")
    )
