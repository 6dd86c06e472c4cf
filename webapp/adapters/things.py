"""Versions of adapters and imports, as lineage shows them."""

from collections import defaultdict
from collections.abc import Sequence

from django.urls import reverse
from django.utils.translation import gettext as _

from webapp.accounts.access import Permission
from webapp.accounts.models import Team, User
from webapp.adapters.models import AdapterImport, AdapterVersion, Download
from webapp.lineage.things import Thing


def versions(team: Team, ids: Sequence[str]) -> list[Thing]:
    rows = AdapterVersion.everything.filter(adapter__team=team, public_id__in=ids).select_related(
        "adapter", "created_by"
    )
    found = list(rows.defer("facts", "card"))
    takers = _takers(found)
    return [_thing(team, row, takers.get(row.pk, ())) for row in found]


def _takers(rows: Sequence[AdapterVersion]) -> dict[int, tuple[User, ...]]:
    """Who downloaded each of them, each person once."""
    taken = Download.objects.filter(version__in=rows).exclude(user=None).select_related("user").order_by("id")
    found: dict[int, dict[User, None]] = defaultdict(dict)
    for one in taken:
        if one.user is not None:
            found[one.version_id][one.user] = None
    return {version: tuple(users) for version, users in found.items()}


def _thing(team: Team, row: AdapterVersion, takers: tuple[User, ...]) -> Thing:
    is_here = row.deleted_at is None and row.adapter.deleted_at is None
    return Thing(
        public_id=row.public_id,
        kind="adapter",
        word=_("Adapter"),
        name=str(row),
        note=str(row.get_stage_display()) if is_here else _("deleted"),
        url=reverse("adapters:version", args=[team.slug, row.adapter.public_id, row.number]) if is_here else "",
        stage=row.stage,
        made_by=row.created_by,
        takers=takers,
        right=Permission.TRAIN,
    )


def imports(team: Team, ids: Sequence[str]) -> list[Thing]:
    rows = AdapterImport.objects.filter(team=team, public_id__in=ids).select_related("created_by")
    return [_import(team, row) for row in rows]


def _import(team: Team, row: AdapterImport) -> Thing:
    return Thing(
        public_id=row.public_id,
        kind="import",
        word=_("Import"),
        name=row.repository or row.name,
        note=row.commit[:8],
        url=reverse("adapters:import", args=[team.slug, row.public_id]),
        made_by=row.created_by,
    )
