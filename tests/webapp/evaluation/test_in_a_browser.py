"""A report in a real browser, from waiting to its answers."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e import looks
from tests.webapp.workshop import SAMPLES, SCORES, Workshop
from webapp.artifacts.models import Bundle
from webapp.evaluation.models import Report
from webapp.jobs.models import Job, State

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
EACH_LOOK = pytest.mark.parametrize("look", list(looks.LOOKS))


@pytest.fixture
def look(request: pytest.FixtureRequest) -> str:
    return getattr(request, "param", "1440-light")


@pytest.fixture
def page(chromium: Browser, live_server: Any, owner: Any, client_as: Any, look: str) -> Iterator[Page]:
    with looks.signed_in(chromium, owner, client_as, live_server.url, look=look) as found:
        yield found


def address(report: Report) -> str:
    return f"/t/acme/adapters/reports/{report.public_id}/"


@EACH_LOOK
def test_each_state_of_a_report_is_good_to_look_at(page: Page, look: str, workshop: Workshop) -> None:
    version = workshop.adapter("workshop tickets r16")
    going = {"phase": "answering", "progress_done": 31, "progress_total": 90}
    addresses = {
        "report-done": address(workshop.report(version)),
        "report-failed": address(workshop.report(version, State.FAILED, fault="out_of_memory")),
        "report-cancelled": address(workshop.report(version, State.CANCELLED)),
        "report-waiting": address(workshop.report(version, State.QUEUED)),
        "report-running": address(workshop.report(version, State.RUNNING, **going)),
        "report-starting": address(workshop.report(version, State.STARTING)),
    }
    looks.assert_good(page, addresses, look=look)


def test_a_report_that_is_watched_turns_into_its_answers(page: Page, workshop: Workshop) -> None:
    version = workshop.adapter("workshop tickets r16")
    report = workshop.report(version, State.RUNNING, phase="answering", progress_done=31, progress_total=90)
    page.goto(address(report))
    expect(page.get_by_text("31 of 90 answers")).to_be_visible()
    Job.objects.filter(pk=report.job_id).update(progress_done=62)
    expect(page.get_by_text("62 of 90 answers")).to_be_visible()
    bundle = Bundle.objects.create(team=report.team, kind="report", manifest_sha256="f" * 64, size_bytes=1)
    Report.objects.filter(pk=report.pk).update(bundle=bundle, scores=SCORES, samples=SAMPLES)
    Job.objects.filter(pk=report.job_id).update(state=State.SUCCEEDED)
    expect(page.locator(".verdict")).to_contain_text("keeps the expected form in 96")
    expect(page.get_by_text("“problem” differs")).to_be_visible()
