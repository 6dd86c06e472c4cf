"""Base models, as lineage shows them."""

from collections.abc import Sequence

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from webapp.accounts.access import Permission
from webapp.accounts.models import Team
from webapp.basemodels.models import PretrainedModel
from webapp.lineage.things import Thing


def models(team: Team, ids: Sequence[str]) -> list[Thing]:
    """The team's and those of every team. A withdrawal is the team's own in both cases."""
    rows = PretrainedModel.objects.filter(Q(team=None) | Q(team=team), public_id__in=ids).select_related("created_by")
    return [_thing(team, row) for row in rows]


def _thing(team: Team, row: PretrainedModel) -> Thing:
    is_here = row.deleted_at is None
    note = _("rev %s") % row.revision[:8] if row.revision else ""
    return Thing(
        public_id=row.public_id,
        kind="base_model",
        word=_("Base model"),
        name=row.name.split("/")[-1],
        note=note if is_here else _("deleted"),
        url=reverse("basemodels:detail", args=[team.slug, row.public_id]) if is_here else "",
        made_by=row.created_by if row.team_id is not None else None,
        right=Permission.UPLOAD,
    )
