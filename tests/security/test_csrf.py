"""A page of somebody else's cannot act for a person who is signed in here."""

import re

import pytest
from django.test import Client

from tests.security.routes import UNSAFE
from tests.security.walk import Knocker, complaints, expect_none
from webapp.accounts import actions as accounts
from webapp.accounts.models import Team

pytestmark = pytest.mark.row("S18")

CHANGING = tuple(method for method in UNSAFE if method != "TRACE")


def is_page(route):
    return not route.is_api and route.name != "webapp.api.urls.nothing_here"


@pytest.mark.parametrize(
    ("headers", "methods"), [({}, CHANGING), ({"HX-Request": "true"}, ["POST"])], ids=["form", "htmx"]
)
def test_nothing_is_changed_without_the_token_of_the_form(world, client_as, owner, headers, methods):
    knocker = Knocker(client_as(owner, enforce_csrf_checks=True), headers=headers)
    answers = list(knocker.everywhere(world, methods=methods, only=is_page))
    assert len(answers) > 60
    expect_none(complaints(answers, lambda answer: answer.status == 403))


def test_a_form_of_ours_is_taken(client_as, owner, team):
    client = client_as(owner, enforce_csrf_checks=True)
    page = client.get("/t/acme/team/settings/").content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page).group(1)
    assert client.post("/t/acme/team/settings/", {"title": "New", "csrfmiddlewaretoken": token}).status_code == 302
    assert Team.objects.get().title == "New"


def test_a_form_from_another_origin_is_refused_even_with_the_token(client_as, owner, team):
    client = client_as(owner, enforce_csrf_checks=True)
    page = client.get("/t/acme/team/settings/").content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page).group(1)
    answer = client.post(
        "/t/acme/team/settings/",
        {"title": "New", "csrfmiddlewaretoken": token},
        headers={"Origin": "https://evil.example"},
    )
    assert answer.status_code == 403
    assert Team.objects.get().title == "Acme Support"


def test_htmx_sends_the_token_with_everything(client_as, owner, team):
    page = client_as(owner).get("/t/acme/team/settings/").content.decode()
    assert re.search(r"<body[^>]* hx-headers='{\"X-CSRFToken\": \"\w+\"}'", page)


def test_a_program_needs_no_form_since_the_api_knows_no_cookies(team, trainer):
    _token, plain = accounts.create_token(by=trainer, team=team, name="x", scopes=["write"])
    client = Client(enforce_csrf_checks=True, headers={"Authorization": f"Bearer {plain}"})
    answer = client.post("/api/v1/uploads", {"file_name": "a.csv", "size_bytes": 3}, content_type="application/json")
    assert answer.status_code == 201
    client.force_login(trainer)
    del client.defaults["HTTP_AUTHORIZATION"]
    answer = client.post("/api/v1/uploads", {"file_name": "a.csv", "size_bytes": 3}, content_type="application/json")
    assert answer.status_code == 401
