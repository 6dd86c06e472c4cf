"""Lineage and withdrawal in a real browser, in both themes and both widths."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e import looks
from tests.webapp.workshop import Workshop
from webapp.adapters import actions as adapters
from webapp.lineage import actions, things

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
EACH_LOOK = pytest.mark.parametrize("look", list(looks.LOOKS))


@pytest.fixture
def look(request: pytest.FixtureRequest) -> str:
    return getattr(request, "param", "1440-light")


@pytest.fixture
def workshop(team: Any, trainer: Any) -> Workshop:
    return Workshop(team=team, by=trainer)


@pytest.fixture
def page(chromium: Browser, live_server: Any, owner: Any, client_as: Any, look: str) -> Iterator[Page]:
    with looks.signed_in(chromium, owner, client_as, live_server.url, look=look) as found:
        yield found


@EACH_LOOK
def test_lineage_is_good_to_look_at_before_and_after_a_withdrawal(
    page: Page, look: str, workshop: Workshop, team: Any, trainer: Any, reviewer: Any
) -> None:
    version = workshop.adapter("workshop tickets r16", description="Messages as job tickets")
    workshop.report(version)
    for name in ("letters-fr", "a name as long as somebody in a hurry may well have typed it into the field"):
        workshop.adapter(name)
    adapters.take(by=reviewer, version=version)
    assert version.run is not None
    data = version.run.dataset_version
    own, lineage = f"/t/acme/adapters/{version.adapter.public_id}/v1/", "/t/acme/lineage/"
    before = {
        "lineage-adapter": f"{own}lineage/",
        "lineage-dataset": f"{lineage}{data.public_id}/",
        "lineage-base": f"{lineage}{version.base_model.public_id}/",
        "lineage-withdraw": f"{lineage}{data.public_id}/withdraw/",
    }
    looks.assert_good(page, before, look=look)
    thing = things.find(team, [data.public_id])[data.public_id]
    actions.withdraw(by=trainer, team=team, thing=thing, reason="A customer took their consent back.")
    after = {
        "withdrawn-dataset": f"{thing.url}versions/",
        "withdrawn-adapter": own,
        "withdrawn-lineage": f"{own}lineage/",
        "withdrawn-thing": f"{lineage}{data.public_id}/",
        "withdrawn-run": f"/t/acme/runs/{version.run.public_id}/",
    }
    looks.assert_good(page, after, look=look)


def test_withdrawing_asks_why_and_can_be_undone(page: Page, workshop: Workshop) -> None:
    version = workshop.adapter("workshop tickets r16")
    page.goto(f"/t/acme/adapters/{version.adapter.public_id}/v1/lineage/")
    page.get_by_role("link", name="Withdraw").click()
    page.get_by_label("Why").fill("Its answers name customers.")
    page.get_by_role("button", name="Withdraw").click()
    expect(page.get_by_text("Its answers name customers.").first).to_be_visible()
    page.get_by_role("button", name="Undo the withdrawal").click()
    expect(page.get_by_text("Its answers name customers.")).to_have_count(0)
