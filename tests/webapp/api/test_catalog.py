"""What a program reads and changes of the catalog's facts: licences, cards, lineage, withdrawals."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.webapp.workshop import Workshop
from webapp.accounts.models import Team


@pytest.fixture
def workshop(team: Team, trainer: Any) -> Workshop:
    return Workshop(team=team, by=trainer)


def test_a_program_reads_and_changes_the_licence_of_a_dataset(
    program: Callable[..., Any], workshop: Workshop, trainer: Any
) -> None:
    version, client = workshop.version(), program(trainer)
    path = f"/datasets/{version.dataset.public_id}"
    status, changed = client.ask("PATCH", path, {"licence": "mit"})
    assert (status, changed["licence"], changed["name"]) == (200, "MIT", version.dataset.name)
    assert client.ask("GET", path)[1]["licence"] == "MIT"
    adapter = workshop.adapter("tickets")
    _status, found = client.ask("GET", f"/adapters/{adapter.adapter.public_id}/versions/1")
    assert found["licence"] == "Apache-2.0"
    assert "asks the same" in found["licence_reason"]
