"""Who sets a team's gates, and which make sense."""

import math
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404

from webapp.accounts.models import Team
from webapp.adapters import actions
from webapp.adapters.models import Gate
from webapp.audit.models import Event
from webapp.core.faults import UserFault

RIGHT: dict[str, Any] = {"stage": "production", "rule": "at_least", "score": "json_fields", "limit": 0.9}


def test_an_owner_adds_changes_and_removes_a_gate_and_all_of_it_is_on_record(team: Team, owner: Any) -> None:
    gate = actions.add_gate(by=owner, team=team, **RIGHT)
    actions.change_gate(by=owner, gate=gate, **(RIGHT | {"limit": 0.5}))
    assert Gate.objects.get().limit == 0.5
    actions.remove_gate(by=owner, gate=gate)
    assert not Gate.objects.exists()
    lines = Event.objects.filter(verb__startswith="gate.").order_by("id").values_list("verb", "data__limit")
    assert list(lines) == [("gate.added", 0.9), ("gate.changed", 0.5), ("gate.removed", 0.5)]
    assert Event.objects.get(verb="gate.changed").data["was"]["limit"] == 0.9


def test_nobody_but_an_owner_sets_gates(team: Team, owner: Any, maintainer: Any, reviewer: Any, stranger: Any) -> None:
    gate = actions.add_gate(by=owner, team=team, **RIGHT)
    for person, error in ((maintainer, PermissionDenied), (reviewer, PermissionDenied), (stranger, Http404)):
        with pytest.raises(error):
            actions.add_gate(by=person, team=team, **RIGHT)
        with pytest.raises(error):
            actions.change_gate(by=person, gate=gate, **RIGHT)
        with pytest.raises(error):
            actions.remove_gate(by=person, gate=gate)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"stage": "draft"}, "stage"),
        ({"rule": "is_nice"}, "rule"),
        ({"score": "  "}, "score"),
        ({"score": "a\nb"}, "score"),
        ({"score": "x" * 81}, "score"),
        ({"limit": math.nan}, "limit"),
        ({"limit": math.inf}, "limit"),
        ({"rule": "near_base", "limit": -0.1}, "limit"),
        ({"rule": "approvals", "limit": 0}, "limit"),
        ({"rule": "approvals", "limit": 1.5}, "limit"),
        ({"rule": "approvals", "limit": 11}, "limit"),
    ],
)
def test_a_gate_that_makes_no_sense_is_refused_at_its_field(
    team: Team, owner: Any, wrong: dict[str, Any], field: str
) -> None:
    with pytest.raises(UserFault) as raised:
        actions.add_gate(by=owner, team=team, **(RIGHT | wrong))
    assert raised.value.field == field
    assert not Gate.objects.exists()


def test_the_same_rule_for_the_same_score_is_set_once(team: Team, owner: Any) -> None:
    actions.add_gate(by=owner, team=team, **RIGHT)
    with pytest.raises(UserFault, match="has this gate already"):
        actions.add_gate(by=owner, team=team, **(RIGHT | {"limit": 0.5}))
    actions.add_gate(by=owner, team=team, **(RIGHT | {"stage": "candidate"}))
    assert Gate.objects.count() == 2


def test_counted_approvals_read_no_score(team: Team, owner: Any) -> None:
    gate = actions.add_gate(by=owner, team=team, stage="production", rule="approvals", score="json_fields", limit=2)
    assert gate.score == ""
