"""The page on which a person reads what the API can do."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Browser

from tests.e2e import looks
from webapp.api import reference
from webapp.api.urls import api

DOCS = "/api/v1/docs"


def test_every_operation_stands_under_its_section_with_a_summary() -> None:
    found = reference.sections(api.get_openapi_schema())
    operations = [operation for section in found for operation in section.operations]
    assert len(operations) == sum(len(methods) for methods in api.get_openapi_schema()["paths"].values())
    assert [operation.path for operation in operations if not operation.summary] == []
    assert {section.key for section in found} <= set(reference.TITLES)


def test_an_operation_tells_its_parameters_its_body_and_its_answer() -> None:
    found = {
        (operation.method, operation.path): operation
        for section in reference.sections(api.get_openapi_schema())
        for operation in section.operations
    }
    launch = found["POST", "/api/v1/runs"]
    body = {value.name: value for value in launch.body}
    assert (body["dataset"].kind, body["dataset"].is_required) == ("text", True)
    assert (body["version"].kind, body["version"].is_required) == ("whole number or null", False)
    assert launch.status == "201"
    assert {"id", "state", "adapter"} <= {value.name for value in launch.answer}
    (place,) = found["GET", "/api/v1/runs/{id}"].parameters
    assert (place.name, place.is_required, place.note) == ("id", True, "in the address")


def test_ids_of_operations_name_what_they_do_and_no_module() -> None:
    methods = api.get_openapi_schema()["paths"].values()
    ids = [operation["operationId"] for path in methods for operation in path.values()]
    assert len(set(ids)) == len(ids)
    assert not [name for name in ids if "webapp" in name]


def test_it_is_for_who_is_signed_in(client: Client, client_as: Callable[[Any], Client], viewer: Any) -> None:
    assert client.get(DOCS).status_code == 302
    assert "POST" in client_as(viewer).get(DOCS).content.decode()


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("look", list(looks.LOOKS))
def test_it_is_good_to_look_at_folded_and_open(
    look: str, chromium: Browser, live_server: Any, trainer: Any, client_as: Callable[[Any], Client]
) -> None:
    with looks.signed_in(chromium, trainer, client_as, live_server.url, look=look) as page:
        looks.assert_good(page, {"api": DOCS}, look=look)
        page.get_by_text("/api/v1/runs", exact=True).first.click()
        looks.assert_good_now(page, f"api-open-{look}")


def test_who_makes_a_token_finds_the_way_here(client_as: Callable[[Any], Client], trainer: Any) -> None:
    assert f'href="{DOCS}"' in client_as(trainer).get("/t/acme/team/tokens/").content.decode()
