"""Reading notices. Those of a team that the person has left are not theirs to read any more."""

from django.db.models import F, QuerySet

from webapp.accounts.models import User
from webapp.notices.models import Notice


def of(user: User) -> QuerySet[Notice]:
    return Notice.objects.filter(user=user, team__memberships__user=F("user")).select_related("team").order_by("-id")


def unread_count(user: User) -> int:
    return of(user).filter(read_at=None).count()
