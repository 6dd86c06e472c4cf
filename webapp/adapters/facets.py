"""The filters of the catalog with their numbers, from counts that the actions keep."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.functional import Promise

from webapp.accounts.models import Team
from webapp.adapters.models import Facet, Stage, Task

MOST = 400  # values of all filters together that a page reads
MOST_TAGS = 12  # chips in a row


@dataclass(frozen=True)
class Choice:
    """One value of a filter: what the address bears, what a person reads, how many adapters have it."""

    value: str
    label: str | Promise
    count: int


@dataclass(frozen=True)
class Facets:
    """All filters of one team. A value that nothing has is not offered."""

    total: int
    stages: Sequence[Choice]
    tasks: Sequence[Choice]
    licences: Sequence[Choice]
    bases: Sequence[Choice]
    owners: Sequence[Choice]
    tags: Sequence[Choice]

    def count(self, name: str, value: str) -> int | None:
        """How many adapters a single filter leaves; None for a value so rare that it was not read."""
        choices = {
            "stage": self.stages, "task": self.tasks, "licence": self.licences, "base": self.bases,
            "owner": self.owners, "tag": self.tags,
        }[name]  # fmt: skip
        return next((choice.count for choice in choices if choice.value == value), None)


def of_team(team: Team) -> Facets:
    """One question to the database, however many adapters there are."""
    rows = list(
        Facet.objects.filter(team=team)
        .select_related("base_model", "owner")
        .only("kind", "value", "count", "base_model__name", "owner__name", "owner__email")
        .order_by("kind", "-count", "value")[:MOST]
    )
    kinds = Facet.Kind
    found = {kind: [row for row in rows if row.kind == kind] for kind in kinds}
    return Facets(
        total=sum(row.count for row in found[kinds.ALL]),
        stages=_in_order(found[kinds.STAGE], [Stage.PRODUCTION, Stage.CANDIDATE, Stage.DRAFT, Stage.RETIRED]),
        tasks=_in_order(found[kinds.TASK], list(Task)),
        licences=[Choice(row.value, row.value, row.count) for row in found[kinds.LICENCE]],
        bases=[Choice(row.value, str(row.base_model), row.count) for row in found[kinds.BASE]],
        owners=[Choice(row.value, str(row.owner), row.count) for row in found[kinds.OWNER]],
        tags=[Choice(row.value, row.value, row.count) for row in found[kinds.TAG]],
    )


def total(team: Team) -> int:
    """How many adapters the team has."""
    return sum(Facet.objects.filter(team=team, kind=Facet.Kind.ALL).values_list("count", flat=True))


def _in_order(rows: Sequence[Facet], order: Sequence[Stage] | Sequence[Task]) -> list[Choice]:
    counts = {row.value: row.count for row in rows}
    return [Choice(member.value, member.label, counts[member.value]) for member in order if member.value in counts]
