"""Writing down what was made from what."""

from webapp.accounts.models import Team
from webapp.lineage.models import Edge


def connect(*, team: Team, source: str, target: str, relation: str) -> None:
    """`target` was made from `source` (public ids), in the way that `relation` names. Repeating it changes nothing."""
    if source == target:
        raise ValueError("nothing is made from itself")
    Edge.objects.get_or_create(team=team, source=source, target=target, relation=relation)
