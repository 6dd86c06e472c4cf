"""A page that stays open while its reader is signed out, in another tab or by the clock."""

from typing import Any

import pytest
from django.test import Client

HTMX = {"HX-Request": "true"}


@pytest.fixture
def anonymous(db: None) -> Client:
    return Client()


def test_a_poll_loads_the_page_anew_instead_of_showing_a_sign_in_form_in_it(anonymous: Client) -> None:
    answer = anonymous.get("/t/acme/", headers=HTMX)
    assert (answer.status_code, answer.headers["HX-Refresh"], answer.content) == (401, "true", b"")


def test_a_form_that_htmx_sent_is_refused_and_keeps_what_stands_in_it(anonymous: Client) -> None:
    answer = anonymous.post("/t/acme/runs/new/", headers=HTMX)
    assert answer.status_code == 401 and "HX-Refresh" not in answer.headers


def test_whole_pages_lead_to_the_sign_in_and_back(anonymous: Client) -> None:
    for headers in ({}, HTMX | {"HX-Boosted": "true"}):
        answer = anonymous.get("/t/acme/", headers=headers)
        assert (answer.status_code, answer.headers["Location"]) == (302, "/account/login/?next=/t/acme/")


def test_who_is_signed_in_notices_nothing(client_as: Any, owner: Any, team: Any) -> None:
    assert client_as(owner).get("/t/acme/", headers=HTMX).status_code == 200
