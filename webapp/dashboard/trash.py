"""What was deleted and can still come back, across the apps."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from webapp.accounts import access
from webapp.accounts.access import Permission
from webapp.accounts.models import Membership
from webapp.adapters.models import Adapter
from webapp.basemodels.models import PretrainedModel
from webapp.datasets.models import Dataset
from webapp.runs.models import Recipe, Run


@dataclass(frozen=True)
class Kind:
    """`needed` is what its maker needs to bring a thing back; everybody else needs to manage."""

    label: str | Promise
    model: type[Any]
    icon: str
    restore: str
    needed: Permission


KINDS = (
    Kind(_("Dataset"), Dataset, "dataset", "datasets:restore", Permission.UPLOAD),
    Kind(_("Run"), Run, "run", "runs:restore", Permission.TRAIN),
    Kind(_("Adapter"), Adapter, "adapter", "adapters:restore", Permission.TRAIN),
    Kind(_("Recipe"), Recipe, "recipe", "runs:recipe_restore", Permission.TRAIN),
    Kind(_("Base model"), PretrainedModel, "basemodel", "basemodels:restore", Permission.UPLOAD),
)
LONGEST = 200


@dataclass(frozen=True)
class Deleted:
    """`restore_url` is empty for who may not bring it back."""

    kind: Kind
    name: str
    deleted_at: dt.datetime
    gone_at: dt.datetime
    restore_url: str


def of_team(membership: Membership) -> list[Deleted]:
    """What lies in the trash of a member's team, newest first."""
    return sorted(_deleted(membership), key=lambda item: item.deleted_at, reverse=True)[:LONGEST]


def _deleted(membership: Membership) -> Iterator[Deleted]:
    team, keep = membership.team, dt.timedelta(days=settings.TRASH_DAYS)
    for kind in KINDS:
        rows: QuerySet[Any] = kind.model._default_manager.filter(team=team, deleted_at__gt=timezone.now() - keep)
        for row in rows.order_by("-deleted_at")[:LONGEST]:
            needed = kind.needed if row.created_by_id == membership.user_id else Permission.MANAGE
            is_allowed = access.role_can(membership.role, needed)
            url = reverse(kind.restore, args=[team.slug, row.public_id]) if is_allowed else ""
            yield Deleted(kind, row.name, row.deleted_at, row.deleted_at + keep, url)
