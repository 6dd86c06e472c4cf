"""Where something comes from, what came of it, and what of that is withdrawn."""

from collections.abc import Iterable, Iterator, Sequence

from django.db.models import QuerySet

from webapp.accounts.models import Team
from webapp.lineage import relations
from webapp.lineage.models import Edge, Withdrawal
from webapp.lineage.things import AT_ONCE

MAX_EDGES = 500


def ancestors(team: Team, public_id: str, *, limit: int | None = MAX_EDGES) -> list[Edge]:
    """The edges that lead to it, the nearest first, at most `limit`."""
    return _walk(team, public_id, near="target", far="source", limit=limit)


def descendants(team: Team, public_id: str, *, limit: int | None = MAX_EDGES) -> list[Edge]:
    """The edges that lead away from it, the nearest first, at most `limit`."""
    return _walk(team, public_id, near="source", far="target", limit=limit)


def affected(team: Team, public_id: str) -> list[str]:
    """All that a withdrawal passes on to, the nearest first, without the thing itself."""
    edges = _walk(team, public_id, near="source", far="target", limit=None, is_passing_on=True)
    return list(dict.fromkeys(edge.target for edge in edges if edge.target != public_id))


def withdrawal_of(team: Team, public_id: str) -> Withdrawal | None:
    return _open(team).filter(thing=public_id).first()


def withdrawn_ancestors(team: Team, public_id: str) -> list[Withdrawal]:
    """The withdrawals that hold for a thing: its own, and those of what it was made of."""
    if not _open(team).exists():
        return []
    edges = _walk(team, public_id, near="target", far="source", limit=None, is_passing_on=True)
    return withdrawn(team, [public_id, *(edge.source for edge in edges)])


def withdrawn(team: Team, ids: Iterable[str]) -> list[Withdrawal]:
    """The open withdrawals of these things themselves."""
    return [row for part in _parts(sorted(set(ids))) for row in _open(team).filter(thing__in=part).order_by("id")]


def _open(team: Team) -> QuerySet[Withdrawal]:
    return Withdrawal.objects.filter(team=team, ended_at=None).select_related("created_by")


def _walk(
    team: Team, public_id: str, *, near: str, far: str, limit: int | None, is_passing_on: bool = False
) -> list[Edge]:
    """One query for each generation; what was seen is not walked again, so a circle ends too."""
    known = Edge.objects.filter(team=team)
    if is_passing_on:
        known = known.exclude(relation__in=relations.PASSES_NOTHING_ON)
    found: list[Edge] = []
    seen, front = {public_id}, [public_id]
    while front and (limit is None or len(found) < limit):
        edges = [edge for part in _parts(front) for edge in known.filter(**{f"{near}__in": part}).order_by("id")]
        edges = edges if limit is None else edges[: limit - len(found)]
        found += edges
        front = sorted({str(getattr(edge, far)) for edge in edges} - seen)
        seen.update(front)
    return found


def _parts(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + AT_ONCE] for start in range(0, len(ids), AT_ONCE))
