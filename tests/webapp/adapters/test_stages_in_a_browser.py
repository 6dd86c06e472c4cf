"""Stages in a real browser: the card of a version, the dialogs, a review, the history and the gates."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e import looks
from webapp.accounts.models import Team
from webapp.adapters import actions
from webapp.adapters.models import AdapterVersion, Gate, Rule

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
EACH_LOOK = pytest.mark.parametrize("look", list(looks.LOOKS))
GATES = "/t/acme/adapters/gates/"
Make = Callable[..., AdapterVersion]


@pytest.fixture
def look(request: pytest.FixtureRequest) -> str:
    return getattr(request, "param", "1440-light")


@pytest.fixture
def page(chromium: Browser, live_server: Any, owner: Any, client_as: Any, look: str) -> Iterator[Page]:
    with looks.signed_in(chromium, owner, client_as, live_server.url, look=look) as found:
        yield found


@pytest.fixture
def trainers_page(chromium: Browser, live_server: Any, trainer: Any, client_as: Any, look: str) -> Iterator[Page]:
    with looks.signed_in(chromium, trainer, client_as, live_server.url, look=look) as found:
        yield found


@pytest.fixture
def gates(team: Team, owner: Any) -> list[Gate]:
    rules = [
        ("production", Rule.AT_LEAST, "json_fields", 0.9),
        ("production", Rule.NEAR_PRODUCTION, "validation_loss", 0.0),
        ("production", Rule.NEAR_BASE, "suite.general", 0.02),
        ("production", Rule.APPROVALS, "", 1),
        ("candidate", Rule.AT_MOST, "validation_loss", 1.0),
    ]
    return [
        Gate.objects.create(team=team, stage=stage, rule=rule, score=score, limit=limit, created_by=owner)
        for stage, rule, score, limit in rules
    ]


def address(version: AdapterVersion, rest: str = "") -> str:
    return f"/t/acme/adapters/{version.adapter.public_id}/v{version.number}/{rest}"


def promoted(version: AdapterVersion, by: Any) -> AdapterVersion:
    for stage in ("candidate", "production"):
        actions.move(by=by, version=version, stage=stage, reason="The desk liked it." if stage == "production" else "")
    return version


@EACH_LOOK
def test_the_pages_of_stages_are_good_to_look_at(
    page: Page, look: str, team: Team, make_next: Make, trainer: Any, reviewer: Any, maintainer: Any, owner: Any
) -> None:
    present = promoted(make_next(loss=0.9), maintainer)
    draft = make_next(loss=0.4)
    looks.assert_good(page, {"gates-empty": GATES, "stage-no-gates": address(present)}, look=look)
    for stage, rule, score, limit in (
        ("production", Rule.AT_LEAST, "json_fields", 0.9),
        ("production", Rule.NEAR_PRODUCTION, "validation_loss", 0.0),
        ("production", Rule.NEAR_BASE, "suite.general", 0.02),
        ("production", Rule.APPROVALS, "", 1),
        ("candidate", Rule.AT_MOST, "validation_loss", 1.0),
    ):
        Gate.objects.create(team=team, stage=stage, rule=rule, score=score, limit=limit, created_by=owner)
    actions.move(by=reviewer, version=draft, stage="candidate")
    actions.record_score(version=draft, name="json_fields", value=0.96, base_value=0.02, source_id="rep_1")
    review = actions.ask(by=trainer, version=draft, stage="production", word="It answers French claims now.")
    addresses = {
        "stage-review": address(draft),
        "stage-move-refused": address(draft, "stage/production/"),
        "stage-move-retire": address(present, "stage/retired/"),
        "stage-no-way": address(present, "stage/candidate/"),
        "stage-ask": address(draft, "review/"),
        "gates": GATES,
        "gate": f"{GATES}{Gate.objects.all()[0].public_id}/",
        "gate-remove": f"{GATES}{Gate.objects.all()[0].public_id}/remove/",
        "stage-home": "/t/acme/",
    }
    looks.assert_good(page, addresses, look=look)
    actions.approve(by=maintainer, review=review, word="Agreed, I tried twelve claims.")
    with pytest.raises(Exception, match="does not pass the gates"):
        actions.move(by=reviewer, version=draft, stage="production", reason="Before the weekend.")
    looks.assert_good(page, {"stage-history": address(draft, "history/"), "stage-approved": address(draft)}, look=look)


def test_a_version_is_promoted_in_a_dialog_and_rolled_back_in_one_click(
    page: Page, make_next: Make, maintainer: Any
) -> None:
    first = promoted(make_next(), maintainer)
    second = make_next()
    page.goto(address(second))
    page.get_by_role("link", name="Make it the candidate").click()
    page.get_by_role("dialog").get_by_role("button", name="Make it the candidate").click()
    page.get_by_role("link", name="Put it into production").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("v1 is in production now.")).to_be_visible()
    looks.assert_good_now(page, "stage-dialog")
    dialog.get_by_label("Why").fill("Better on French claims.")
    dialog.get_by_role("button", name="Put it into production").click()
    expect(page.get_by_text("In production. Better than its base")).to_be_visible()
    page.get_by_role("button", name="Roll back to v1").click()
    expect(page.get_by_role("heading", level=1, name="workshop v1")).to_be_visible()
    expect(page.get_by_text("v1 of workshop is in production again").first).to_be_visible()
    looks.assert_good_now(page, "stage-rolled-back")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("heading", level=1, name="workshop v2")).to_be_visible()
    first.refresh_from_db()
    assert first.stage == "retired"


@pytest.mark.parametrize("look", ["390-dark"], indirect=True)
def test_a_reviewer_with_a_phone_approves_with_a_word(page: Page, look: str, make_next: Make, trainer: Any) -> None:
    version = make_next()
    actions.ask(by=trainer, version=version, stage="candidate", word="Please look.")
    page.goto("/t/acme/")
    page.get_by_role("link", name="workshop v1").first.click()
    page.get_by_label("A word to Tara Trainer").fill("Agreed.")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("Approved.").first).to_be_visible()
    looks.assert_good_now(page, "stage-phone-approved")


def test_a_trainer_asks_and_sees_no_way_to_decide_alone(
    trainers_page: Page, gates: list[Gate], make_next: Make
) -> None:
    version = make_next()
    trainers_page.goto(address(version))
    assert trainers_page.get_by_role("link", name="Make it the candidate").count() == 0
    trainers_page.get_by_role("link", name="Ask for a review").click()
    dialog = trainers_page.get_by_role("dialog")
    dialog.get_by_label("What should they know?").fill("Better on French claims.")
    dialog.get_by_role("button", name="Ask for a review").click()
    expect(trainers_page.get_by_role("button", name="Take it back")).to_be_visible()
    looks.assert_good_now(trainers_page, "stage-asked")


def test_an_owner_sets_a_gate_with_a_share_as_people_say_it(page: Page, make_next: Make) -> None:
    make_next()
    page.goto(GATES)
    page.get_by_label("Score").fill("json_fields")
    page.get_by_label("Limit").fill("90 %")
    page.get_by_role("button", name="Add gate").click()
    expect(page.get_by_role("row", name="Right form is at least 90").first).to_be_visible()
