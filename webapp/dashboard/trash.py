"""What was deleted and can still come back, across the apps."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from webapp.accounts.models import Team
from webapp.adapters.models import Adapter
from webapp.basemodels.models import PretrainedModel
from webapp.datasets.models import Dataset
from webapp.runs.models import Recipe, Run

KINDS: tuple[tuple[str | Promise, type[Any], str], ...] = (
    (_("Dataset"), Dataset, "datasets:restore"),
    (_("Run"), Run, "runs:restore"),
    (_("Adapter"), Adapter, "adapters:restore"),
    (_("Recipe"), Recipe, "runs:recipe_restore"),
    (_("Base model"), PretrainedModel, "basemodels:restore"),
)
LONGEST = 200


@dataclass(frozen=True)
class Deleted:
    kind: str | Promise
    name: str
    deleted_at: dt.datetime
    gone_at: dt.datetime
    restore_url: str


def of_team(team: Team) -> list[Deleted]:
    """Newest first."""
    return sorted(_deleted(team), key=lambda item: item.deleted_at, reverse=True)[:LONGEST]


def _deleted(team: Team) -> Iterator[Deleted]:
    keep = dt.timedelta(days=settings.TRASH_DAYS)
    for kind, model, restore in KINDS:
        rows: QuerySet[Any] = model._default_manager.filter(team=team, deleted_at__isnull=False)
        for row in rows.order_by("-deleted_at")[:LONGEST]:
            url = reverse(restore, args=[team.slug, row.public_id])
            yield Deleted(kind, row.name, row.deleted_at, row.deleted_at + keep, url)
