"""What all pages of an adapter version share: its head and the tabs that lead from one to the other."""

from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from webapp.accounts import access
from webapp.accounts.access import Permission
from webapp.adapters.models import AdapterVersion
from webapp.adapters.views import find
from webapp.core.request import Request
from webapp.core.verdict import Verdict


@dataclass(frozen=True)
class Tab:
    label: str | Promise
    url: str
    is_current: bool
    count: int | None = None


# The name of the address, which names the tab too, and the word on it.
TABS: list[tuple[str, str | Promise]] = [
    ("version", _("Overview")),
    ("card", _("Card")),
    ("anatomy", _("Anatomy")),
    ("lineage", _("Lineage")),
    ("history", _("History")),
]


def context(request: Request, found: AdapterVersion, *, tab: str, verdict: Verdict | str) -> dict[str, Any]:
    """The context of templates/adapters/_version_base.html; a page adds its own to it."""
    numbers = list(found.adapter.versions.order_by("-number").values_list("number", flat=True)[:2])
    newest = numbers[0]
    return {
        "title": f"{found.adapter.name} v{found.number}",
        "verdict": verdict,
        "version": found,
        "adapter": found.adapter,
        "tags": found.adapter.tags.order_by("name").values_list("name", flat=True),
        "tabs": [_tab(request, found, name, label, is_current=name == tab) for name, label in TABS],
        "newer": newest if newest != found.number else None,
        "can_delete_version": len(numbers) > 1,
        "can_change": find.may_change(request, found.adapter),
        "why_not": access.why_not(Permission.DOWNLOAD),
    }


def _tab(request: Request, found: AdapterVersion, name: str, label: str | Promise, *, is_current: bool) -> Tab:
    args = [request.team.slug, found.adapter.public_id, found.number]
    return Tab(label=label, url=reverse(f"adapters:{name}", args=args), is_current=is_current)
