"""Bringing an adapter in a real browser: the form with several files in parts, and each way in which it can end."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e import looks
from tests.fakes import adapters as files_of
from tests.webapp.workshop import Workshop
from webapp.adapters.models import AdapterImport, AdapterVersion
from webapp.jobs.models import State

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
EACH_LOOK = pytest.mark.parametrize("look", list(looks.LOOKS))
IMPORT = "/t/acme/adapters/import/"
FACTS: dict[str, Any] = {
    "rank": 16,
    "lora_alpha": 32,
    "use_rslora": False,
    "use_dora": False,
    "target_modules": ["down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj"],
    "layers": 30,
    "dtypes": ["BF16"],
    "trainable_parameters": 4_884_480,
    "trained_on": "unsloth/SmolLM2-1.7B-Instruct-bnb-4bit",
    "licence": "mit",
    "import": {"source": "hub", "repository": "acme/claims-tone", "commit": "4f2a9c1b7d3e" * 3},
    "warnings": [
        {
            "code": "trained_on_another",
            "data": {"trained_on": "unsloth/SmolLM2-1.7B-Instruct-bnb-4bit", "base": "tunesmith/smollm2-135m"},
            "is_warning": True,
        },
        {"code": "targets_from_tensors", "data": {}, "is_warning": False},
    ],
}


@pytest.fixture
def look(request: pytest.FixtureRequest) -> str:
    return getattr(request, "param", "1440-light")


@pytest.fixture
def workshop(team: Any, trainer: Any) -> Workshop:
    return Workshop(team=team, by=trainer)


@pytest.fixture
def page(chromium: Browser, live_server: Any, trainer: Any, client_as: Any, look: str) -> Iterator[Page]:
    with looks.signed_in(chromium, trainer, client_as, live_server.url, look=look) as found:
        yield found


def order(workshop: Workshop, state: State, **job: Any) -> AdapterImport:
    made = workshop.job("import", "Import claims-tone", state, **job)
    return AdapterImport.objects.create(
        team=workshop.team,
        base_model=workshop.base(config=files_of.BASE_CONFIG),
        name="claims-tone",
        source="hub",
        repository="acme/claims-tone",
        commit="4f2a9c1b7d3e" * 3,
        job=made,
        created_by=workshop.by,
    )


def taken(workshop: Workshop) -> AdapterImport:
    """One that passed, with two warnings."""
    version = workshop.adapter("claims-tone", losses=(None, None))
    AdapterVersion.objects.filter(pk=version.pk).update(run=None, facts=FACTS)
    found = order(workshop, State.SUCCEEDED)
    AdapterImport.objects.filter(pk=found.pk).update(version=version)
    found.refresh_from_db()
    return found


@EACH_LOOK
def test_each_page_of_an_import_is_good_to_look_at(page: Page, look: str, workshop: Workshop) -> None:
    looks.assert_good(page, {"import-no-base": IMPORT}, look=look)
    workshop.base(config=files_of.BASE_CONFIG)
    tensor = "model.layers.0.self_attn.q_proj"
    data = {"reason": "shape", "layer": tensor, "found": [2048, 2048], "expected": [576, 576]}
    ended = {
        "import-done": taken(workshop),
        "import-refused": order(workshop, State.FAILED, fault="does_not_fit", fault_data=data),
        "import-pickle": order(
            workshop, State.FAILED, fault="unsafe_file", fault_data={"reason": "pickle", "file": "optimizer.pt"}
        ),
        "import-cancelled": order(workshop, State.CANCELLED),
        "import-waiting": order(workshop, State.QUEUED),
        "import-checking": order(
            workshop, State.RUNNING, phase="downloading", progress_done=30, progress_total=90, progress_unit="bytes"
        ),
    }
    addresses = {name: f"{IMPORT}{found.public_id}/" for name, found in ended.items()}
    version = ended["import-done"].version
    assert version is not None
    addresses["import-version"] = f"/t/acme/adapters/{version.adapter.public_id}/v1/"
    looks.assert_good(page, {"import-new": IMPORT} | addresses, look=look)


def test_several_files_arrive_in_parts_and_become_one_import(page: Page, workshop: Workshop, tmp_path: Path) -> None:
    base = workshop.base(config=files_of.BASE_CONFIG)
    for name, content in files_of.files().items():
        (tmp_path / name).write_bytes(content)
    page.goto(IMPORT)
    page.locator("input[type=file]").set_input_files(sorted(tmp_path.iterdir()))
    expect(page.get_by_text("adapter_config.json, adapter_model.safetensors", exact=True)).to_be_visible()
    page.get_by_label("Name").first.fill("claims-tone")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("heading", level=1, name="Import of claims-tone")).to_be_visible()
    found = AdapterImport.objects.get()
    assert found.base_model == base
    kept = {file.name: file.blob.size_bytes for file in found.files.select_related("blob")}
    assert kept == {name: len(content) for name, content in files_of.files().items()}


def test_what_names_give_away_is_said_in_the_form_and_nothing_is_sent_twice(
    page: Page, workshop: Workshop, tmp_path: Path
) -> None:
    workshop.base(config=files_of.BASE_CONFIG)
    (tmp_path / "adapter_config.json").write_text(json.dumps(files_of.config()))
    (tmp_path / "adapter_model.bin").write_bytes(b"\x80\x02.")
    page.goto(IMPORT)
    page.locator("input[type=file]").set_input_files(sorted(tmp_path.iterdir()))
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("A file is a Python pickle").first).to_be_visible()
    looks.assert_good_now(page, "import-form-refused")
    assert not AdapterImport.objects.exists()
