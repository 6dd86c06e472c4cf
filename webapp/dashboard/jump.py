"""Search across the team's things by name, for the palette."""

from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from webapp.accounts.models import Team
from webapp.adapters import finding
from webapp.basemodels.models import PretrainedModel
from webapp.core import navigation
from webapp.datasets.models import Dataset
from webapp.runs.models import Recipe, Run

PER_GROUP = 5


@dataclass(frozen=True)
class Item:
    label: str
    url: str
    icon: str
    state: str = ""


@dataclass(frozen=True)
class Group:
    title: str | Promise
    items: list[Item] = field(default_factory=list)


def find(team: Team, wanted: str) -> list[Group]:
    """Places first, then what bears `wanted` in its name, newest first."""
    groups = [Group(_("Pages"), _places(team, wanted))]
    if wanted:
        groups += [
            Group(title, _rows(team, rows, wanted, url_name, icon)) for title, rows, url_name, icon in _things(team)
        ]
        groups.insert(3, Group(_("Adapters"), _adapters(team, wanted)))
    return [group for group in groups if group.items]


def _things(team: Team) -> list[tuple[str | Promise, QuerySet[Any], str, str]]:
    """Title, rows, the name of their page and their icon."""
    return [
        (_("Runs"), Run.objects.live().filter(team=team), "runs:detail", "run"),
        (_("Datasets"), Dataset.objects.live().filter(team=team), "datasets:detail", "dataset"),
        (_("Base models"), PretrainedModel.objects.for_team(team), "basemodels:detail", "basemodel"),
        (_("Recipes"), Recipe.objects.for_team(team), "runs:recipe", "recipe"),
    ]


def _places(team: Team, wanted: str) -> list[Item]:
    places = [place for group in navigation.places(path="", slug=team.slug) for place in group]
    found = [Item(str(place.label), place.url, place.icon) for place in places]
    return [item for item in found if wanted.lower() in item.label.lower()]


def _rows(team: Team, rows: QuerySet[Any], wanted: str, url_name: str, icon: str) -> list[Item]:
    found = rows.filter(name__icontains=wanted).order_by("-id")[:PER_GROUP]
    return [Item(row.name, reverse(url_name, args=[team.slug, row.public_id]), icon) for row in found]


def _adapters(team: Team, wanted: str) -> list[Item]:
    """As the catalog finds them: by what they are for as well as by name."""
    return [
        Item(
            listing.adapter.name,
            reverse("adapters:detail", args=[team.slug, listing.adapter.public_id]),
            "adapter",
            listing.stage,
        )
        for listing in finding.page(team, finding.Wanted(text=wanted), size=PER_GROUP)
    ]
