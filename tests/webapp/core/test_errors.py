import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_pages")]


@pytest.fixture
def client(client_as: Callable[..., Client], owner: Any) -> Client:
    return client_as(owner, raise_request_exception=False)


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("/nowhere/", 404, "There is nothing at this address"),
        ("/forbid/", 403, "Only a maintainer may delete a dataset."),
        ("/fail/", 500, "Something went wrong on our side"),
        ("/fault/", 422, "Row 14 has no answer. Fill the column “answer” and upload the file again."),
    ],
)
def test_an_error_page_says_what_happened_and_bears_the_id_of_the_log(
    client: Client, address: str, status: int, words: str
) -> None:
    response = client.get(address)
    assert response.status_code == status
    text = response.content.decode()
    assert words in text
    assert response.headers["X-Request-ID"] in text


@pytest.mark.parametrize("address", ["/fail/", "/api/v1/fail/"])
def test_no_trace_reaches_the_browser(client: Client, address: str) -> None:
    text = client.get(address).content.decode()
    assert "secret of the trace" not in text
    assert "Traceback" not in text and ".py" not in text


def test_programs_get_problem_json_with_a_stable_code(client: Client) -> None:
    response = client.get("/api/v1/fault/")
    assert response.headers["Content-Type"] == "application/problem+json"
    problem = json.loads(response.content)
    assert problem["code"] == "empty_answer"
    assert problem["status"] == response.status_code == 422
    assert (problem["field"], problem["row"]) == ("answer", 14)
    assert problem["request_id"] == response.headers["X-Request-ID"]


def test_a_script_of_a_page_gets_problem_json_too(client: Client) -> None:
    response = client.get("/nowhere/", headers={"Accept": "application/json"})
    assert json.loads(response.content)["code"] == "not_found"


def test_the_error_page_comes_even_when_the_database_is_gone(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from webapp.core import errors

    request = client.get("/help/").wsgi_request
    monkeypatch.setattr(connection, "cursor", lambda *args: pytest.fail("the database was asked"))
    assert errors.server_error(request).status_code == 500


@pytest.mark.row("S18")
def test_a_form_from_elsewhere_is_refused_with_words(client_as: Callable[..., Client], owner: Any) -> None:
    client = client_as(owner, enforce_csrf_checks=True)
    response = client.post("/theme/", {"theme": "dark"})
    assert response.status_code == 403
    assert "This form had expired" in response.content.decode()
    assert "theme" not in response.cookies


def test_being_unavailable_says_when_to_come_back(client: Client) -> None:
    from webapp.core import errors

    response = errors.unavailable(client.get("/help/").wsgi_request)
    assert response.status_code == 503
    assert response.headers["Retry-After"] == "30"
