"""The shell and its parts in a real browser: nothing for axe to find, no complaint, and scripts that do their work."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.conftest import PASSWORD
from tests.e2e import axe, pages

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_pages")]
EACH_LOOK = pytest.mark.parametrize(
    "page",
    [(False, False), (False, True), (True, False), (True, True)],
    ids=["1440-light", "1440-dark", "390-light", "390-dark"],
    indirect=True,
)


@pytest.fixture
def page(chromium: Browser, live_server: Any, request: pytest.FixtureRequest) -> Iterator[Page]:
    narrow, dark = getattr(request, "param", (False, False))
    context = pages.context(chromium, is_narrow=narrow, is_dark=dark, base_url=live_server.url)
    yield context.new_page()
    context.close()


@pytest.fixture
def signed_in(page: Page, owner: Any, client_as: Any, live_server: Any) -> Page:
    sign_in(page.context, owner, client_as, live_server)
    return page


def sign_in(context: BrowserContext, person: Any, client_as: Any, live_server: Any) -> None:
    cookie = client_as(person).cookies[settings.SESSION_COOKIE_NAME]
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])


@pytest.mark.parametrize(
    ("marks", "texts"),
    [
        ([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.50", "0.75", "1.00"]),
        ([0, 2.5, 5], ["0", "2.5", "5.0"]),
        ([0, 2e-4, 4e-4, 1e-3, 1.2e-3], ["0", "2e-4", "4e-4", "1e-3", "1.2e-3"]),
        ([2.5e-4, 5e-4, 7.5e-4], ["2.5e-4", "5e-4", "7.5e-4"]),
        ([1, 1.0002, 1.0004], ["1.0000", "1.0002", "1.0004"]),
        ([100_000, 125_000, 1_250_000], ["100K", "125K", "1.25M"]),
        ([-0.5, 0, 0.5], ["−0.5", "0", "0.5"]),
    ],
)
def test_marks_of_an_axis_are_never_rounded_into_each_other(
    signed_in: Page, marks: list[float], texts: list[str]
) -> None:
    signed_in.goto("/help/")
    read = "marks.map((mark) => math.axisText(mark, marks[1] - marks[0]))"
    code = f"async (marks) => {{ const math = await import('/static/js/chart_math.js'); return {read}; }}"
    assert signed_in.evaluate(code, marks) == texts


def test_a_rate_that_ends_at_nothing_is_nought_and_a_small_one_is_not(signed_in: Page) -> None:
    signed_in.goto("/help/")
    read = "[0, 0.0004, -0.00025, 0.25].map((value) => math.numberText(value))"
    code = f"async () => {{ const math = await import('/static/js/chart_math.js'); return {read}; }}"
    assert signed_in.evaluate(code) == ["0", "4e-4", "−2.5e-4", "0.250"]


def fits(page: Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@EACH_LOOK
def test_each_page_is_accessible_and_fits_its_screen(page: Page, owner: Any, client_as: Any, live_server: Any) -> None:
    for address in ("/account/login/", "/nowhere/"):
        page.goto(address)
        axe.assert_no_violations(page)
        assert fits(page), address
    sign_in(page.context, owner, client_as, live_server)
    with pages.without_complaints(page) as complaints:
        for address in ("/help/", "/drop/", "/parts/"):
            page.goto(address)
            expect(page.locator(".uplot")).to_have_count(2 if address == "/parts/" else 0)
            axe.assert_no_violations(page)
            assert fits(page), address
        assert complaints == []


def test_axe_is_seen_to_find_a_fault(page: Page) -> None:
    page.set_content("<html lang=en><title>x</title><main><h1>x</h1><button></button></main>")
    with pytest.raises(AssertionError, match="button-name"):
        axe.assert_no_violations(page)


def test_signing_in_works_and_a_wrong_password_is_said_in_words(page: Page, owner: Any) -> None:
    page.goto("/help/")
    page.get_by_label("E-mail").fill(owner.email)
    page.get_by_label("Password").fill("wrong-password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    axe.assert_no_violations(page)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Help and glossary")).to_be_visible()


def test_the_chart_moves_when_the_run_does_and_the_keys_read_it_out(signed_in: Page) -> None:
    with pages.without_complaints(signed_in):
        signed_in.goto("/parts/")
        value = signed_in.locator("#rate [data-value]")
        expect(value).to_have_text("1.2e-4")
        signed_in.evaluate("document.body.dispatchEvent(new CustomEvent('run:moved', {bubbles: true}))")
        expect(value).to_have_text("1e-4")
        plot = signed_in.locator("#loss [data-plot]")
        plot.focus()
        signed_in.keyboard.press("End")
        expect(signed_in.locator("#live")).to_contain_text("Step 150")
        signed_in.keyboard.press("ArrowLeft")
        expect(signed_in.locator("#live")).to_contain_text("Step 149, training, raw 1.083")


def test_the_charts_of_a_page_zoom_together_and_by_buttons(signed_in: Page) -> None:
    signed_in.goto("/parts/")
    loss = signed_in.locator("#loss")
    expect(loss.locator(".uplot")).to_be_visible()
    box = loss.locator(".u-over").bounding_box()
    assert box
    signed_in.mouse.move(box["x"] + 50, box["y"] + 50)
    signed_in.mouse.down()
    signed_in.mouse.move(box["x"] + 150, box["y"] + 60, steps=4)
    signed_in.mouse.up()
    everything = loss.get_by_role("button", name="All")
    expect(everything).to_have_attribute("aria-pressed", "false")
    everything.click()
    expect(everything).to_have_attribute("aria-pressed", "true")
    loss.get_by_role("button", name="Last 100").click()
    expect(everything).to_have_attribute("aria-pressed", "false")
    loss.get_by_role("button", name="Time").click()
    expect(everything).to_have_attribute("aria-pressed", "true")


def test_the_same_numbers_are_there_as_a_table_in_pages(signed_in: Page) -> None:
    signed_in.goto("/parts/")
    loss = signed_in.locator("#loss")
    expect(loss.locator(".uplot")).to_be_visible()
    loss.get_by_role("button", name="As a table").click()
    rows = loss.locator("tbody tr")
    expect(rows).to_have_count(50)
    expect(rows.first).to_contain_text("120")
    loss.get_by_role("button", name="Older").click()
    loss.get_by_role("button", name="Older").click()
    expect(rows).to_have_count(20)
    expect(rows.last).to_contain_text("1.983")
    axe.assert_no_violations(signed_in, within="#loss")


def test_a_dialog_asks_gives_back_the_focus_and_does_what_it_says(signed_in: Page) -> None:
    with pages.without_complaints(signed_in):
        signed_in.goto("/parts/")
        opener = signed_in.get_by_role("link", name="Drop run")
        opener.click()
        dialog = signed_in.get_by_role("dialog", name="Drop claims-tone?")
        expect(dialog.get_by_label("Type claims-tone to confirm")).to_be_focused()
        axe.assert_no_violations(signed_in)
        dialog.get_by_role("link", name="Keep it").click()
        expect(opener).to_be_focused()
        opener.click()
        dialog.get_by_label("Type claims-tone to confirm").fill("claims-tone")
        dialog.get_by_role("button", name="Drop run").click()
        toast = signed_in.locator("[data-toast]")
        expect(toast).to_contain_text("Dropped claims-tone.")
        expect(toast.get_by_role("button", name="Undo")).to_be_visible()
        toast.get_by_role("button", name="Close").click()
        expect(toast).to_have_count(0)


def test_the_theme_changes_at_once_and_stays(signed_in: Page) -> None:
    signed_in.goto("/parts/")
    signed_in.get_by_role("button", name="Your account").click()
    with signed_in.expect_response("**/theme/"):
        signed_in.get_by_role("button", name="Dark").click()
    expect(signed_in.locator("html")).to_have_attribute("data-theme", "dark")
    signed_in.goto("/help/")
    expect(signed_in.locator("html")).to_have_attribute("data-theme", "dark")


def test_single_keys_go_to_places_until_they_are_switched_off(signed_in: Page) -> None:
    signed_in.goto("/parts/")
    signed_in.keyboard.press("?")
    sheet = signed_in.get_by_role("dialog", name="Keyboard shortcuts")
    expect(sheet).to_be_visible()
    sheet.get_by_role("checkbox").uncheck()
    sheet.get_by_role("button", name="Close").click()
    signed_in.keyboard.press("?")
    expect(sheet).to_be_hidden()


def test_pages_work_without_scripts(chromium: Browser, live_server: Any, owner: Any, client_as: Any) -> None:
    context = pages.context(chromium, base_url=live_server.url, java_script_enabled=False)
    sign_in(context, owner, client_as, live_server)
    page = context.new_page()
    page.goto("/parts/")
    page.get_by_role("link", name="Drop run").click()
    page.get_by_label("Type claims-tone to confirm").fill("claims-tone")
    page.get_by_role("button", name="Drop run").click()
    expect(page.get_by_text("Dropped claims-tone.")).to_be_visible()
    page.get_by_role("button", name="Your account").click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    context.close()


def test_an_upload_survives_a_broken_line_and_goes_on_where_it_was(
    signed_in: Page, owner: Any, settings: Any, tmp_path: Path
) -> None:
    settings.UPLOAD_CHUNK_BYTES = 64 * 1024
    file = tmp_path / "answers.jsonl"
    file.write_bytes(os.urandom(300_000))
    broken: list[str] = []

    def cut_once(route: Route) -> None:
        """The third part never arrives, the first time."""
        if route.request.method == "PATCH" and route.request.headers["upload-offset"] == "131072" and not broken:
            broken.append(route.request.url)
            route.abort()
        else:
            route.continue_()

    signed_in.route("**/uploads/**", cut_once)
    signed_in.goto("/bring/")
    signed_in.get_by_label("Drop a file here or choose one").set_input_files(file)
    signed_in.get_by_role("button", name="Bring it").click()
    expect(signed_in.get_by_text("300000 bytes arrived")).to_be_visible(timeout=15_000)
    assert broken


def test_a_refused_file_is_said_at_its_field_in_the_servers_words(
    signed_in: Page, settings: Any, tmp_path: Path
) -> None:
    settings.UPLOAD_LIMIT_BYTES = 1000
    file = tmp_path / "answers.jsonl"
    file.write_bytes(b"x" * 2000)
    signed_in.goto("/bring/")
    signed_in.get_by_label("Drop a file here or choose one").set_input_files(file)
    button = signed_in.get_by_role("button", name="Bring it")
    button.click()
    alert = signed_in.get_by_role("alert")
    expect(alert).to_be_visible()
    expect(alert).to_contain_text("1 kB")
    expect(button).to_be_enabled()
