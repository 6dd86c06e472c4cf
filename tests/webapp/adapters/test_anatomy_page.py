"""The Anatomy tab in each state, and who may order what there."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.webapp.workshop import Workshop
from webapp.accounts.models import Team
from webapp.adapters.models import AdapterVersion, Anatomy, Compression
from webapp.jobs.models import Job, State

As = Callable[..., Client]


@pytest.fixture
def workshop(team: Team, trainer: Any) -> Workshop:
    return Workshop(team=team, by=trainer)


@pytest.fixture
def tickets(workshop: Workshop) -> AdapterVersion:
    return workshop.adapter("tickets")


def address(version: AdapterVersion, rest: str = "") -> str:
    return f"/t/acme/adapters/{version.adapter.public_id}/v{version.number}/anatomy/{rest}"


def test_before_a_look_it_says_what_one_would_show_and_who_may_order_it(
    client_as: As, viewer: Any, trainer: Any, tickets: AdapterVersion
) -> None:
    said = client_as(viewer).get(address(tickets)).content.decode()
    assert "Nobody has looked inside yet" in said and "anatomy/look/" not in said
    assert client_as(viewer).post(address(tickets, "look/")).status_code == 403
    client = client_as(trainer)
    assert "anatomy/look/" in client.get(address(tickets)).content.decode()
    assert client.post(address(tickets, "look/")).headers["Location"] == address(tickets)
    said = client.get(address(tickets)).content.decode()
    assert "Being looked into" in said and "hx-get" in said
    assert "under way already" in client.post(address(tickets, "look/"), follow=True).content.decode()
    assert Job.objects.filter(kind="inspect").count() == 1


def test_a_failed_look_says_why_and_can_be_tried_again(
    client_as: As, trainer: Any, workshop: Workshop, tickets: AdapterVersion
) -> None:
    job = workshop.job("inspect", "tickets", State.FAILED, fault="disk_full")
    Anatomy.objects.create(version=tickets, job=job)
    said = client_as(trainer).get(address(tickets)).content.decode()
    assert "It could not be looked into." in said and "The disk is full" in said and "anatomy/look/" in said


def test_known_it_shows_map_bars_and_lower_ranks_each_with_its_table(
    client_as: As, viewer: Any, workshop: Workshop, tickets: AdapterVersion
) -> None:
    workshop.look_inside(tickets, layers=9)
    client = client_as(viewer)
    said = client.get(address(tickets)).content.decode()
    assert "behaves as 4" in said.replace("<em>", "").replace("</em>", "")
    assert "Most of the change sits in the last third of the layers." in said
    assert said.count("As a table") == 3
    assert 'title="down_proj 8: ' in said
    assert "Frobenius" in said and "effective rank" not in said
    assert "effective rank" in client.get(f"{address(tickets)}?show=rank").content.decode()
    assert "share of the matrix itself" in client.get(f"{address(tickets)}?show=change").content.decode()
    assert "Frobenius" in client.get(f"{address(tickets)}?show=<script>&rank=x").content.decode()


def test_the_overview_shows_the_size_of_the_change_once_it_is_known(
    client_as: As, viewer: Any, workshop: Workshop, tickets: AdapterVersion
) -> None:
    overview = address(tickets).removesuffix("anatomy/")
    client = client_as(viewer)
    assert "Size of the change" not in client.get(overview).content.decode()
    workshop.look_inside(tickets)
    assert "Size of the change" in client.get(overview).content.decode()


def test_without_a_base_to_compare_with_the_map_says_so(
    client_as: As, viewer: Any, workshop: Workshop, tickets: AdapterVersion
) -> None:
    look = workshop.look_inside(tickets, layers=3)
    look.modules = [one | {"relative_change": None} for one in look.modules]
    look.save(update_fields=["modules"])
    said = client_as(viewer).get(f"{address(tickets)}?show=change").content.decode()
    assert "too large, or not there, to compare with" in said


def test_a_rank_is_proposed_ordered_and_followed_to_the_new_version(
    client_as: As, trainer: Any, workshop: Workshop, tickets: AdapterVersion
) -> None:
    workshop.look_inside(tickets)
    client = client_as(trainer)
    assert 'name="rank" value="4"' in client.get(address(tickets)).content.decode()
    assert 'name="rank" value="8"' in client.get(f"{address(tickets)}?rank=8").content.decode()
    response = client.post(address(tickets, "compress/"), {"rank": "8", "share": ""})
    assert response.headers["Location"] == address(tickets)
    order = Compression.objects.get()
    assert "Compressing to rank 8" in client.get(address(tickets)).content.decode()
    made = workshop.adapter("tickets")
    facts = {"from_rank": 16, "rank": 8, "kept": 0.9999, "bytes_before": 10, "bytes_after": 5, "validation_loss": None}
    Compression.objects.filter(pk=order.pk).update(made=made, facts=facts)
    Job.objects.filter(pk=order.job_id).update(state=State.SUCCEEDED)
    said = client.get(address(tickets)).content.decode()
    assert f"v{made.number}, rank 8" in said and "No rows were held out" in said


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"rank": "16"}, "Choose one from 1 to 15"),
        ({"rank": "0"}, "Choose one from 1 to 15"),
        ({"rank": "four"}, "Enter a whole number"),
        ({"rank": "", "share": ""}, "either a rank or the share"),
        ({"rank": "", "share": "100"}, "less than 100"),
        ({"rank": "", "share": "nan"}, "Enter a number"),
    ],
)
def test_what_cannot_be_is_said_at_its_field_and_what_was_typed_stays(
    client_as: As, trainer: Any, workshop: Workshop, tickets: AdapterVersion, typed: dict[str, str], words: str
) -> None:
    workshop.look_inside(tickets)
    response = client_as(trainer).post(address(tickets, "compress/"), typed)
    said = response.content.decode()
    assert response.status_code == 422 and words in said
    assert all(f'value="{value}"' in said for value in typed.values() if value)
    assert not Compression.objects.exists()


def test_ordering_a_rank_of_a_version_nobody_looked_into_leads_to_the_look(
    client_as: As, trainer: Any, tickets: AdapterVersion
) -> None:
    response = client_as(trainer).post(address(tickets, "compress/"), {"rank": "4"})
    assert response.status_code == 422 and "Look inside" in response.content.decode()


def test_who_may_only_look_sees_ranks_and_who_could_order_them(
    client_as: As, viewer: Any, stranger: Any, workshop: Workshop, tickets: AdapterVersion
) -> None:
    workshop.look_inside(tickets)
    said = client_as(viewer).get(address(tickets)).content.decode()
    assert "Compress and measure" in said and "disabled" in said
    assert client_as(viewer).post(address(tickets, "compress/"), {"rank": "4"}).status_code == 403
    assert client_as(stranger).get(address(tickets)).status_code == 404


def test_polls_bring_progress_and_reload_the_page_when_something_ended(
    client_as: As, viewer: Any, workshop: Workshop, tickets: AdapterVersion
) -> None:
    order = workshop.compression(tickets, State.RUNNING, phase="compressing")
    client, headers = client_as(viewer), {"HX-Request": "true"}
    going = f"{address(tickets)}?seen={order.job_id}.running"
    response = client.get(going, headers=headers)
    assert "Cutting the adapter down" in response.content.decode() and "<html" not in response.content.decode()
    assert "HX-Refresh" not in response.headers
    Job.objects.filter(pk=order.job_id).update(state=State.SUCCEEDED)
    assert client.get(going, headers=headers).headers["HX-Refresh"] == "true"


def test_the_page_costs_the_same_for_one_order_and_for_ten(
    client_as: As, viewer: Any, workshop: Workshop, tickets: AdapterVersion, django_assert_max_num_queries: Any
) -> None:
    workshop.look_inside(tickets)
    workshop.compression(tickets, State.CANCELLED)
    client = client_as(viewer)
    client.get(address(tickets))
    with django_assert_max_num_queries(40) as few:
        client.get(address(tickets))
    for _n in range(9):
        workshop.compression(tickets, State.CANCELLED)
    with django_assert_max_num_queries(len(few.captured_queries)):
        client.get(address(tickets))
