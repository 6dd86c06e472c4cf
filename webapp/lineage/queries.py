"""Where something comes from, and what came of it."""

from webapp.accounts.models import Team
from webapp.lineage.models import Edge

MAX_EDGES = 500


def ancestors(team: Team, public_id: str) -> list[Edge]:
    """The edges that lead to it, the nearest first, at most MAX_EDGES."""
    return _walk(team, public_id, near="target", far="source")


def descendants(team: Team, public_id: str) -> list[Edge]:
    """The edges that lead away from it, the nearest first, at most MAX_EDGES."""
    return _walk(team, public_id, near="source", far="target")


def _walk(team: Team, public_id: str, *, near: str, far: str) -> list[Edge]:
    """One query for each generation; what was seen is not walked again, so a circle ends too."""
    found: list[Edge] = []
    seen, front = {public_id}, [public_id]
    while front and len(found) < MAX_EDGES:
        edges = list(Edge.objects.filter(team=team, **{f"{near}__in": front}).order_by("id")[: MAX_EDGES - len(found)])
        found += edges
        front = sorted({str(getattr(edge, far)) for edge in edges} - seen)
        seen.update(front)
    return found
