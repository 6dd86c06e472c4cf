"""From a file of examples to an adapter that answers, as a person walks it: in a browser, on the whole product."""

import hashlib
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e import pages
from tests.e2e.installation import Installation

pytestmark = [pytest.mark.e2e, pytest.mark.browser, pytest.mark.timeout(1800)]
PATIENCE = 900_000  # milliseconds: a busy machine is slow, and that is no fault
STEPS = 16


def test_a_file_of_examples_becomes_an_adapter_that_answers(
    page: Page, product: Installation, sample: Path, tmp_path: Path
) -> None:
    with pages.without_complaints(page):
        page.goto("/")
        upload(page, sample)
        launch(page)
        watch(page)
        archive = download(page, tmp_path)
        see_the_report(page)
    adapter = unpack(archive, tmp_path / "adapter")
    answers_differ(product.base_folder(tmp_path / "base"), adapter, sample)


def upload(page: Page, sample: Path) -> None:
    page.get_by_role("link", name="Add a dataset").click()
    page.set_input_files("input[type=file]", sample)
    page.locator("label:has(input[value='0.05'])").click()
    page.get_by_role("button", name="Add dataset").click()
    expect(page.get_by_role("heading", level=1, name="workshop v1")).to_be_visible()
    expect(page.get_by_role("link", name="Train with this")).to_be_visible(timeout=PATIENCE)
    rows = page.get_by_role("article")
    expect(rows.first).to_contain_text("You write job tickets for a bicycle workshop.")
    expect(rows.first.locator(".turn--user")).to_have_count(1)
    expect(rows.first.locator(".turn--model")).to_contain_text('"bike"')
    page.get_by_role("link", name="Base models").first.click()
    starter = page.get_by_role("row", name="tunesmith/smollm2-135m-instruct-q4_1")
    while not starter.get_by_text("Ready").is_visible():  # brought in by a job of its own since the first start
        expect(page.get_by_text("Failed")).to_have_count(0)
        page.wait_for_timeout(2000)
        page.reload()


def launch(page: Page) -> None:
    page.get_by_role("link", name="Datasets").first.click()
    page.get_by_role("link", name="workshop", exact=True).click()
    page.get_by_role("link", name="Train with this").click()
    with page.expect_response(lambda response: response.request.method == "POST"):
        page.get_by_text("Quick try").click()
    page.get_by_role("heading", name="Advanced").click()
    with page.expect_response(lambda response: response.request.method == "POST"):
        page.get_by_label("Most steps").fill(str(STEPS))
        page.get_by_label("Most steps").press("Tab")
    expect(page.locator("#changed-count")).to_contain_text("1")
    expect(page.get_by_text("Trained", exact=True)).to_be_visible()
    page.get_by_role("button", name="Launch run").click()
    page.wait_for_url(re.compile(r"/runs/run_\w+/$"))


def watch(page: Page) -> None:
    """The curve has points before the run is over, and the page ends at the adapter without a hand on it."""
    loss = page.locator("#loss")
    expect(loss.locator(".uplot")).to_be_visible(timeout=PATIENCE)
    loss.get_by_role("button", name="As a table").click()
    expect(loss.locator("tbody tr").nth(3)).to_be_visible(timeout=PATIENCE)
    seen = [int(step) for step in loss.locator("tbody tr td:first-child").all_inner_texts()]
    assert len(seen) < STEPS or len(set(seen)) == len(seen)
    expect(page.get_by_text(f"of {STEPS}").first).to_be_visible()
    expect(page.get_by_role("link", name="Open the adapter")).to_be_visible(timeout=PATIENCE)
    page.get_by_role("link", name="Open the adapter").click()


def download(page: Page, folder: Path) -> Path:
    expect(page.get_by_role("heading", name="How to use it")).to_be_visible()
    with page.expect_download() as started:
        page.get_by_role("link", name="Download, ").click()
    archive = folder / "adapter.zip"
    started.value.save_as(archive)
    assert started.value.suggested_filename.endswith("-v1.zip")
    return archive


def see_the_report(page: Page) -> None:
    page.get_by_role("link", name=re.compile("Being measured|See the answers")).click()
    expect(page.get_by_role("heading", name="Answers")).to_be_visible(timeout=PATIENCE)
    scores = page.get_by_role("table")
    expect(scores.get_by_role("row", name="Right form")).to_be_visible()
    expect(scores.get_by_role("row", name="Held-out loss")).to_contain_text("better")


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack what a person downloaded; every file is as SHA256SUMS says."""
    with zipfile.ZipFile(archive) as content:
        assert content.testzip() is None
        content.extractall(folder)
    (sums,) = folder.rglob("SHA256SUMS")
    listed = dict(line.split(maxsplit=1)[::-1] for line in sums.read_text().splitlines())
    assert {"adapter_model.safetensors", "adapter_config.json"} <= {name.lstrip("*") for name in listed}
    for name, sha256 in listed.items():
        assert hashlib.sha256((sums.parent / name.lstrip("*")).read_bytes()).hexdigest() == sha256, name
    return sums.parent


def answers_differ(base: Path, adapter: Path, sample: Path) -> None:
    conversation = json.loads(sample.read_text().splitlines()[0])["messages"][:-1]
    script = Path(__file__).with_name("answer_twice.py")
    said = subprocess.run(
        [sys.executable, script, base, adapter, json.dumps(conversation)],
        env=os.environ | {"HF_HUB_OFFLINE": "1"}, capture_output=True, text=True, check=False, cwd=base,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr[-3000:]
    answers = json.loads(said.stdout.splitlines()[-1])
    assert answers["base"].strip() and answers["adapter"].strip()
    assert answers["base"] != answers["adapter"]
