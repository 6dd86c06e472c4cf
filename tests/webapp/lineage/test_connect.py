"""What was made from what."""

import itertools
from typing import Any

import pytest

from webapp.lineage import actions, queries
from webapp.lineage.models import Edge

pytestmark = pytest.mark.django_db


def _chain(team: Any, *ids: str) -> None:
    for source, target in itertools.pairwise(ids):
        actions.connect(team=team, source=source, target=target, relation="made")


def test_connecting_twice_is_one_edge(team: Any) -> None:
    _chain(team, "dver_1", "run_1")
    _chain(team, "dver_1", "run_1")
    assert Edge.objects.count() == 1


def test_ancestors_and_descendants_come_nearest_first(team: Any) -> None:
    _chain(team, "dver_1", "run_1", "aver_1")
    _chain(team, "base_1", "run_1")
    assert [edge.source for edge in queries.ancestors(team, "aver_1")] == ["run_1", "dver_1", "base_1"]
    assert [edge.target for edge in queries.descendants(team, "dver_1")] == ["run_1", "aver_1"]


def test_another_team_sees_nothing(team: Any, other_team: Any) -> None:
    _chain(team, "dver_1", "run_1")
    assert queries.descendants(other_team, "dver_1") == []


def test_a_circle_ends(team: Any) -> None:
    _chain(team, "a", "b", "c", "a")
    assert len(queries.descendants(team, "a")) == 3


def test_nothing_is_made_from_itself(team: Any) -> None:
    with pytest.raises(ValueError, match="itself"):
        actions.connect(team=team, source="a", target="a", relation="made")
