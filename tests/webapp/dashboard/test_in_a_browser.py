"""Home and trash in a real browser, in each state that a team meets."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from tests.e2e import looks
from tests.webapp.workshop import Workshop
from webapp.jobs.models import Job, State

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
EACH_LOOK = pytest.mark.parametrize("look", list(looks.LOOKS))
HOME, TRASH = "/t/acme/", "/t/acme/trash/"


@pytest.fixture
def look(request: pytest.FixtureRequest) -> str:
    return getattr(request, "param", "1440-light")


@pytest.fixture
def page(chromium: Browser, live_server: Any, owner: Any, client_as: Any, look: str) -> Iterator[Page]:
    with looks.signed_in(chromium, owner, client_as, live_server.url, look=look) as found:
        yield found


@EACH_LOOK
def test_a_new_team_sees_what_to_do_first(page: Page, look: str) -> None:
    looks.assert_good(page, {"home-empty": HOME, "trash-empty": TRASH}, look=look)


@EACH_LOOK
def test_a_quiet_team_sees_its_adapters(page: Page, look: str, workshop: Workshop) -> None:
    workshop.worker()
    workshop.adapter("workshop tickets r16", days=1)
    looks.assert_good(page, {"home-quiet": HOME}, look=look)


@EACH_LOOK
def test_a_busy_team_sees_what_needs_it_first(page: Page, look: str, workshop: Workshop) -> None:
    fill(workshop)
    looks.assert_good(page, {"home-busy": HOME}, look=look)


@EACH_LOOK
def test_runs_that_wait_without_a_worker_say_so(page: Page, look: str, workshop: Workshop) -> None:
    workshop.run("workshop tickets r8", State.QUEUED)
    looks.assert_good(page, {"home-no-worker": HOME}, look=look)


@EACH_LOOK
def test_the_search_has_a_page_of_its_own(page: Page, look: str, workshop: Workshop) -> None:
    workshop.adapter("workshop tickets r16", days=1)
    found, nothing = "/t/acme/jump/?q=workshop", "/t/acme/jump/?q=quince"
    looks.assert_good(page, {"search-found": found, "search-nothing": nothing}, look=look)


@EACH_LOOK
def test_the_trash_lists_every_kind_with_its_way_back(page: Page, look: str, workshop: Workshop) -> None:
    throw_away(workshop)
    looks.assert_good(page, {"trash-full": TRASH}, look=look)


def test_home_goes_on_by_itself_and_moves_nobodys_hand(page: Page, workshop: Workshop) -> None:
    workshop.adapter("letters")
    run = workshop.running("tickets", step=10)
    page.goto(HOME)
    page.get_by_role("link", name="Whole catalog").focus()
    Job.objects.filter(pk=run.job_id).update(step=20)
    expect(page.get_by_text("Step 20 of 96")).to_be_visible()
    expect(page.get_by_role("link", name="Whole catalog")).to_be_focused()
    Job.objects.filter(pk=run.job_id).update(state=State.SUCCEEDED)
    expect(page.locator(".verdict")).to_have_text("All is quiet. Nothing needs you.")
    expect(page.get_by_role("heading", name="Running now")).to_have_count(0)
    expect(page.get_by_role("link", name="Whole catalog")).to_be_focused()  # though its column was made anew
    expect(page.locator("#live")).to_have_text("All is quiet. Nothing needs you.")


def fill(workshop: Workshop) -> None:
    """One of everything that the home page can say."""
    forge = workshop.worker()
    workshop.worker("forge-02", "RTX 3060", 12)
    workshop.worker("bench-01", "8 cores", 32, is_draining=True)
    base = workshop.base("acme/Qwen2.5-1.5B-Instruct", source="hub", repository="Qwen/Qwen2.5-1.5B-Instruct")
    for n, name in enumerate(
        ["tickets r16", "letters-fr", "summaries-short", "a very long name that somebody gave it"]
    ):
        workshop.adapter(name, base_model=base if n == 1 else None, losses=(2.31, 1.9 - 0.4 * n), days=8 - 2 * n)
    workshop.running("workshop tickets r32", worker=forge)
    workshop.run("letters-de quick", State.QUEUED, base_model=base)
    workshop.run("workshop tickets r64", State.QUEUED)
    failed = {"fault": "out_of_memory", "fault_data": {}, "finished_at": timezone.now()}
    workshop.run("triage labels r64", State.FAILED, job=failed)
    broken = workshop.job("read", "claims.csv", State.FAILED, fault="bad_file", finished_at=timezone.now())
    workshop.version("Claims", is_ready=False, job=broken)
    workshop.job("evaluate", "tickets r16 v1", State.RUNNING, phase="answering", progress_done=12, progress_total=90)
    coming = {"phase": "downloading", "progress_done": 4 * 10**9, "progress_total": 15 * 10**9}
    job = workshop.job("fetch", "Qwen/Qwen2.5-7B-Instruct", State.RUNNING, **coming)
    workshop.base("Qwen/Qwen2.5-7B-Instruct", source="hub", bundle=None, job=job)


def throw_away(workshop: Workshop) -> None:
    from webapp.adapters import actions as adapters
    from webapp.contract.spec import LoraConfig
    from webapp.datasets import actions as datasets
    from webapp.runs import actions as runs

    version = workshop.adapter("old tone")
    adapters.delete(by=None, adapter=version.adapter)
    runs.delete(by=None, run=version.run)
    datasets.delete(by=None, dataset=workshop.version("Old claims").dataset)
    recipe = runs.save_recipe(by=None, team=workshop.team, name="Slow and careful", config=LoraConfig())
    runs.delete_recipe(by=None, recipe=recipe)
