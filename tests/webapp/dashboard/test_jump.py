"""The palette: places and things by name, of this team only."""

from collections.abc import Callable
from typing import Any

from django.test import Client

from tests.webapp.workshop import Workshop
from webapp.accounts.models import Team
from webapp.adapters import actions as adapters

As = Callable[..., Client]


def options(client: Client, wanted: str) -> str:
    response = client.get("/t/acme/jump/", {"q": wanted}, headers={"HX-Request": "true"})
    assert response.status_code == 200
    return response.content.decode()


def test_without_scripts_the_link_leads_to_a_page(client_as: As, owner: Any, team: Team) -> None:
    first = client_as(owner).get("/t/acme/jump/").content.decode()
    assert "What are you looking for?" in first and 'href="/t/acme/datasets/"' in first
    found = client_as(owner).get("/t/acme/jump/", {"q": "cata"}).content.decode()
    assert "One thing has <em>cata</em> in its name." in found and 'value="cata"' in found
    nothing = client_as(owner).get("/t/acme/jump/", {"q": "<b>none"}).content.decode()
    assert "Nothing is called <em>&lt;b&gt;none.</em>" in nothing and "<b>none" not in nothing


def test_without_words_it_offers_the_places(client_as: As, owner: Any, team: Team) -> None:
    said = options(client_as(owner), "")
    assert "Catalog" in said and "Datasets" in said
    assert "Catalog" in options(client_as(owner), "cata")
    assert "Datasets" not in options(client_as(owner), "cata")


def test_it_finds_things_of_each_kind_by_a_part_of_their_names(client_as: As, owner: Any, workshop: Workshop) -> None:
    workshop.adapter("tickets r16", dataset_version=workshop.version("Old tickets"))
    said = options(client_as(owner), "TICKETS")
    for title in ("Runs", "Datasets", "Adapters"):
        assert f">{title}</p>" in said
    assert ">Base models</p>" not in said
    assert "smollm2" in options(client_as(owner), "smoll")


def test_what_is_deleted_or_another_teams_is_not_found(
    client_as: As, owner: Any, workshop: Workshop, other_team: Team, stranger: Any
) -> None:
    adapters.delete(by=None, adapter=workshop.adapter("tickets r16").adapter)
    Workshop(team=other_team, by=stranger).adapter("tickets of theirs")
    said = options(client_as(owner), "tickets")
    assert "tickets of theirs" not in said
    assert ">Adapters</p>" not in said


def test_an_adapter_is_found_by_what_it_is_for_as_in_the_catalog(client_as: As, owner: Any, workshop: Workshop) -> None:
    workshop.adapter("r16", description="Messages as job tickets")
    assert ">r16</span>" in options(client_as(owner), "messages job")


def test_a_stranger_gets_nothing(client_as: As, stranger: Any, team: Team) -> None:
    response = client_as(stranger).get("/t/acme/jump/", {"q": "a"}, headers={"HX-Request": "true"})
    assert response.status_code == 404
