"""The team's pages and the doors into it, in a real browser."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e import looks, pages
from webapp.accounts import actions
from webapp.accounts.models import Membership, User
from webapp.notices import actions as notices

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
EACH_LOOK = pytest.mark.parametrize("look", list(looks.LOOKS))
PEOPLE, TOKENS = "/t/acme/team/people/", "/t/acme/team/tokens/"


@pytest.fixture
def look(request: pytest.FixtureRequest) -> str:
    return getattr(request, "param", "1440-light")


@pytest.fixture
def page(chromium: Browser, live_server: Any, owner: Any, client_as: Any, look: str) -> Iterator[Page]:
    with looks.signed_in(chromium, owner, client_as, live_server.url, look=look) as found:
        yield found


@pytest.fixture
def visitor(chromium: Browser, live_server: Any, look: str) -> Iterator[Page]:
    """Somebody who is not signed in."""
    is_narrow, is_dark = looks.LOOKS[look]
    context = pages.context(chromium, is_narrow=is_narrow, is_dark=is_dark, base_url=live_server.url)
    yield context.new_page()
    context.close()


@EACH_LOOK
def test_the_pages_of_a_team_hold(page: Page, look: str, team: Any, owner: Any, viewer: Any, trainer: Any) -> None:
    actions.invite(by=owner, team=team, email="a-new-colleague-with-a-long-name@example.org", role="trainer")
    actions.create_token(by=trainer, team=team, name="nightly training", scopes=["read", "train"])
    notices.tell(user=owner, team=team, code="run_failed", data={"name": "tickets r16"}, url="/t/acme/")
    member = f"/t/acme/team/people/{viewer.public_id}"
    addresses = {
        "people": PEOPLE,
        "role": f"{member}/role/",
        "take-out": f"{member}/remove/",
        "tokens": TOKENS,
        "record": "/t/acme/team/record/",
        "team-settings": "/t/acme/team/settings/",
        "delete-team": "/t/acme/team/delete/",
        "account": "/me/",
        "new-team": "/teams/new/",
        "notices": "/notices/",
    }
    looks.assert_good(page, addresses, look=look)


@EACH_LOOK
def test_the_doors_hold(visitor: Page, look: str, db: None) -> None:
    with pages.without_complaints(visitor):
        visitor.goto(actions.make_setup_link())
        looks.assert_good_now(visitor, f"setup-{look}")


def test_the_first_person_sets_up_and_invites_the_second(visitor: Page, page_of_another: Page) -> None:
    visitor.goto(actions.make_setup_link())
    visitor.get_by_label("E-mail").fill("ada@example.org")
    visitor.get_by_label("Your name").fill("Ada")
    visitor.get_by_label("Password").fill("copper-and-steel-7")
    visitor.get_by_label("Your first team").fill("Claims desk")
    visitor.get_by_role("button", name="Start").click()
    visitor.goto("/t/claims-desk/team/people/")
    visitor.get_by_label("E-mail").fill("nia@example.org")
    visitor.get_by_label("Role", exact=True).select_option("viewer")
    visitor.get_by_role("button", name="Make an invitation link").click()
    link = visitor.get_by_role("status").locator("[data-copy]").get_attribute("data-copy") or ""
    assert "/join/" in link

    page_of_another.goto(link)
    page_of_another.get_by_label("Your name").fill("Nia")
    page_of_another.get_by_label("Password").fill("bronze-and-plum-8")
    page_of_another.get_by_role("button", name="Join the team").click()
    expect(page_of_another).to_have_url(re.compile(r"/t/claims-desk/$"))
    assert Membership.objects.get(user__email="nia@example.org").role == "viewer"


@pytest.fixture
def page_of_another(chromium: Browser, live_server: Any, transactional_db: None) -> Iterator[Page]:
    context = pages.context(chromium, base_url=live_server.url)
    yield context.new_page()
    context.close()


def test_a_role_is_changed_in_the_dialog(page: Page, viewer: Any) -> None:
    page.goto(PEOPLE)
    page.get_by_role("link", name="Change role Vera Viewer").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Role of Vera Viewer")
    dialog.get_by_label("Trainer").check()
    dialog.get_by_role("button", name="Change the role").click()
    expect(page.get_by_role("status").filter(has_text="Vera Viewer is now: Trainer.")).to_be_visible()
    assert Membership.objects.get(user=viewer).role == "trainer"


def test_a_new_token_is_shown_with_a_button_that_copies_it(page: Page, owner: User) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(TOKENS)
    page.get_by_label("What is it for?").fill("ci")
    page.get_by_role("button", name="Make the token").click()
    shown = page.get_by_text("Copy the token ci now.").locator("xpath=ancestor::div[contains(@class,'notice')]")
    shown.get_by_role("button").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("ts_")
    page.reload()
    expect(page.get_by_text("Copy the token ci now.")).to_have_count(0)
    assert owner.tokens.get().name == "ci"  # a reload makes no second one
