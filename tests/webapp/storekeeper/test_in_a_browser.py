"""Storage in a real browser: empty, with things that may go, asked about in a dialog, and for the administrator."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from tests.e2e import looks
from tests.webapp.storekeeper.test_free import checkpointed
from tests.webapp.workshop import GB, Workshop
from webapp.adapters.models import AdapterVersion, Stage
from webapp.jobs.models import State
from webapp.storekeeper.models import DiskSample

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
EACH_LOOK = pytest.mark.parametrize("look", list(looks.LOOKS))
PAGE = "/t/acme/team/storage/"


@pytest.fixture
def look(request: pytest.FixtureRequest) -> str:
    return getattr(request, "param", "1440-light")


@pytest.fixture
def workshop(team: Any, trainer: Any) -> Workshop:
    return Workshop(team=team, by=trainer)


@pytest.fixture
def page(chromium: Browser, live_server: Any, administrator: Any, client_as: Any, look: str) -> Iterator[Page]:
    with looks.signed_in(chromium, administrator, client_as, live_server.url, look=look) as found:
        yield found


def fill(workshop: Workshop) -> None:
    checkpointed(workshop, "tone-and-french", State.FAILED, steps=(10, 20), days=4)
    for _ in range(3):
        version = workshop.adapter("workshop tickets r16")
    AdapterVersion.objects.exclude(pk=version.pk).update(stage=Stage.RETIRED)
    workshop.report(version), workshop.report(version)
    for n in range(12):
        day = timezone.now().date() - dt.timedelta(days=n)
        DiskSample.objects.create(day=day, used_bytes=(200 - 2 * n) * GB, total_bytes=500 * GB)


@EACH_LOOK
def test_storage_is_good_to_look_at_empty_and_full(page: Page, look: str, workshop: Workshop) -> None:
    looks.assert_good(page, {"storage-empty": PAGE}, look=look)
    fill(workshop)
    version = AdapterVersion.objects.select_related("adapter").order_by("-number")[0]
    addresses = {
        "storage": PAGE,
        "storage-installation": "/storage/",
        "adapter-link": f"/t/acme/adapters/{version.adapter.public_id}/v{version.number}/link/",
        "adapter-delete-version": f"/t/acme/adapters/{version.adapter.public_id}/v{version.number}/delete/",
    }
    looks.assert_good(page, addresses, look=look)


def test_room_is_made_after_a_question_and_can_be_taken_back(page: Page, workshop: Workshop) -> None:
    fill(workshop)
    page.goto(PAGE)
    page.get_by_role("checkbox", name="Choose Checkpoints of tone-and-french").check()
    page.get_by_role("checkbox", name="Choose workshop tickets r16 v1").check()
    page.get_by_role("button", name="Make room").click()
    expect(page.get_by_role("heading", name="Move 2 things to the trash?")).to_be_visible()
    looks.assert_good_now(page, "storage-question")
    page.get_by_role("button", name="Move to the trash").click()
    expect(page.get_by_role("heading", level=1, name="Storage")).to_be_visible()
    expect(page.get_by_role("checkbox", name="Choose Checkpoints of tone-and-french")).to_have_count(0)
    page.goto("/t/acme/trash/")
    looks.assert_good_now(page, "storage-trash")
    page.get_by_role("button", name="Bring back workshop tickets r16 v1").click()
    expect(page.get_by_role("heading", level=1, name="workshop tickets r16 v1")).to_be_visible()


def test_a_link_is_made_and_stands_there_to_be_copied(page: Page, workshop: Workshop) -> None:
    version = workshop.adapter("workshop tickets r16")
    page.goto(f"/t/acme/adapters/{version.adapter.public_id}/v1/")
    page.get_by_role("link", name="Link for another machine").click()
    page.get_by_label("What the link gives").select_option("adapter_model.safetensors")
    page.get_by_role("button", name="Make a link").click()
    expect(page.get_by_role("heading", name="Your link")).to_be_visible()
    expect(page.get_by_role("button", name="Copy On a command line")).to_be_visible()
    looks.assert_good_now(page, "adapter-link-made")
