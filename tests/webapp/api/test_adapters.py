"""Finding and describing adapters by program."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.webapp.api.conftest import Program
from tests.webapp.workshop import Workshop
from webapp.accounts.models import Team
from webapp.adapters import actions

Make = Callable[..., Program]


@pytest.fixture
def workshop(team: Team, trainer: Any) -> Workshop:
    return Workshop(team=team, by=trainer)


def test_filters_orders_and_cursors_work_as_in_the_browser(program: Make, trainer: Any, workshop: Workshop) -> None:
    for n, name in enumerate(("letters", "tickets", "minutes", "Notes")):
        adapter = workshop.adapter(name, losses=(2.0, 0.5 + n / 10)).adapter
        actions.describe(by=None, adapter=adapter, task="chat" if n < 3 else "", tags=["desk"] if n % 2 else [])
    ask = program(trainer).ask

    def names(query: str) -> list[str]:
        found: list[str] = []
        cursor = ""
        while cursor is not None:
            status, page = ask("GET", f"/adapters?limit=1&{query}" + (f"&cursor={cursor}" if cursor else ""))
            assert status == 200
            found += [item["name"] for item in page["items"]]
            cursor = page["next"]
        return found

    assert names("") == ["Notes", "minutes", "tickets", "letters"]
    assert names("sort=name") == ["letters", "minutes", "Notes", "tickets"]
    assert names("sort=gain&task=chat") == ["letters", "tickets", "minutes"]
    assert names("tag=desk&q=tick") == ["tickets"]
    assert names("q=zebra") == []


def test_a_row_says_what_the_list_shows(program: Make, trainer: Any, workshop: Workshop) -> None:
    adapter = workshop.adapter("letters", losses=(2.0, 0.5)).adapter
    actions.describe(by=None, adapter=adapter, task="writing", tags=["b", "a"])
    _status, page = program(trainer).ask("GET", "/adapters")
    (item,) = page["items"]
    assert item == program(trainer).ask("GET", f"/adapters/{adapter.public_id}")[1]
    expected = {
        "task": "writing", "tags": ["a", "b"], "owner": trainer.public_id, "licence": "unknown", "stage": "draft",
        "newest_version": 1, "loss": 0.5, "base_loss": 2.0, "gain": 0.75, "production": None,
        "base_name": "tunesmith/smollm2-135m-instruct-q4_1",
    }  # fmt: skip
    assert {name: item[name] for name in expected} == expected


def test_a_program_names_describes_and_tags(program: Make, trainer: Any, workshop: Workshop) -> None:
    path = f"/adapters/{workshop.adapter('letters').adapter.public_id}"
    body = {"name": "letters-fr", "description": "To customers", "task": "writing", "tags": ["French", "two  words"]}
    status, said = program(trainer).ask("PATCH", path, body)
    assert status == 200
    assert {name: said[name] for name in body} == body | {"tags": ["french", "two-words"]}
    _status, said = program(trainer).ask("PATCH", path, {"description": "To clients"})
    assert (said["name"], said["description"], said["tags"]) == ("letters-fr", "To clients", ["french", "two-words"])


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"task": "poetry", "name": "other"}, "bad_task", "task"),
        ({"tags": ["a/b"], "name": "other"}, "bad_tag", "tags"),
        ({"tags": ["x" * 41], "name": "other"}, "bad_tag", "tags"),
        ({"tags": [f"t{n}" for n in range(21)], "name": "other"}, "too_many_tags", "tags"),
        ({"name": "  "}, "bad_name", "name"),
        ({"colour": "red"}, "invalid", "colour"),
    ],
)
def test_words_that_cannot_be_are_refused_and_nothing_is_changed(
    body: dict[str, Any], code: str, field: str, program: Make, trainer: Any, workshop: Workshop
) -> None:
    adapter = workshop.adapter("letters").adapter
    status, problem = program(trainer).ask("PATCH", f"/adapters/{adapter.public_id}", body)
    assert (status, problem["code"]) == (422, code)
    assert field in problem["field"]
    adapter.refresh_from_db()
    assert adapter.name == "letters"


@pytest.mark.parametrize(("role", "scope", "status"), [("reviewer", "promote", 403), ("stranger", "train", 404)])
def test_who_may_not_change_is_refused(
    role: str, scope: str, status: int, request: pytest.FixtureRequest, program: Make, workshop: Workshop
) -> None:
    adapter = workshop.adapter("letters").adapter
    who = program(request.getfixturevalue(role), scopes=("read", scope))
    assert who.ask("PATCH", f"/adapters/{adapter.public_id}", {"tags": ["mine"]})[0] == status
    assert not adapter.tags.exists()
