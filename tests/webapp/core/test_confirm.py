from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_pages")]


@pytest.fixture
def client(client_as: Callable[..., Client], owner: Any) -> Client:
    return client_as(owner)


def test_the_question_lists_the_consequences_and_offers_the_safe_way_first(client: Client) -> None:
    text = client.get("/drop/").content.decode()
    assert "delete 4 checkpoints" in text
    assert text.index("Keep it") < text.index("Drop run</button>")


def test_nothing_is_done_until_the_name_is_typed(client: Client) -> None:
    response = client.post("/drop/", {"confirm": "claims"})
    assert response.status_code == 422
    text = response.content.decode()
    assert "This is not the name." in text and 'value="claims"' in text and 'aria-invalid="true"' in text


def test_the_right_name_does_it_and_says_so_with_undo(client: Client) -> None:
    response = client.post("/drop/", {"confirm": " claims-tone "}, follow=True)
    text = response.content.decode()
    assert "Dropped claims-tone." in text
    assert '<form class="push" method="post" action="/toast/">' in text


def test_a_dialog_gets_the_question_alone(client: Client) -> None:
    text = client.get("/drop/", headers={"HX-Request": "true"}).content.decode()
    assert text.lstrip().startswith('<form method="post" action="/drop/">')
    assert "<html" not in text
