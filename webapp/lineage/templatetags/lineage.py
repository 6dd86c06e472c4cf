"""`{% load lineage %}`: that a thing, or something it was made of, is withdrawn."""

from typing import Any

from django import template

from webapp.accounts.models import Team
from webapp.lineage import queries

register = template.Library()


@register.inclusion_tag("lineage/_banner.html")
def withdrawal_banner(team: Team, public_id: str) -> dict[str, Any]:
    """Nothing where nothing is withdrawn, which costs one small question."""
    return {"team": team, "public_id": public_id, "withdrawals": queries.withdrawn_ancestors(team, public_id)}
