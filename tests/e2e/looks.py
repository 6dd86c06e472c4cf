"""Signed-in pages in both themes and both widths: each is accessible, fits its screen and complains about nothing."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from playwright.sync_api import Browser, Page

from tests.e2e import axe, pages

# Two looks are enough to see both themes and both widths; whoever takes pictures wants all four.
LOOKS = {"1440-light": (False, False), "390-dark": (True, True)}
if "TUNESMITH_PICTURES" in os.environ:
    LOOKS |= {"1440-dark": (False, True), "390-light": (True, False)}


@contextlib.contextmanager
def signed_in(browser: Browser, user: Any, client_as: Any, url: str, *, look: str = "1440-light") -> Iterator[Page]:
    """A page in a fresh profile where `user` is signed in."""
    is_narrow, is_dark = {"1440-dark": (False, True), "390-light": (True, False), **LOOKS}[look]
    context = pages.context(browser, is_narrow=is_narrow, is_dark=is_dark, base_url=url)
    cookie = client_as(user).cookies[settings.SESSION_COOKIE_NAME]
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": url}])
    yield context.new_page()
    context.close()


def assert_good(page: Page, addresses: Mapping[str, str], *, look: str) -> None:
    """Go to each address in turn; its name becomes the name of its picture, when pictures are taken."""
    with pages.without_complaints(page) as complaints:
        for name, address in addresses.items():
            page.goto(address)
            assert_good_now(page, f"{name}-{look}")
            assert complaints == [], address


def assert_good_now(page: Page, name: str) -> None:
    if "TUNESMITH_PICTURES" in os.environ:
        pages.screenshot(page, name)
    axe.assert_no_violations(page)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), page.url
