"""The catalog's pages: search, stages, card, name, and what each role may do there."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.webapp.workshop import Workshop
from webapp.accounts.models import Team
from webapp.adapters import actions
from webapp.adapters.models import Adapter, AdapterVersion, Stage
from webapp.jobs.models import State

CATALOG = "/t/acme/adapters/"
As = Callable[..., Client]


@pytest.fixture
def workshop(team: Team, trainer: Any) -> Workshop:
    return Workshop(team=team, by=trainer)


def names(client: Client, query: str = "") -> list[str]:
    said = client.get(CATALOG + query).content.decode()
    return re.findall(r'<th scope="row" class="wide break"><a href="[^"]+">([^<]+)</a>', said)


def under(version: AdapterVersion, rest: str = "") -> str:
    return f"{CATALOG}{version.adapter.public_id}/{rest}"


def test_the_list_shows_the_newest_version_of_each_and_finds_by_name_description_and_base(
    client_as: As, viewer: Any, workshop: Workshop
) -> None:
    workshop.adapter("letters", description="Letters to customers")
    workshop.adapter("tickets")
    workshop.adapter("tickets")
    hub = workshop.base("Qwen/Qwen2.5-0.5B-Instruct", source="hub")
    workshop.adapter("minutes", base_model=hub)
    client = client_as(viewer)
    assert names(client) == ["minutes", "tickets", "letters"]
    assert names(client, "?q=TICK") == ["tickets"]
    assert names(client, "?q=customers") == ["letters"]
    assert names(client, "?q=qwen") == ["minutes"]
    assert "No adapter fits" in client.get(CATALOG, {"q": "<zebra>"}).content.decode()
    assert "<zebra>" not in client.get(CATALOG, {"q": "<zebra>"}).content.decode()


def test_stages_narrow_the_list_and_an_unknown_one_does_not(client_as: As, viewer: Any, workshop: Workshop) -> None:
    stands = workshop.adapter("stands")
    AdapterVersion.objects.filter(pk=stands.pk).update(stage=Stage.PRODUCTION)
    actions.relist(adapter=stands.adapter)
    workshop.adapter("tried")
    client = client_as(viewer)
    assert names(client, "?stage=production") == ["stands"]
    assert names(client, "?stage=draft") == ["tried"]
    assert len(names(client, "?stage=best")) == 2


def test_the_list_costs_the_same_for_one_and_for_thirty(
    client_as: As, viewer: Any, workshop: Workshop, django_assert_max_num_queries: Any
) -> None:
    workshop.adapter("first")
    client = client_as(viewer)
    client.get(CATALOG)
    with django_assert_max_num_queries(30) as few:
        client.get(CATALOG)
    for n in range(29):
        workshop.adapter(f"more {n}")
    with django_assert_max_num_queries(len(few.captured_queries)):
        assert len(names(client)) == 30


def test_more_than_a_page_goes_on_behind_a_link(client_as: As, viewer: Any, workshop: Workshop) -> None:
    for n in range(31):
        workshop.adapter(f"made {n}")
    client = client_as(viewer)
    said = client.get(CATALOG).content.decode()
    (link,) = re.findall(r'href="(\?after=[^"]+)" rel="next"', said)
    assert names(client, link) == ["made 0"]


def test_an_edited_card_is_kept_sanitised_and_marked_as_a_persons(
    client_as: As, trainer: Any, workshop: Workshop
) -> None:
    version = workshop.adapter("tickets")
    client = client_as(trainer)
    assert "# tickets v1" in client.get(under(version, "v1/card/edit/")).content.decode()
    text = "# For the desk\n\n<script>alert(1)</script> **bold**"
    response = client.post(under(version, "v1/card/edit/"), {"card": text})
    assert response.headers["Location"] == under(version, "v1/card/")
    said = client.get(under(version, "v1/card/")).content.decode()
    assert "<h2>For the desk</h2>" in said and "<strong>bold</strong>" in said
    assert "<script>alert" not in said
    assert "written by a person" in said


def test_a_card_that_is_too_long_is_refused_in_words_and_not_lost(
    client_as: As, trainer: Any, workshop: Workshop
) -> None:
    version = workshop.adapter("tickets")
    response = client_as(trainer).post(under(version, "v1/card/edit/"), {"card": "x" * 100_001})
    assert response.status_code == 422
    assert "100001" in response.content.decode() and "x" * 100_001 in response.content.decode()
    version.refresh_from_db()
    assert not version.is_card_edited


def test_a_name_and_a_description_are_changed_and_the_address_stays(
    client_as: As, trainer: Any, workshop: Workshop
) -> None:
    version = workshop.adapter("tickets")
    body = {"name": "  job   tickets ", "description": "Messages as tickets"}
    response = client_as(trainer).post(under(version, "rename/"), body)
    assert response.headers["Location"] == under(version)
    adapter = Adapter.objects.get()
    assert (adapter.name, adapter.description) == ("job tickets", "Messages as tickets")


def test_a_taken_name_is_refused_with_a_sentence_at_its_field(client_as: As, trainer: Any, workshop: Workshop) -> None:
    workshop.adapter("letters")
    version = workshop.adapter("tickets")
    response = client_as(trainer).post(under(version, "rename/"), {"name": "letters"})
    assert response.status_code == 422
    said = response.content.decode()
    assert "The team already has an adapter “letters”. Choose another name." in said
    assert 'aria-invalid="true"' in said
    assert Adapter.objects.filter(name="tickets").exists()


@pytest.mark.parametrize("page", ["rename/", "delete/", "v1/card/edit/"])
@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("reviewer", 403), ("stranger", 404)])
def test_who_may_not_change_is_refused(
    page: str, role: str, status: int, request: pytest.FixtureRequest, client_as: As, workshop: Workshop
) -> None:
    version = workshop.adapter("tickets")
    client = client_as(request.getfixturevalue(role))
    assert client.get(under(version, page)).status_code == status
    assert client.post(under(version, page), {"name": "x", "card": "x"}).status_code == status
    version.adapter.refresh_from_db()
    assert (version.adapter.name, version.adapter.deleted_at) == ("tickets", None)


def test_a_trainer_is_not_offered_to_change_what_another_made(
    client_as: As, trainer: Any, maintainer: Any, workshop: Workshop
) -> None:
    version = workshop.adapter("tickets")
    Adapter.objects.update(created_by=maintainer)
    said = client_as(trainer).get(under(version, "v1/")).content.decode()
    assert "/rename/" not in said and "/delete/" not in said
    for page in ("delete/", "rename/", "v1/card/edit/"):
        assert client_as(trainer).get(under(version, page)).status_code == 403


def test_an_older_version_says_that_there_is_a_newer_one(client_as: As, viewer: Any, workshop: Workshop) -> None:
    old = workshop.adapter("tickets")
    workshop.adapter("tickets")
    client = client_as(viewer)
    assert client.get(under(old)).headers["Location"] == under(old, "v2/")
    assert "there is a v2" in client.get(under(old, "v1/")).content.decode()
    assert "there is a v" not in client.get(under(old, "v2/")).content.decode()
    assert client.get(under(old, "v3/")).status_code == 404


@pytest.mark.parametrize(
    ("state", "words"),
    [(State.QUEUED, "Being measured"), (State.SUCCEEDED, "See the answers"), (State.FAILED, "The last report failed")],
)
def test_the_page_says_how_far_the_version_is_measured(
    state: State, words: str, client_as: As, trainer: Any, workshop: Workshop
) -> None:
    version = workshop.adapter("tickets")
    workshop.report(version, state)
    said = client_as(trainer).get(under(version, "v1/")).content.decode()
    assert words in said
    assert ("Measure now" in said) == (state == State.FAILED)


def test_a_hub_model_is_named_by_id_and_commit_in_the_snippet_and_another_by_its_weights(
    client_as: As, viewer: Any, workshop: Workshop
) -> None:
    hub = workshop.base("Qwen/Qwen2.5-0.5B", source="hub", repository="Qwen/Qwen2.5-0.5B", commit="c0ffee")
    said = client_as(viewer).get(under(workshop.adapter("a", base_model=hub), "v1/")).content.decode()
    assert "from_pretrained(&quot;Qwen/Qwen2.5-0.5B&quot;, revision=&quot;c0ffee&quot;)" in said
    said = client_as(viewer).get(under(workshop.adapter("b"), "v1/")).content.decode()
    assert "a folder with exactly the weights of tunesmith/smollm2-135m-instruct-q4_1" in said


def test_who_may_hold_no_token_is_not_told_to_use_one(
    client_as: As, viewer: Any, reviewer: Any, workshop: Workshop
) -> None:
    page = under(workshop.adapter("tickets"), "v1/")
    assert "$TOKEN" in client_as(reviewer).get(page).content.decode()
    assert "$TOKEN" not in client_as(viewer).get(page).content.decode()
