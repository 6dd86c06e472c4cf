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
from webapp.accounts.models import Membership, Team
from webapp.adapters.models import Adapter, AdapterVersion
from webapp.basemodels.models import PretrainedModel
from webapp.datasets.models import Dataset, DatasetVersion
from webapp.evaluation.models import Report
from webapp.runs.models import Recipe, Run


@dataclass(frozen=True)
class Kind:
    """`needed` is what its maker needs to bring a thing back; everybody else needs to manage.

    A part of a larger thing, its `whole`, is listed while that does not lie in the trash itself. `whole` and `team`
    are paths of relations; who made the whole may bring its parts back.
    """

    label: str | Promise
    rows: QuerySet[Any]
    icon: str
    restore: str
    needed: Permission
    whole: str = ""
    team: str = "team"

    def of_team(self, team: Team, *, since: dt.datetime) -> QuerySet[Any]:
        found = self.rows.filter(**{self.team: team, "deleted_at__gt": since})
        if self.whole:
            found = found.filter(**{f"{self.whole}__deleted_at": None}).select_related(self.whole)
        return found.order_by("-deleted_at")

    def made_by_id(self, row: Any) -> int | None:
        for part in filter(None, self.whole.split("__")):
            row = getattr(row, part)
        made_by_id: int | None = row.created_by_id
        return made_by_id

    def restore_url(self, row: Any, team: Team) -> str:
        numbered = {"adapter", "dataset"} & {self.whole}
        args = [getattr(row, self.whole).public_id, row.number] if numbered else [row.public_id]
        return reverse(self.restore, args=[team.slug, *args])


KINDS = (
    Kind(_("Dataset"), Dataset.objects.all(), "dataset", "datasets:restore", Permission.UPLOAD),
    Kind(_("Run"), Run.objects.all(), "run", "runs:restore", Permission.TRAIN),
    Kind(_("Adapter"), Adapter.objects.all(), "adapter", "adapters:restore", Permission.TRAIN),
    Kind(_("Recipe"), Recipe.objects.all(), "recipe", "runs:recipe_restore", Permission.TRAIN),
    Kind(_("Base model"), PretrainedModel.objects.all(), "basemodel", "basemodels:restore", Permission.UPLOAD),
    Kind(
        label=_("Dataset version"),
        rows=DatasetVersion.everything.all(),
        icon="dataset",
        restore="datasets:restore_version",
        needed=Permission.UPLOAD,
        whole="dataset",
        team="dataset__team",
    ),
    Kind(
        label=_("Adapter version"),
        rows=AdapterVersion.everything.all(),
        icon="adapter",
        restore="adapters:restore_version",
        needed=Permission.TRAIN,
        whole="adapter",
        team="adapter__team",
    ),
    Kind(
        label=_("Report"),
        rows=Report.everything.filter(version__deleted_at=None),
        icon="compare",
        restore="evaluation:restore",
        needed=Permission.TRAIN,
        whole="version__adapter",
    ),
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
        for row in kind.of_team(team, since=timezone.now() - keep)[:LONGEST]:
            needed = kind.needed if kind.made_by_id(row) == membership.user_id else Permission.MANAGE
            is_allowed = access.role_can(membership.role, needed)
            url = kind.restore_url(row, team) if is_allowed else ""
            yield Deleted(kind, str(row), row.deleted_at, row.deleted_at + keep, url)
