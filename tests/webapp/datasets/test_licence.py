"""What is said about the terms of data, at every door, and how it travels on."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.webapp.workshop import Workshop
from webapp.accounts.models import Team
from webapp.audit import words
from webapp.audit.models import Event
from webapp.core.faults import UserFault
from webapp.datasets import actions
from webapp.datasets.models import Dataset

As = Callable[..., Client]


@pytest.fixture
def workshop(team: Team, trainer: Any) -> Workshop:
    return Workshop(team=team, by=trainer)


def test_the_upload_form_asks_for_the_licence_and_keeps_it(
    client_as: As, trainer: Any, chat_file: Callable[..., bytes]
) -> None:
    file = SimpleUploadedFile("rows.jsonl", chat_file())
    values = {"file": file, "validation_share": "0.1", "licence": "CC-BY-SA-4.0"}
    assert client_as(trainer).post("/t/acme/datasets/new/", values).status_code == 302
    assert Dataset.objects.get().licence == "CC-BY-SA-4.0"


def test_the_sample_bears_the_licence_that_it_ships_with(team: Team, trainer: Any) -> None:
    assert actions.import_sample(by=trainer, team=team).dataset.licence == "Apache-2.0"


def test_a_known_licence_is_kept_by_its_id_and_other_words_as_they_are(workshop: Workshop, trainer: Any) -> None:
    dataset = workshop.version().dataset
    for said, kept in [
        ("cc-by-4.0", "CC-BY-4.0"),
        (" Contract \n 17 ", "Contract 17"),
        ("unknown", ""),
        ("OWN", "own"),
    ]:
        actions.edit(by=trainer, dataset=dataset, name=dataset.name, licence=said)
        assert dataset.licence == kept
    with pytest.raises(UserFault, match="at most 80"):
        actions.edit(by=trainer, dataset=dataset, name=dataset.name, licence="x" * 81)


def test_another_licence_travels_on_to_the_adapters_that_learned_from_it(workshop: Workshop, trainer: Any) -> None:
    learned, other = workshop.adapter("tickets"), workshop.adapter("letters", dataset_version=workshop.version("Mail"))
    dataset = learned.run.dataset_version.dataset
    assert learned.licence == other.licence == "unknown"
    actions.edit(by=trainer, dataset=dataset, name=dataset.name, licence="CC-BY-NC-4.0")
    learned.refresh_from_db()
    other.refresh_from_db()
    assert (learned.licence, other.licence) == ("CC-BY-NC-4.0", "unknown")
    said = words.plain(Event.objects.get(verb="dataset.licensed"))
    assert "from unknown to CC-BY-NC-4.0" in said


def test_the_page_of_an_adapter_shows_the_stricter_licence_and_why(
    workshop: Workshop, client_as: As, viewer: Any
) -> None:
    version = workshop.adapter("tickets")
    page = f"/t/acme/adapters/{version.adapter.public_id}/v1/"
    Dataset.objects.update(licence="CC-BY-SA-4.0")
    said = client_as(viewer).get(page).content.decode()
    assert "CC-BY-SA-4.0" in said
    assert "asks more than the base model’s Apache-2.0" in said
