from collections.abc import Callable
from typing import Any

import pytest

from tests.webapp.api.conftest import Program
from webapp.adapters.models import AdapterVersion

Make = Callable[..., Program]


@pytest.mark.row("S1")
@pytest.mark.parametrize("path", ["/me", "/runs", "/adapters", "/datasets", "/models", "/recipes"])
def test_without_a_token_every_route_answers_401_as_a_problem(program: Make, path: str) -> None:
    asked = program(None)
    status, problem = asked.ask("GET", path)
    assert (status, problem["code"]) == (401, "not_authenticated")
    assert asked.headers["Content-Type"] == "application/problem+json"
    assert asked.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.row("S18")
def test_a_browser_session_opens_nothing_in_the_api(client_as: Callable[..., Any], owner: Any) -> None:
    assert client_as(owner).get("/api/v1/runs").status_code == 401


def test_an_unknown_address_is_a_problem_document_too(program: Make, trainer: Any) -> None:
    for who in (program(trainer), program(None)):
        status, problem = who.ask("GET", "/nothing/here")
        assert (status, problem["code"]) == (404, "not_found")


@pytest.mark.row("S2")
def test_what_belongs_to_another_team_and_what_does_not_exist_look_the_same(
    program: Make, stranger: Any, version: AdapterVersion
) -> None:
    asked = program(stranger)
    id = version.adapter.public_id
    seen = [asked.ask("GET", f"/adapters/{name}") for name in (id, "adp_00000000000000000000")]
    bodies = [{key: value for key, value in body.items() if key != "request_id"} for _status, body in seen]
    assert [status for status, _body in seen] == [404, 404]
    assert bodies[0] == bodies[1]
    for path in (
        f"/adapters/{id}/versions/1",
        f"/runs/{version.run.public_id}",
        f"/runs/{version.run.public_id}/metrics",
    ):
        assert asked.ask("GET", path)[0] == 404
    assert asked.ask("POST", f"/runs/{version.run.public_id}/cancel")[0] == 404


def test_a_token_without_the_scope_is_refused_and_told_which_one(program: Make, trainer: Any) -> None:
    status, problem = program(trainer, ("read",)).ask("POST", "/uploads", {"file_name": "a.jsonl", "size_bytes": 3})
    assert status == 403
    assert "write" in problem["detail"]


def test_an_unknown_field_a_wrong_type_and_broken_json_are_named(program: Make, trainer: Any) -> None:
    asked = program(trainer)
    status, problem = asked.ask("POST", "/uploads", {"file_name": "a", "size_bytes": 3, "path": "/etc/passwd"})
    assert (status, problem["field"]) == (422, "path")
    status, problem = asked.ask("POST", "/uploads", {"file_name": "a", "size_bytes": "3"})
    assert (status, problem["field"]) == (422, "size_bytes")
    status, problem = asked.ask("POST", "/uploads", b"{")
    assert status == 400


@pytest.mark.row("S3")
@pytest.mark.parametrize("query", ["cursor=x'or'1", "cursor=run_zzzz", "limit=0", "limit=201", "limit=-1", "limit=a"])
def test_a_cursor_or_a_limit_that_we_did_not_make_is_refused(program: Make, trainer: Any, query: str) -> None:
    status, problem = program(trainer).ask("GET", f"/runs?{query}")
    assert status in {400, 422}
    assert problem["field"] in {"cursor", "limit"}


@pytest.mark.parametrize("path", ["/runs/run_01/cancel", "/adapters/adp_01/versions/1/download"])
def test_a_method_that_an_address_does_not_know_is_a_problem_document_too(
    program: Make, trainer: Any, path: str
) -> None:
    asked = program(trainer)
    status, problem = asked.ask("DELETE", path)
    assert (status, problem["code"]) == (405, "method_not_allowed")
    assert asked.headers["Content-Type"] == "application/problem+json"
    assert asked.headers["Allow"] in problem["detail"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("dataset", "data_0nowhere"), ("version", 99), ("base_model", "base_0nowhere"), ("recipe", "rec_0nowhere")],
)
def test_what_a_body_names_and_nobody_has_is_said_by_its_field(
    program: Make, trainer: Any, version: AdapterVersion, field: str, value: Any
) -> None:
    """The address is right, so a program must not be told that nothing is there."""
    run = version.run
    assert run is not None
    body = {"dataset": run.dataset_version.dataset.public_id, "base_model": run.base_model.public_id, field: value}
    status, problem = program(trainer).ask("POST", "/runs", body)
    assert (status, problem["code"], problem["field"]) == (404, "not_found", field)
    assert field in problem["detail"]


def test_the_errors_of_settings_are_a_list_as_the_document_says(
    program: Make, trainer: Any, version: AdapterVersion
) -> None:
    run = version.run
    assert run is not None
    body = {"dataset": run.dataset_version.dataset.public_id, "base_model": run.base_model.public_id}
    status, problem = program(trainer).ask("POST", "/runs", body | {"config": {"lora_r": 0, "seed": -1}})
    assert (status, problem["code"]) == (422, "bad_config")
    assert {error["field"] for error in problem["errors"]} == {"lora_r", "seed"}


@pytest.mark.row("S3")
@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("team__memberships__user__password__startswith=p", "no filter “team__memberships__user__password__startsw"),
        ("_connector=OR", "no filter “_connector”"),
        ("ordering=password", "no filter “ordering”"),
        ("sort=created_by__password", "no order “created_by__password”"),
        ("stage=best", "Use one of: draft, candidate, production, retired."),
        ("task=poetry", "“poetry” cannot be asked for here"),
        ("tag=a&tag=b&tag=c&tag=d&tag=e&tag=f", "at most 5 tags"),
    ],
)
def test_filters_that_nobody_offered_are_refused_in_words(
    query: str, words: str, program: Make, trainer: Any, version: AdapterVersion
) -> None:
    status, problem = program(trainer).ask("GET", f"/adapters?{query}")
    assert (status, problem["code"]) == (400, "bad_filter")
    assert words in problem["detail"]
    assert problem["field"] == query.split("=")[0]
