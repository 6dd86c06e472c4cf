"""What middleware adds to every answer."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_pages")]


def test_each_answer_bears_an_id_of_its_own(client: Client) -> None:
    first, second = client.get("/healthz"), client.get("/healthz")
    assert first.headers["X-Request-ID"].startswith("req_")
    assert first.headers["X-Request-ID"] != second.headers["X-Request-ID"]


@pytest.mark.parametrize(
    ("given", "is_kept"), [("proxy-7f3a9c21", True), ("x", False), ("evil\tline", False), ("a" * 65, False)]
)
def test_an_id_from_a_proxy_is_kept_only_when_it_is_one(client: Client, given: str, is_kept: bool) -> None:
    response = client.get("/healthz", headers={"X-Request-ID": given})
    assert (response.headers["X-Request-ID"] == given) is is_kept


def test_an_answer_cannot_be_framed_sniffed_or_kept_by_a_shared_cache(client: Client) -> None:
    headers = client.get("/account/login/").headers
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Opener-Policy"] == headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert "private" in headers["Cache-Control"]


def test_a_toast_comes_with_the_answer_to_an_htmx_post(client_as: Callable[..., Client], owner: Any) -> None:
    client = client_as(owner)
    text = client.post("/toast/", headers={"HX-Request": "true"}).content.decode()
    assert text.startswith("<p>swapped</p>")
    assert 'hx-swap-oob="beforeend:#toasts"' in text
    assert "Done by script." in text and 'action="/parts/"' in text
    assert "Done by script." not in client.get("/help/").content.decode()


def test_a_poll_leaves_a_toast_for_the_page_that_follows(client_as: Callable[..., Client], owner: Any) -> None:
    client = client_as(owner)
    assert "Done by script." not in client.get("/toast/", headers={"HX-Request": "true"}).content.decode()
    assert "Done by script." in client.get("/help/").content.decode()


def test_one_view_gives_the_page_or_the_part_that_was_asked_for(client_as: Callable[..., Client], owner: Any) -> None:
    client = client_as(owner)
    page, part = client.get("/fragment/"), client.get("/fragment/", headers={"HX-Request": "true"})
    assert "<html" in page.content.decode()
    assert part.content.decode() == '<p id="status">Step 7</p>'
    assert "HX-Request" in page.headers["Vary"]
