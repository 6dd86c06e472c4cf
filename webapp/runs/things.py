"""Runs and recipes, as lineage shows them."""

from collections.abc import Sequence

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from webapp.accounts.models import Team
from webapp.core import units
from webapp.lineage.things import Thing
from webapp.runs.models import Recipe, Run


def runs(team: Team, ids: Sequence[str]) -> list[Thing]:
    rows = Run.objects.filter(team=team, public_id__in=ids).select_related("job", "created_by")
    return [_run(team, row) for row in rows.defer("config", "estimate", "planned", "last_values")]


def _run(team: Team, row: Run) -> Thing:
    is_here = row.deleted_at is None
    steps = row.result.get("steps")
    note = ngettext("%s step", "%s steps", steps) % units.number(steps) if steps else ""
    return Thing(
        public_id=row.public_id,
        kind="run",
        word=_("Run"),
        name=row.name,
        note=note if is_here else _("deleted"),
        url=reverse("runs:detail", args=[team.slug, row.public_id]) if is_here else "",
        stage=row.job.state,
        made_by=row.created_by,
    )


def recipes(team: Team, ids: Sequence[str]) -> list[Thing]:
    rows = Recipe.objects.filter(Q(team=None) | Q(team=team), public_id__in=ids).select_related("created_by")
    return [_recipe(team, row) for row in rows]


def _recipe(team: Team, row: Recipe) -> Thing:
    is_here = row.deleted_at is None
    return Thing(
        public_id=row.public_id,
        kind="recipe",
        word=_("Recipe"),
        name=_(row.name) if row.team_id is None else row.name,
        note="" if is_here else _("deleted"),
        url=reverse("runs:recipe", args=[team.slug, row.public_id]) if is_here else "",
        made_by=row.created_by,
    )
