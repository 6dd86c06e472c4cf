"""The catalog in a real browser: its list, a version's page for who may do everything and for who may only look."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e import axe, looks, pages
from tests.webapp.workshop import Workshop, inside
from webapp.adapters import actions
from webapp.adapters.models import Adapter, AdapterVersion, Anatomy, Stage
from webapp.jobs.models import Job, State

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
EACH_LOOK = pytest.mark.parametrize("look", list(looks.LOOKS))
CATALOG = "/t/acme/adapters/"
NAMES = [
    ("letters-fr", "Letters to customers in French", 0.31),
    ("workshop tickets r16", "Messages to the workshop as job tickets", 0.412),
    ("triage-labels", "Sorts messages into 11 queues", 0.52),
    ("tone-and-french", "", 0.66),
    ("letters-de", "Letters to customers in German", 0.7),
    ("claims-tone", "Answers in the desk’s manner", 1.07),
    ("minutes", "Meeting notes into five lines", 1.5),
    ("fraud-hints", "Points out what does not add up", 1.9),
    ("summaries-short", "A claim in three sentences", 2.29),
    ("first attempt", "Repeated itself", 2.9),
    ("a name as long as somebody in a hurry may well have typed it into the only field there was", "", None),
    ("smoke test", "", 2.3),
]


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


@pytest.fixture
def viewers_page(chromium: Browser, live_server: Any, viewer: Any, client_as: Any, look: str) -> Iterator[Page]:
    with looks.signed_in(chromium, viewer, client_as, live_server.url, look=look) as found:
        yield found


def address(version: AdapterVersion) -> str:
    return f"{CATALOG}{version.adapter.public_id}/v{version.number}/"


@EACH_LOOK
def test_a_catalog_is_good_to_look_at_from_none_to_many(page: Page, look: str, workshop: Workshop) -> None:
    looks.assert_good(page, {"catalog-empty": CATALOG}, look=look)
    workshop.adapter("workshop tickets r16", description="Messages to the workshop as job tickets")
    looks.assert_good(page, {"catalog-one": CATALOG}, look=look)
    base = workshop.base("Qwen/Qwen2.5-1.5B-Instruct", source="hub", repository="Qwen/Qwen2.5-1.5B-Instruct")
    for n, (name, description, loss) in enumerate(NAMES):
        losses = (2.31 if loss else None, loss)
        workshop.adapter(
            name,
            description=description,
            losses=losses,
            days=3 * (len(NAMES) - n),
            **({"base_model": base} if n % 3 else {}),
        )
    AdapterVersion.objects.filter(adapter__name="letters-fr").update(stage=Stage.PRODUCTION)
    AdapterVersion.objects.filter(adapter__name="claims-tone").update(stage=Stage.CANDIDATE)
    AdapterVersion.objects.filter(adapter__name="first attempt").update(stage=Stage.RETIRED)
    actions.describe(by=None, adapter=Adapter.objects.get(name="letters-fr"), task="writing", tags=["french", "desk"])
    actions.relist_team(team=workshop.team)
    many = {
        "catalog-many": CATALOG,
        "catalog-none-found": f"{CATALOG}?q=zebra",
        "catalog-stage": f"{CATALOG}?stage=candidate",
    }
    looks.assert_good(page, many, look=look)


@EACH_LOOK
def test_a_version_says_whether_it_is_better_and_how_to_use_it(page: Page, look: str, workshop: Workshop) -> None:
    old = workshop.adapter("workshop tickets r16", description="Messages as job tickets", losses=(2.31, 0.8), days=9)
    new = workshop.adapter("workshop tickets r16")
    workshop.report(new)
    without = workshop.version("Short notes", validation_rows=0, train_rows=40, rows_good=40)
    blind = workshop.adapter("blind", losses=(None, None), dataset_version=without)
    failed = workshop.adapter("unmeasured", losses=(None, None))
    workshop.report(failed, State.FAILED, fault="out_of_memory")
    under = f"{CATALOG}{new.adapter.public_id}/"
    addresses = {
        "adapter": address(new),
        "adapter-older": address(old),
        "adapter-not-measured": address(blind),
        "adapter-report-failed": address(failed),
        "adapter-card": f"{address(new)}card/",
        "adapter-edit-card": f"{address(new)}card/edit/",
        "adapter-reset-card": f"{address(new)}card/reset/",
        "adapter-rename": f"{under}rename/",
        "adapter-delete": f"{under}delete/",
    }
    looks.assert_good(page, addresses, look=look)


@EACH_LOOK
def test_who_may_only_look_sees_who_could_download(viewers_page: Page, look: str, workshop: Workshop) -> None:
    looks.assert_good(viewers_page, {"adapter-viewer": address(workshop.adapter("workshop tickets r16"))}, look=look)
    expect(viewers_page.get_by_role("button", name="Download, ")).to_be_disabled()
    expect(viewers_page.get_by_text("Downloading needs the role")).to_be_visible()
    assert viewers_page.get_by_role("link", name="adapter_model.safetensors").count() == 0


def test_deleting_asks_in_a_dialog_and_can_be_undone(page: Page, workshop: Workshop) -> None:
    version = workshop.adapter("workshop tickets r16")
    page.goto(address(version))
    page.locator("summary[aria-label=More]").click()
    page.get_by_role("link", name="Delete").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name="Delete workshop tickets r16?")).to_be_visible()
    looks.assert_good_now(page, "adapter-delete-dialog")
    dialog.get_by_role("button", name="Delete adapter").click()
    expect(page.get_by_text("No adapters yet.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("heading", level=1, name="workshop tickets r16 v1")).to_be_visible()


def test_a_taken_name_is_said_at_its_field_and_nothing_is_lost(page: Page, workshop: Workshop) -> None:
    workshop.adapter("letters")
    version = workshop.adapter("tickets")
    page.goto(f"{CATALOG}{version.adapter.public_id}/rename/")
    page.get_by_label("Name").fill("letters")
    page.get_by_label("Description").fill("For the workshop")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The team already has an adapter “letters”. Choose another name.").last).to_be_visible()
    expect(page.get_by_label("Description")).to_have_value("For the workshop")
    looks.assert_good_now(page, "adapter-rename-taken")


def test_a_card_full_of_attacks_runs_nothing(page: Page, workshop: Workshop, trainer: Any) -> None:
    version = workshop.adapter("tickets")
    text = "# Mine\n\n<img src=x onerror=alert(1)> <div hx-get=/stolen hx-trigger=load>t</div> [x](javascript:alert(1))"
    actions.edit_card(by=trainer, version=version, text=text)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    with pages.without_complaints(page):
        page.goto(f"{address(version)}card/")
        expect(page.get_by_role("heading", name="Mine")).to_be_visible()
    axe.assert_no_violations(page)
    assert not [url for url in asked if "stolen" in url or url.endswith("/x")]


def test_the_palette_finds_an_adapter_by_its_name(page: Page, workshop: Workshop) -> None:
    workshop.adapter("workshop tickets r16")
    workshop.adapter("letters-fr")
    page.goto(CATALOG)
    page.keyboard.press("/")
    page.get_by_role("combobox", name="Search").fill("tickets")
    group = page.get_by_role("listbox").get_by_role("group", name="Adapters")
    expect(group.get_by_role("option")).to_have_count(1)
    looks.assert_good_now(page, "palette")
    assert "letters-fr" not in page.get_by_role("listbox").inner_text()
    group.get_by_role("option").click()
    expect(page.get_by_role("heading", level=1, name="workshop tickets r16 v1")).to_be_visible()


@EACH_LOOK
def test_the_inside_of_a_version_is_good_to_look_at_in_each_state(page: Page, look: str, workshop: Workshop) -> None:
    known = workshop.adapter("workshop tickets r16")
    workshop.look_inside(known)
    workshop.compression(known, State.RUNNING, phase="compressing")
    workshop.compression(known, State.FAILED, rank=2, fault="disk_full")
    large = workshop.adapter("large")
    workshop.look_inside(large, layers=64, rank=64, fall=0.8)
    nothing = workshop.adapter("nothing")
    workshop.look_inside(nothing, layers=4, fall=0)
    failed = workshop.adapter("failed")
    Anatomy.objects.create(version=failed, job=workshop.job("inspect", "x", State.FAILED, fault="out_of_memory"))
    addresses = {
        "anatomy": f"{address(known)}anatomy/",
        "anatomy-rank": f"{address(known)}anatomy/?show=rank",
        "anatomy-large": f"{address(large)}anatomy/?show=change",
        "anatomy-nothing": f"{address(nothing)}anatomy/",
        "anatomy-failed": f"{address(failed)}anatomy/",
        "anatomy-unknown": f"{address(workshop.adapter('unknown'))}anatomy/",
        "adapter-with-anatomy": address(known),
    }
    looks.assert_good(page, addresses, look=look)


def test_a_rank_is_taken_from_the_table_and_a_wrong_one_is_said_at_its_field(page: Page, workshop: Workshop) -> None:
    version = workshop.adapter("workshop tickets r16")
    workshop.look_inside(version)
    page.goto(f"{address(version)}anatomy/")
    page.get_by_role("row").get_by_role("link", name="8", exact=True).click()
    expect(page.get_by_role("spinbutton", name="Rank")).to_have_value("8")
    page.get_by_role("spinbutton", name="Rank").fill("16")
    page.get_by_role("button", name="Compress and measure").click()
    expect(page.get_by_text("Choose one from 1 to 15").last).to_be_visible()
    looks.assert_good_now(page, "anatomy-wrong-rank")
    page.get_by_role("spinbutton", name="Rank").fill("4")
    page.get_by_role("button", name="Compress and measure").click()
    expect(page.get_by_text("Compressing to rank 4")).to_be_visible()


def test_what_is_under_way_turns_into_what_was_found_without_a_hand(page: Page, workshop: Workshop) -> None:
    version = workshop.adapter("workshop tickets r16")
    job = workshop.job("inspect", "x", State.RUNNING, phase="inspecting", progress_done=3, progress_total=210)
    look = Anatomy.objects.create(version=version, job=job)
    page.goto(f"{address(version)}anatomy/")
    expect(page.get_by_text("Looking inside the adapter")).to_be_visible()
    summary, modules = inside()
    Anatomy.objects.filter(pk=look.pk).update(summary=summary, modules=modules)
    Job.objects.filter(pk=job.pk).update(state=State.SUCCEEDED)
    expect(page.locator(".verdict")).to_contain_text("behaves as 4")
