"""What was deleted and can still come back, across the apps."""

import datetime as dt
from collections.abc import Callable, Iterator
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
from webapp.runs.models import Checkpoint, Recipe, Run


@dataclass(frozen=True)
class Kind:
    """`needed` is what its maker needs to bring a thing back; everybody else needs to manage.

    `rows` finds a team's. A part of a larger thing, its `whole`, is listed while that does not lie in the trash
    itself, and who made the whole may bring its parts back.
    """

    label: str | Promise
    rows: Callable[[Team], QuerySet[Any]]
    icon: str
    restore: str
    needed: Permission
    whole: str = ""

    def made_by_id(self, row: Any) -> int | None:
        for part in filter(None, self.whole.split("__")):
            row = getattr(row, part)
        made_by_id: int | None = row.created_by_id
        return made_by_id

    def restore_url(self, row: Any, team: Team) -> str:
        match self.whole:
            case "adapter" | "dataset":
                args = [getattr(row, self.whole).public_id, row.number]
            case "run":
                args = [row.run.public_id]
            case _:
                args = [row.public_id]
        return reverse(self.restore, args=[team.slug, *args])


def _dataset_versions(team: Team) -> QuerySet[DatasetVersion]:
    versions: QuerySet[DatasetVersion] = DatasetVersion.everything.filter(dataset__team=team, dataset__deleted_at=None)
    return versions.select_related("dataset")


def _adapter_versions(team: Team) -> QuerySet[AdapterVersion]:
    versions = AdapterVersion.everything.filter(adapter__team=team, adapter__deleted_at=None)
    return versions.select_related("adapter")


def _checkpoints(team: Team) -> QuerySet[Checkpoint]:
    kept = Checkpoint.objects.filter(run__team=team, run__deleted_at=None).exclude(bundle=None)
    return kept.select_related("run")


def _reports(team: Team) -> QuerySet[Report]:
    reports: QuerySet[Report] = Report.everything.filter(
        team=team, version__deleted_at=None, version__adapter__deleted_at=None
    )
    return reports.select_related("version__adapter")


UPLOAD, TRAIN = Permission.UPLOAD, Permission.TRAIN
KINDS = (
    Kind(_("Dataset"), lambda team: Dataset.objects.filter(team=team), "dataset", "datasets:restore", UPLOAD),
    Kind(_("Run"), lambda team: Run.objects.filter(team=team), "run", "runs:restore", TRAIN),
    Kind(_("Adapter"), lambda team: Adapter.objects.filter(team=team), "adapter", "adapters:restore", TRAIN),
    Kind(_("Recipe"), lambda team: Recipe.objects.filter(team=team), "recipe", "runs:recipe_restore", TRAIN),
    Kind(
        _("Base model"),
        lambda team: PretrainedModel.objects.filter(team=team),
        "basemodel",
        "basemodels:restore",
        UPLOAD,
    ),
    Kind(_("Dataset version"), _dataset_versions, "dataset", "datasets:restore_version", UPLOAD, "dataset"),
    Kind(_("Adapter version"), _adapter_versions, "adapter", "adapters:restore_version", TRAIN, "adapter"),
    Kind(_("Checkpoint"), _checkpoints, "run", "runs:restore_checkpoints", TRAIN, "run"),
    Kind(_("Report"), _reports, "compare", "evaluation:restore", TRAIN, "version__adapter"),
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
        rows = kind.rows(team).filter(deleted_at__gt=timezone.now() - keep)
        for row in rows.order_by("-deleted_at")[:LONGEST]:
            needed = kind.needed if kind.made_by_id(row) == membership.user_id else Permission.MANAGE
            is_allowed = access.role_can(membership.role, needed)
            url = kind.restore_url(row, team) if is_allowed else ""
            yield Deleted(kind, str(row), row.deleted_at, row.deleted_at + keep, url)
