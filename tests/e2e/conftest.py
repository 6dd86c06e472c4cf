"""One product for all tests of a session, and its first person, who comes in by the link that it printed."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e import pages
from tests.e2e.installation import Installation, installation
from webapp.launch.demo.client import Client

EMAIL, PASSWORD, TEAM = "smith@example.org", "copper-and-steel-7", "bicycle-workshop"


@dataclass(frozen=True)
class Owner:
    """Signed in where a browser context starts from `storage`."""

    email: str
    storage: Any


@pytest.fixture(scope="session")
def product() -> Iterator[Installation]:
    with installation() as made:
        yield made


@pytest.fixture(scope="session")
def owner(product: Installation, chromium: Browser) -> Owner:
    """Sets the installation up, in the browser."""
    context = pages.context(chromium)
    page = context.new_page()
    with pages.without_complaints(page):
        page.goto(product.setup_link)
        page.get_by_label("E-mail").fill(EMAIL)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_label("Team").fill("Bicycle workshop")
        page.get_by_role("button", name="Start").click()
        page.wait_for_url(f"{product.url}/t/{TEAM}/")
        expect(page.get_by_text("From a file to an adapter")).to_be_visible()
    storage = context.storage_state()
    context.close()
    return Owner(EMAIL, storage)


@pytest.fixture
def page(product: Installation, chromium: Browser, owner: Owner) -> Iterator[Page]:
    context = pages.context(chromium, base_url=product.url, storage_state=owner.storage, accept_downloads=True)
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()


@pytest.fixture
def client(product: Installation, owner: Owner) -> Client:
    """The REST API with a token as `manage.py token` prints it."""
    token = product.manage("token", owner.email, TEAM).split()[-1]
    return Client(url=product.url, token=token)


@pytest.fixture(scope="session")
def sample() -> Path:
    return Path(__file__).resolve().parents[2] / "webapp" / "launch" / "sample" / "workshop.jsonl"
