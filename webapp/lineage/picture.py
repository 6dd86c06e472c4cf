"""What the page of a thing's lineage shows: the picture, the same as a list, and what of it is withdrawn."""

from collections.abc import Sequence
from dataclasses import dataclass

from webapp.accounts.models import Team
from webapp.lineage import graph, queries, relations, things
from webapp.lineage.models import Edge, Withdrawal
from webapp.lineage.things import Thing


@dataclass(frozen=True)
class Line:
    """One thing of the list: how it hangs together with the thing that stands nearer, by id and by name."""

    thing: Thing
    edge: Edge
    near: str
    of: str

    @property
    def relation(self) -> str:
        return relations.words(self.edge.relation)


@dataclass(frozen=True)
class Picture:
    thing: Thing
    columns: Sequence[Sequence[Thing]]
    layout: graph.Layout
    before: Sequence[Line]
    after: Sequence[Line]
    withdrawals: Sequence[Withdrawal]
    withdrawn_ids: frozenset[str]

    @property
    def is_alone(self) -> bool:
        return not self.before and not self.after

    @property
    def own(self) -> Withdrawal | None:
        """The withdrawal of the thing itself."""
        return next((row for row in self.withdrawals if row.thing == self.thing.public_id), None)


def of(team: Team, thing: Thing) -> Picture:
    center = thing.public_id
    before, after = queries.ancestors(team, center), queries.descendants(team, center)
    ids = [center, *(id for edge in [*before, *after] for id in (edge.source, edge.target))]
    known = {center: thing} | things.find(team, [id for id in ids if id != center])
    layout = graph.layout(center, _pairs(before), _pairs(after))
    return Picture(
        thing=thing,
        columns=[[known.get(id) or things.gone(id) for id in column] for column in layout.columns],
        layout=layout,
        before=[_line(edge, edge.source, edge.target, known) for edge in before],
        after=[_line(edge, edge.target, edge.source, known) for edge in after],
        withdrawals=queries.withdrawn_ancestors(team, center),
        withdrawn_ids=frozenset(row.thing for row in queries.withdrawn(team, ids)),
    )


def _pairs(edges: Sequence[Edge]) -> list[graph.Pair]:
    return [(edge.source, edge.target) for edge in edges]


def _line(edge: Edge, far: str, near: str, known: dict[str, Thing]) -> Line:
    found, nearer = known.get(far) or things.gone(far), known.get(near) or things.gone(near)
    return Line(thing=found, edge=edge, near=near, of=nearer.name)
