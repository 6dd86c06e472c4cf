"""Telling people what happened while they were away."""

from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from webapp.accounts.models import Membership, Team, User
from webapp.notices.models import Notice
from webapp.notices.words import Code


def tell(*, user: User | None, team: Team, code: str, data: Mapping[str, Any], url: str) -> Notice | None:
    """Leave a notice for a member; nobody, and who left the team, are told nothing.

    `data["name"]` is what the sentence names; `url` is a path of ours. Raises ValueError for an unknown code.
    """
    known = Code(code)
    if not url.startswith("/") or url.startswith("//"):
        raise ValueError(f"a notice leads to a path of ours, not to {url!r}")
    if user is None or not Membership.objects.filter(user=user, team=team).exists():
        return None
    return Notice.objects.create(user=user, team=team, code=known, data=dict(data), url=url)


def mark_read(*, by: User, notice: Notice) -> None:
    Notice.objects.filter(pk=notice.pk, user=by, read_at=None).update(read_at=timezone.now())


def mark_all_read(*, by: User) -> int:
    return Notice.objects.filter(user=by, read_at=None).update(read_at=timezone.now())
