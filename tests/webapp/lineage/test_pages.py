"""The pages of lineage."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.webapp.api.conftest import program  # noqa: F401
from tests.webapp.workshop import Workshop
from webapp.accounts.models import Team
from webapp.datasets.models import Dataset
from webapp.lineage import actions, picture, relations, things

As = Callable[..., Client]


@pytest.fixture
def workshop(team: Team, trainer: Any) -> Workshop:
    return Workshop(team=team, by=trainer)


def test_an_adapter_s_page_leads_both_ways(workshop: Workshop, client_as: As, viewer: Any) -> None:
    version = workshop.adapter("tickets")
    report = workshop.report(version)
    said = client_as(viewer).get(f"/t/acme/adapters/{version.adapter.public_id}/v1/lineage/").content.decode()
    assert version.run is not None
    for thing in (version.run, version.run.dataset_version, version.base_model, report):
        assert things.find(version.adapter.team, [thing.public_id])[thing.public_id].url in said
    assert "*" not in said.split('class="verdict"')[1].split("</p>")[0]


def test_every_kind_of_thing_has_its_page(workshop: Workshop, client_as: As, viewer: Any) -> None:
    version = workshop.adapter("tickets")
    report, run = workshop.report(version), version.run
    assert run is not None
    for thing in (version, run, run.dataset_version, version.base_model, report):
        answer = client_as(viewer).get(f"/t/acme/lineage/{thing.public_id}/")
        assert answer.status_code == 200
        assert "Where it comes from" in answer.content.decode()


def test_what_was_deleted_stays_in_the_picture_without_a_link(
    workshop: Workshop, client_as: As, viewer: Any, team: Team
) -> None:
    version = workshop.adapter("tickets")
    Dataset.objects.update(deleted_at="2026-01-01T00:00Z")
    actions.connect(team=team, source="dver_gone", target=version.public_id, relation="combined")
    found = picture.of(team, things.find(team, [version.public_id])[version.public_id])
    names = {line.thing.name: line.thing for line in found.before}
    assert names["Workshop tickets v1"].url == "" and names["Workshop tickets v1"].note == "deleted"
    assert names["deleted for good"].kind == "gone"
    page = f"/t/acme/lineage/{version.public_id}/"
    assert "deleted for good" in client_as(viewer).get(page).content.decode()


def test_the_number_of_questions_does_not_grow_with_the_picture(
    workshop: Workshop, team: Team, django_assert_max_num_queries: Any
) -> None:
    base = workshop.base()
    for n in range(12):
        workshop.adapter(f"tickets {n}")
    thing = things.find(team, [base.public_id])[base.public_id]
    with django_assert_max_num_queries(12):
        found = picture.of(team, thing)
    assert len(found.after) == 24


def test_every_relation_that_the_product_writes_has_words() -> None:
    written = {"data", "base", "recipe", "revised", "remapped", "trained", "measured"}
    assert written <= set(relations.WORDS)
    assert relations.words("something new") == ""
    assert set(relations.WORDS) >= relations.PASSES_NOTHING_ON


def test_a_program_reads_lineage_withdraws_and_undoes(
    workshop: Workshop, program: Callable[..., Any], trainer: Any
) -> None:
    version, client = workshop.adapter("tickets"), program(trainer)
    assert version.run is not None
    data = version.run.dataset_version.public_id
    status, found = client.ask("GET", f"/lineage/{version.public_id}")
    assert status == 200
    assert {(line["kind"], line["relation"]) for line in found["made_from"]} == {
        ("run", "trained"), ("dataset", "data"), ("base_model", "base"),
    }  # fmt: skip
    status, found = client.ask("POST", f"/lineage/{data}/withdraw", {"reason": "asked for"})
    assert (status, found["affected"]) == (200, [version.run.public_id, version.public_id])
    assert client.ask("GET", f"/lineage/{version.public_id}")[1]["withdrawals"][0]["reason"] == "asked for"
    assert client.ask("POST", f"/lineage/{data}/withdraw", {"reason": "asked for"})[0] == 409
    assert client.ask("POST", f"/lineage/{data}/reinstate")[1]["withdrawals"] == []
    assert program(trainer, ("read",)).ask("POST", f"/lineage/{data}/withdraw", {"reason": "no"})[0] == 403
    assert client.ask("GET", "/lineage/dver_nothing")[0] == 404
