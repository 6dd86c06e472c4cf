"""The dataset pages in a real browser: upload in parts, paging, mapping; nothing for axe to find, nothing runs."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.urls import reverse
from playwright.sync_api import Browser, Page, Route, expect

from tests.e2e import axe, pages
from webapp.artifacts import storage
from webapp.artifacts.models import Blob
from webapp.basemodels.models import PretrainedModel
from webapp.datasets.models import DatasetVersion
from webapp.jobs.models import Job, State
from webapp.runs.models import Run

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LOOKS = {"1440-light": (False, False), "1440-dark": (False, True), "390-light": (True, False), "390-dark": (True, True)}
ATTACK = "<img src=x onerror=\"fetch('/stolen')\"><div hx-get=/stolen hx-trigger=load></div></script>\u202eevil"


@pytest.fixture
def page(
    chromium: Browser, live_server: Any, trainer: Any, client_as: Any, request: pytest.FixtureRequest
) -> Iterator[Page]:
    narrow, dark = LOOKS[getattr(request, "param", "1440-light")]
    context = pages.context(chromium, is_narrow=narrow, is_dark=dark, base_url=live_server.url)
    cookie = client_as(trainer).cookies[settings.SESSION_COOKIE_NAME]
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    yield context.new_page()
    context.close()


def _url(version: DatasetVersion, name: str = "version") -> str:
    return reverse(f"datasets:{name}", args=["acme", version.dataset.public_id, version.number])


def _use(version: DatasetVersion, by: Any) -> None:
    base = PretrainedModel.objects.create(name="tunesmith/base", source="starter")
    for name, state in (("tone r8", State.SUCCEEDED), ("tone r16", State.RUNNING)):
        job = Job.objects.create(team=version.dataset.team, kind="train", title=name, state=state, spec={})
        facts = {"dataset_version": version, "base_model": base, "config": {}, "created_by": by}
        Run.objects.create(team=version.dataset.team, name=name, job=job, **facts)


@pytest.fixture
def addresses(ready: Any, bring: Any, chat_line: Any, chat_file: Any, trainer: Any) -> dict[str, str]:
    """Each page with something on it."""
    answer = "Yes, while you wait. A puncture on a city bike costs 15 €, tube included."
    lines = [
        chat_line(f"Do you mend punctures, and what is it? ({n})", "" if n % 40 == 7 else answer * (1 + n % 9))
        for n in range(1, 301)
    ]
    lines += [lines[0], chat_line(ATTACK, "x" * 20_000)]
    good = ready("\n".join(lines).encode(), "workshop_answers_2026.jsonl", dataset_name="Workshop answers")
    _use(good, trainer)
    table = b"spalte a|spalte b|datum\n" + b"".join(b"Frage %d|Antwort %d|1.1.\n" % (n, n) for n in range(30))
    unclear = ready(table, "preise.csv")
    broken = ready(b"%PDF-1.7 " + bytes(300), "claims.csv")
    empty = ready("\n".join(chat_line("Question?", " ") for _n in range(12)).encode(), "no_answers.jsonl")
    reading = bring(chat_file(), "large.jsonl")
    facts = {"state": State.RUNNING, "phase": "reading", "progress_unit": "bytes"}
    Job.objects.filter(pk=reading.job_id).update(progress_done=41_000_000, progress_total=100_000_000, **facts)
    waiting = bring(chat_file(), "waiting.jsonl")
    dataset = ["acme", good.dataset.public_id]
    return {
        "list": reverse("datasets:list", args=["acme"]),
        "new": reverse("datasets:new", args=["acme"]),
        "version": _url(good),
        "version-last": _url(good) + "?after=300",
        "columns": _url(good, "columns"),
        "problems": _url(good, "problems"),
        "versions": _url(good, "versions"),
        "used-by": _url(good, "used_by"),
        "unclear": _url(unclear),
        "broken": _url(broken),
        "no-answers": _url(empty),
        "reading": _url(reading),
        "waiting": _url(waiting),
        "edit": reverse("datasets:edit", args=dataset),
        "delete": reverse("datasets:delete", args=dataset),
        "add": reverse("datasets:add_version", args=dataset),
    }


@pytest.mark.parametrize("page", list(LOOKS), indirect=True)
def test_each_page_is_accessible_and_fits_its_screen(
    page: Page, addresses: dict[str, str], request: pytest.FixtureRequest
) -> None:
    with pages.without_complaints(page) as complaints:
        for name, address in addresses.items():
            page.goto(address)
            if "TUNESMITH_PICTURES" in os.environ:
                pages.screenshot(page, f"dataset-{name}-{request.node.callspec.id}")
            axe.assert_no_violations(page)
            assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), (
                address
            )
            assert complaints == [], address


def test_the_empty_list_offers_the_sample(page: Page) -> None:
    page.goto("/t/acme/datasets/")
    axe.assert_no_violations(page)
    if "TUNESMITH_PICTURES" in os.environ:
        pages.screenshot(page, "dataset-none")
    page.get_by_role("button", name="Try the sample").click()
    expect(page.get_by_role("heading", name="workshop v1")).to_be_visible()


def test_a_file_is_sent_in_parts_and_leads_to_its_page(page: Page, settings: Any, chat_file: Any) -> None:
    settings.UPLOAD_CHUNK_BYTES = 1000
    content = chat_file(100)
    parts = []
    page.on("request", lambda request: parts.append(request.url) if request.method == "PATCH" else None)
    page.goto("/t/acme/datasets/new/")
    page.set_input_files("input[type=file]", {"name": "rows.jsonl", "mimeType": "", "buffer": content})
    page.get_by_role("button", name="Add dataset").click()
    expect(page.get_by_role("heading", name="rows v1")).to_be_visible()
    assert len(parts) == -(-len(content) // 1000)
    assert Blob.objects.get().size_bytes == len(content)


def test_a_refusal_is_said_at_the_file_and_nothing_is_sent(page: Page, settings: Any) -> None:
    settings.UPLOAD_LIMIT_BYTES = 1000
    page.goto("/t/acme/datasets/new/")
    page.set_input_files("input[type=file]", {"name": "rows.jsonl", "mimeType": "", "buffer": b"x" * 1001})
    page.get_by_role("button", name="Add dataset").click()
    expect(page.get_by_role("alert")).to_contain_text("The file is too large")
    assert not Blob.objects.exists()


@pytest.mark.row("D17")
def test_an_upload_cut_by_closing_the_page_goes_on_where_it_stopped(
    page: Page, settings: Any, chat_file: Any, tmp_path: Path
) -> None:
    settings.UPLOAD_CHUNK_BYTES = 1000
    path = tmp_path / "rows.jsonl"
    path.write_bytes(chat_file(100))
    offsets: list[int] = []

    def three_parts_then_silence(route: Route) -> None:
        if route.request.method == "PATCH":
            offsets.append(int(route.request.headers["upload-offset"]))
        if len(offsets) <= 3:
            route.continue_()
        else:
            route.abort()

    page.route("**/uploads/upl_*", three_parts_then_silence)
    with page.expect_request(lambda request: request.headers.get("upload-offset") == "3000"):
        _send(page, path)
    again = page.context.new_page()
    page.close()
    with again.expect_request(lambda request: request.method == "PATCH") as first:
        _send(again, path)
    assert first.value.headers["upload-offset"] == "3000"
    expect(again.get_by_role("heading", name="rows v1")).to_be_visible()
    with storage.open_blob(Blob.objects.get()) as file:
        assert file.read() == path.read_bytes()


def _send(page: Page, path: Path) -> None:
    page.goto("/t/acme/datasets/new/")
    page.set_input_files("input[type=file]", path)
    page.get_by_role("button", name="Add dataset").click()


def test_hostile_rows_run_nothing(page: Page, addresses: dict[str, str]) -> None:
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(addresses["version-last"])
    expect(page.get_by_text("⟨U+202E⟩evil")).to_be_visible()
    page.get_by_text("more characters").first.click()
    expect(page.locator(".unfold[open]")).to_have_count(1)
    assert not [url for url in asked if "stolen" in url or url.endswith("/x")]


def test_rows_are_turned_without_leaving_the_page(page: Page, addresses: dict[str, str]) -> None:
    page.goto(addresses["version"])
    page.get_by_role("link", name="Next rows").first.click()
    expect(page.get_by_role("heading", name=re.compile("^Row 5 "))).to_be_visible()
    assert "after=3" in page.url
    page.get_by_label("From row").fill("250")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_role("heading", name="Row 250")).to_be_visible()
    page.get_by_role("link", name="To check").click()
    expect(page.locator(".example").first).to_contain_text("to check")


def test_a_page_that_waits_loads_itself_when_the_file_was_read(
    page: Page, bring: Any, read: Any, chat_file: Any
) -> None:
    version = bring(chat_file())
    page.goto(_url(version))
    expect(page.get_by_text("The file has arrived.")).to_be_visible()
    read(version)
    expect(page.get_by_text("Ready to train on.")).to_be_visible(timeout=15_000)
