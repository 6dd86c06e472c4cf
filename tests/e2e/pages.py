"""A real browser for tests and for eyes: `browser()` starts Chromium, `screenshot(page, name)` keeps what it shows."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

WIDE = {"width": 1440, "height": 900}
NARROW = {"width": 390, "height": 844}
PICTURES = Path(os.environ.get("TUNESMITH_PICTURES", "test-results/pictures"))


def chromium() -> str:
    """Where Chromium is: CHROMIUM=, else on the path; empty when there is none."""
    named = os.environ.get("CHROMIUM", "")
    return named or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome") or ""


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    """Headless Chromium. The sandbox is off because tests also run as root in containers."""
    executable = chromium()
    if not executable:
        refuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        refuse("NO CHROMIUM: browser tests did not run. Install Chromium or name it in CHROMIUM=.")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright keeps a loop in this thread; our queries are not its
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield found
        finally:
            found.close()


def context(of: Browser, *, is_narrow: bool = False, is_dark: bool = False, **options: Any) -> BrowserContext:
    """A fresh profile in one of the two widths and themes; motion is off, so that pictures agree."""
    return of.new_context(
        viewport=NARROW if is_narrow else WIDE,  # type: ignore[arg-type]
        color_scheme="dark" if is_dark else "light",
        reduced_motion="reduce",
        has_touch=is_narrow,
        **options,
    )


def screenshot(page: Page, name: str, *, full_page: bool = True) -> Path:
    """Keep the page as a picture under TUNESMITH_PICTURES (test-results/pictures by default)."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    path = PICTURES / f"{name}.png"
    page.screenshot(path=str(path), full_page=full_page)
    return path


@contextlib.contextmanager
def without_complaints(page: Page) -> Iterator[list[str]]:
    """Fails when the page logs an error, throws, or breaks its content security policy meanwhile."""
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield complaints
    assert not complaints, "the browser complained: " + "; ".join(complaints)
