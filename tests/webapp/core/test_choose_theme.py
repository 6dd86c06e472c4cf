from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


def test_the_chosen_theme_is_there_from_the_first_paint(client_as: Callable[..., Client], owner: Any) -> None:
    client = client_as(owner)
    response = client.post("/theme/", {"theme": "dark", "next": "/help/"})
    assert response.headers["Location"] == "/help/"
    assert '<html lang="en" data-theme="dark">' in client.get("/help/").content.decode()


def test_system_leaves_the_choice_to_the_browser(client_as: Callable[..., Client], owner: Any) -> None:
    client = client_as(owner)
    client.post("/theme/", {"theme": "dark"})
    client.post("/theme/", {"theme": "system"})
    assert "data-theme=" not in client.get("/help/").content.decode().partition("<head>")[0]


def test_an_invented_theme_reaches_neither_cookie_nor_page(client_as: Callable[..., Client], owner: Any) -> None:
    client = client_as(owner)
    client.post("/theme/", {"theme": '"><script>'})
    client.cookies["theme"] = "purple"
    assert "data-theme=" not in client.get("/help/").content.decode().partition("<head>")[0]


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", ""])
def test_the_way_back_never_leads_elsewhere(client: Client, target: str) -> None:
    assert client.post("/theme/", {"theme": "dark", "next": target}).headers["Location"] == "/"
