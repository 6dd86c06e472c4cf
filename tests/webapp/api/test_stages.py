"""Stages, reviews and gates for programs."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.webapp.adapters.conftest import make_next  # noqa: F401
from tests.webapp.api.conftest import Program
from webapp.accounts.models import Team
from webapp.adapters.models import AdapterVersion, Gate, Rule

Make = Callable[..., Program]
PROMOTE = ("read", "promote")
GATE = {"stage": "candidate", "rule": "at_most", "score": "validation_loss", "limit": 0.1}


def under(version: AdapterVersion, rest: str = "") -> str:
    return f"/adapters/{version.adapter.public_id}/versions/{version.number}/{rest}"


def test_a_program_moves_a_version_and_reads_who_holds_what(
    version: AdapterVersion, program: Make, reviewer: Any
) -> None:
    asked, adapter = program(reviewer, PROMOTE), f"/adapters/{version.adapter.public_id}"
    assert asked.ask("GET", f"{adapter}/stages")[1] == {
        "candidate": None,
        "production": None,
        "before_production": None,
        "seen": "",
    }
    status, made = asked.ask("POST", under(version, "stage"), {"stage": "candidate", "reason": "good", "seen": ""})
    assert (status, made["to_stage"], made["by"], made["reason"]) == (200, "candidate", reviewer.email, "good")
    held = asked.ask("GET", f"{adapter}/stages")[1]
    assert (held["candidate"], held["seen"]) == (1, made["id"])
    assert [row["id"] for row in asked.ask("GET", f"{adapter}/stage-changes")[1]["items"]] == [made["id"]]


def test_a_gate_refuses_a_program_with_its_results(
    version: AdapterVersion, team: Team, program: Make, reviewer: Any
) -> None:
    Gate.objects.create(team=team, stage="candidate", rule=Rule.AT_MOST, score="validation_loss", limit=0.1)
    asked = program(reviewer, PROMOTE)
    assert asked.ask("GET", under(version, "gates/candidate"))[1][0]["outcome"] == "failed"
    status, problem = asked.ask("POST", under(version, "stage"), {"stage": "candidate"})
    assert (status, problem["code"], problem["gates"][0]["value"]) == (409, "gate_refused", 0.5)
    version.refresh_from_db()
    assert version.stage == "draft"
    refused = asked.ask("GET", f"/adapters/{version.adapter.public_id}/stage-changes")[1]["items"][0]
    assert (refused["refusal"], refused["gates"][0]["outcome"]) == ("gate", "failed")


def test_who_looked_before_another_decided_gets_a_409(
    make_next: Callable[..., AdapterVersion],
    program: Make,
    reviewer: Any,
    maintainer: Any,
) -> None:
    first, second = make_next(), make_next()
    program(maintainer, PROMOTE).ask("POST", under(first, "stage"), {"stage": "candidate"})
    body = {"stage": "candidate", "seen": ""}
    status, problem = program(reviewer, PROMOTE).ask("POST", under(second, "stage"), body)
    assert (status, problem["code"]) == (409, "decided_meanwhile")
    assert "Milo Maintainer was faster" in problem["detail"]


def test_a_rollback_by_a_program_and_one_that_has_nowhere_to_go(
    make_next: Callable[..., AdapterVersion],
    program: Make,
    reviewer: Any,
) -> None:
    first, second = make_next(), make_next()
    asked = program(reviewer, PROMOTE)
    rollback = f"/adapters/{first.adapter.public_id}/rollback"
    assert asked.ask("POST", rollback, {})[0] == 409
    for version in (first, second):
        for stage in ("candidate", "production"):
            assert asked.ask("POST", under(version, "stage"), {"stage": stage})[0] == 200
    status, made = asked.ask("POST", rollback, {"reason": "English answers"})
    assert (status, made["version"], made["cause"]) == (200, 1, "rolled_back")


def test_a_review_is_asked_for_and_answered(
    version: AdapterVersion, program: Make, trainer: Any, reviewer: Any
) -> None:
    asks, answers = program(trainer), program(reviewer, PROMOTE)
    status, review = asks.ask("POST", under(version, "reviews"), {"stage": "candidate", "word": "Please."})
    assert (status, review["outcome"]) == (201, "open")
    status, approved = answers.ask("POST", f"/reviews/{review['id']}/approve", {"word": "Yes."})
    assert (status, approved["opinions"][0]["by"]) == (200, reviewer.email)
    status, closed = answers.ask("POST", f"/reviews/{review['id']}/send-back", {})
    assert (status, closed["outcome"]) == (200, "sent_back")
    assert answers.ask("POST", f"/reviews/{review['id']}/approve", {})[1]["code"] == "review_closed"
    assert [row["id"] for row in asks.ask("GET", under(version, "reviews"))[1]] == [review["id"]]


def test_a_token_needs_the_scope_and_its_owner_the_role(
    version: AdapterVersion, program: Make, reviewer: Any, trainer: Any, maintainer: Any
) -> None:
    for asked in (program(reviewer, ("read",)), program(trainer), program(maintainer, ("read", "admin"))):
        assert asked.ask("POST", under(version, "stage"), {"stage": "candidate"})[0] == 403
        assert asked.ask("POST", f"/adapters/{version.adapter.public_id}/rollback", {})[0] == 403
    assert program(reviewer, ("read",)).ask("POST", under(version, "reviews"), {"stage": "candidate"})[0] == 403
    for asked in (program(maintainer, ("read", "admin", "promote")), program(trainer)):
        assert asked.ask("POST", "/gates", GATE)[0] == 403


def test_a_program_of_another_team_finds_nothing(version: AdapterVersion, program: Make, stranger: Any) -> None:
    asked = program(stranger, ("read", "promote", "admin"))
    assert asked.ask("POST", under(version, "stage"), {"stage": "candidate"})[0] == 404
    assert asked.ask("GET", under(version, "gates/candidate"))[0] == 404
    gate = Gate.objects.create(team=version.adapter.team, **GATE)
    assert asked.ask("PUT", f"/gates/{gate.public_id}", GATE)[0] == 404
    assert asked.ask("DELETE", f"/gates/{gate.public_id}")[0] == 404
    assert asked.ask("GET", "/gates")[1] == []


def test_an_owners_program_sets_gates(version: AdapterVersion, program: Make, owner: Any) -> None:
    asked = program(owner, ("read", "admin"))
    status, gate = asked.ask("POST", "/gates", GATE)
    assert (status, gate["sentence"], gate["is_known"]) == (201, "Held-out loss is at most 0.1", True)
    status, changed = asked.ask("PUT", f"/gates/{gate['id']}", GATE | {"limit": 0.2, "score": "suite.x"})
    assert (status, changed["limit"], changed["is_known"]) == (200, 0.2, False)
    assert [row["id"] for row in asked.ask("GET", "/gates")[1]] == [gate["id"]]
    assert asked.ask("POST", "/gates", GATE | {"rule": "is_nice"})[1]["field"] == "rule"
    assert asked.ask("DELETE", f"/gates/{gate['id']}")[0] == 204
    assert not Gate.objects.exists()


@pytest.mark.parametrize("body", [{}, {"stage": "gold"}, {"stage": 3}, {"stage": "candidate", "force": True}])
def test_a_body_that_is_not_right_is_422(
    version: AdapterVersion, program: Make, reviewer: Any, body: dict[str, Any]
) -> None:
    assert program(reviewer, PROMOTE).ask("POST", under(version, "stage"), body)[0] == 422
