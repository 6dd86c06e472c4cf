"""Reports, as lineage shows them."""

from collections.abc import Sequence

from django.urls import reverse
from django.utils.translation import gettext as _

from webapp.accounts.models import Team
from webapp.evaluation.models import Report
from webapp.lineage.things import Thing


def reports(team: Team, ids: Sequence[str]) -> list[Thing]:
    rows = Report.everything.filter(team=team, public_id__in=ids).select_related("version__adapter", "job__created_by")
    return [_thing(team, row) for row in rows.defer("scores", "samples", "version__facts", "version__card")]


def _thing(team: Team, row: Report) -> Thing:
    is_here = row.deleted_at is None and row.version.deleted_at is None and row.version.adapter.deleted_at is None
    return Thing(
        public_id=row.public_id,
        kind="report",
        word=_("Report"),
        name=str(row.version),
        note=_("against its base") if is_here else _("deleted"),
        url=reverse("evaluation:report", args=[team.slug, row.public_id]) if is_here else "",
        stage=row.job.state,
        made_by=row.job.created_by,
    )
