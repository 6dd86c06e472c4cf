"""The places of the product, as the shell offers them."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from webapp.core.request import Request

logger = logging.getLogger(__name__)

COUNTS_SECONDS = 15


@dataclass(frozen=True)
class Place:
    """`url_name` takes the team's slug; a place whose name does not resolve is not shown. `key` follows "g"."""

    label: str | Promise
    url_name: str
    icon: str
    key: str = ""
    url: str = ""
    is_current: bool = False
    count: int | None = None


GROUPS: tuple[tuple[Place, ...], ...] = (
    (
        Place(_("Home"), "dashboard:home", "home", "h"),
        Place(_("Datasets"), "datasets:list", "dataset", "d"),
        Place(_("Base models"), "basemodels:list", "basemodel", "b"),
        Place(_("Recipes"), "runs:recipes", "recipe", "e"),
        Place(_("Runs"), "runs:list", "run", "r"),
        Place(_("Catalog"), "adapters:list", "adapter", "c"),
    ),
    (
        Place(_("Workers"), "fleet:list", "worker", "w"),
        Place(_("Team"), "accounts:team", "team", "t"),
        Place(_("Trash"), "dashboard:trash", "delete"),
    ),
)
HOME = "dashboard:home"
TAB_BAR = (HOME, "datasets:list", "runs:list", "adapters:list")


def places(*, path: str, slug: str, counts: Mapping[str, int] | None = None) -> list[list[Place]]:
    """The groups of the navigation for one team, with the place of `path` marked."""
    groups = [[found for place in group if (found := _resolved(place, slug))] for group in GROUPS]
    current = _current(path, [place for group in groups for place in group])
    marked = [
        [
            replace(place, is_current=place.url_name == current, count=(counts or {}).get(place.url_name))
            for place in group
        ]
        for group in groups
    ]
    return [group for group in marked if group]


def counts_for(request: Request, team: Any) -> Mapping[str, int]:
    """Numbers beside the places, from the function that settings.NAV_COUNTS names; at most one look in 15 s."""
    dotted = getattr(settings, "NAV_COUNTS", "")
    if not dotted or not request.user.is_authenticated:
        return {}
    key = f"nav:{request.user.pk}:{team.pk}"
    known = cache.get(key)
    if known is None:
        known = dict(import_string(dotted)(user=request.user, team=team))
        cache.set(key, known, COUNTS_SECONDS)
    return known


def url_or_nothing(name: str, *args: Any) -> str:
    """The URL, or "" for a page that this version does not have."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


def _resolved(place: Place, slug: str) -> Place | None:
    url = url_or_nothing(place.url_name, slug)
    return replace(place, url=url) if url else None


def _current(path: str, known: list[Place]) -> str:
    """The place whose address is the longest beginning of `path`; home only when it is `path` itself."""
    fitting = [p for p in known if (path == p.url if p.url_name == HOME else path.startswith(p.url))]
    return max(fitting, key=lambda place: len(place.url)).url_name if fitting else ""
