"""What is inside a version, and lower ranks of it, for programs."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.webapp.api.conftest import Program
from tests.webapp.workshop import Workshop
from webapp.accounts.models import Team
from webapp.adapters.models import AdapterVersion, Compression
from webapp.jobs.models import State

Make = Callable[..., Program]


@pytest.fixture
def workshop(team: Team, trainer: Any) -> Workshop:
    return Workshop(team=team, by=trainer)


@pytest.fixture
def tickets(workshop: Workshop) -> AdapterVersion:
    return workshop.adapter("tickets")


def under(version: AdapterVersion) -> str:
    return f"/adapters/{version.adapter.public_id}/versions/{version.number}"


def test_a_look_is_ordered_and_then_read(
    program: Make, trainer: Any, workshop: Workshop, tickets: AdapterVersion
) -> None:
    asked = program(trainer)
    assert asked.ask("GET", f"{under(tickets)}/anatomy")[1]["state"] == "unknown"
    status, look = asked.ask("POST", f"{under(tickets)}/anatomy")
    assert (status, look["state"], look["job"]["kind"]) == (202, "under_way", "inspect")
    status, problem = asked.ask("POST", f"{under(tickets)}/anatomy")
    assert (status, problem["code"]) == (409, "already_inspecting")
    other = workshop.adapter("known")
    workshop.look_inside(other, layers=6)
    status, known = asked.ask("GET", f"{under(other)}/anatomy")
    assert (status, known["state"], known["rank"], known["behaves_as"]) == (200, "known", 16, 4)
    assert "behaves as 4" in known["verdict"]
    assert (len(known["kept"]), len(known["modules"]), len(known["layers"])) == (16, 42, 6)


def test_a_lower_rank_is_ordered_once_with_a_key_and_listed(
    program: Make, trainer: Any, workshop: Workshop, tickets: AdapterVersion
) -> None:
    workshop.look_inside(tickets, layers=2)
    asked = program(trainer)
    status, order = asked.ask("POST", f"{under(tickets)}/compressions", {"share": 0.99}, **{"idempotency-key": "k"})
    assert (status, order["rank"], order["state"], order["made"]) == (201, 4, "queued", None)
    again = asked.ask("POST", f"{under(tickets)}/compressions", {"share": 0.99}, **{"idempotency-key": "k"})[1]
    assert again["id"] == order["id"] and Compression.objects.count() == 1
    assert [item["id"] for item in asked.ask("GET", f"{under(tickets)}/compressions")[1]] == [order["id"]]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"rank": 16}, "bad_rank"),
        ({"rank": 0}, "bad_rank"),
        ({"share": 1.5}, "bad_share"),
        ({}, "rank_or_share"),
        ({"rank": "four"}, "invalid"),
        ({"rank": 2.5}, "invalid"),
        ({"level": 9}, "invalid"),
    ],
)
def test_what_cannot_be_is_a_problem_with_its_sentence(
    program: Make, trainer: Any, workshop: Workshop, tickets: AdapterVersion, body: dict[str, Any], code: str
) -> None:
    workshop.look_inside(tickets, layers=2)
    status, problem = program(trainer).ask("POST", f"{under(tickets)}/compressions", body)
    assert (status, problem["code"]) == (422, code) and problem["detail"]


def test_who_may_only_look_reads_and_orders_nothing_and_others_find_nothing(
    program: Make, reviewer: Any, stranger: Any, workshop: Workshop, tickets: AdapterVersion
) -> None:
    workshop.look_inside(tickets, layers=2)
    workshop.compression(tickets, State.FAILED, fault="disk_full")
    asked = program(reviewer, ("read",))
    assert asked.ask("GET", f"{under(tickets)}/anatomy")[0] == 200
    (failed,) = asked.ask("GET", f"{under(tickets)}/compressions")[1]
    assert failed["job"]["fault"]["code"] == "disk_full"
    assert asked.ask("POST", f"{under(tickets)}/compressions", {"rank": 2})[0] == 403
    assert asked.ask("POST", f"{under(tickets)}/anatomy")[0] == 403
    assert program(stranger).ask("GET", f"{under(tickets)}/anatomy")[0] == 404
