"""Versions of datasets, as lineage shows them."""

from collections.abc import Sequence

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from webapp.accounts.access import Permission
from webapp.accounts.models import Team
from webapp.core import units
from webapp.datasets.models import DatasetVersion
from webapp.lineage.things import Thing


def versions(team: Team, ids: Sequence[str]) -> list[Thing]:
    rows = DatasetVersion.everything.filter(dataset__team=team, public_id__in=ids).select_related(
        "dataset", "created_by"
    )
    return [_thing(team, row) for row in rows.defer("report")]


def _thing(team: Team, row: DatasetVersion) -> Thing:
    is_here = row.deleted_at is None and row.dataset.deleted_at is None
    note = ngettext("%s row", "%s rows", row.rows_good) % units.number(row.rows_good)
    return Thing(
        public_id=row.public_id,
        kind="dataset",
        word=_("Dataset"),
        name=str(row),
        note=note if is_here else _("deleted"),
        url=reverse("datasets:version", args=[team.slug, row.dataset.public_id, row.number]) if is_here else "",
        made_by=row.created_by,
        right=Permission.UPLOAD,
    )
