"""Nobody names a file of this machine: whatever is sent, nothing outside the product's own folders is opened."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from webapp.datasets.models import Dataset

pytestmark = [pytest.mark.django_db, pytest.mark.row("S6"), pytest.mark.row("S5")]
SECRET = "tunesmith-secret-canary"
_opened: list[str] = []
_is_watching = False


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if _is_watching and event in {"open", "os.listdir", "os.rename", "os.link", "os.remove", "shutil.copyfile"}:
        _opened.extend(str(argument) for argument in arguments)


sys.addaudithook(_watch)


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    path = tmp_path / SECRET
    path.write_text("nobody may read this")
    return path


@pytest.fixture
def watched(canary: Path) -> Iterator[None]:
    global _is_watching
    _opened.clear()
    _is_watching = True
    yield
    _is_watching = False
    assert not [path for path in _opened if SECRET in path or path == "/etc/passwd"]


def _payloads(canary: Path) -> list[str]:
    plain = str(canary)
    climbing = "../" * 12 + plain.lstrip("/")
    return [
        plain,
        climbing,
        climbing.replace("/", "\\"),
        climbing.replace("../", "..;/"),
        climbing.replace("../", "....//"),
        quote(climbing, safe=""),
        quote(quote(climbing, safe=""), safe=""),
        climbing.replace("../", "..%c0%af"),
        climbing.replace("/", "\u2215"),
        f"file://{plain}",
        f"file:{plain}#x",
        f"{plain}\x00.csv",
        f"/proc/self/root{plain}",
        f"./{plain}",
        f"~{plain}",
        f"//{plain}",
        "/etc/passwd",
        "../../../../../../etc/passwd",
    ]


def test_no_field_of_a_request_becomes_a_path(
    client_as: Any, trainer: Any, ready: Any, canary: Path, watched: None, chat_file: Any
) -> None:
    version = ready(file_name=str(canary))
    client, dataset = client_as(trainer), version.dataset.public_id
    for payload in _payloads(canary):
        opened = {"file_name": payload, "size_bytes": 4}
        upload = client.post("/t/acme/uploads/", json.dumps(opened), content_type="application/json")
        assert upload.status_code == 201
        client.patch(upload.json()["url"], b"abcd", headers={"Upload-Offset": "0"})
        client.post(upload.json()["url"] + "/finish")
        form = {"upload": payload, "name": payload[:80], "system_prompt": payload, "validation_share": payload}
        assert client.post("/t/acme/datasets/new/", form).status_code in {404, 422}
        whole = {"file": SimpleUploadedFile(payload.replace("\x00", ""), chat_file()), "validation_share": "0.1"}
        assert client.post("/t/acme/datasets/new/", whole).status_code == 302
        columns = {"column_0": payload}
        assert client.post(f"/t/acme/datasets/{dataset}/v1/columns/map/", columns).status_code == 422
        for query in ("after", "row", "before", "split", "code", "q"):
            for page in (f"/t/acme/datasets/{dataset}/v1/", f"/t/acme/datasets/{dataset}/v1/problems/"):
                refused = "\x00" in payload  # no address holds one
                assert client.get(page, {query: payload}).status_code == (400 if refused else 200)


def test_no_part_of_an_address_becomes_a_path(
    client_as: Any, trainer: Any, ready: Any, canary: Path, watched: None
) -> None:
    version, client = ready(), client_as(trainer)
    own = reverse("datasets:original", args=["acme", version.dataset.public_id, 1])
    for payload in _payloads(canary):
        inside = quote(payload, safe="")
        for address in (
            f"/t/acme/uploads/{inside}",
            f"/t/acme/uploads/{inside}/finish",
            f"/t/acme/datasets/{inside}/",
            f"/t/acme/datasets/{inside}/v1/original",
            f"/t/acme/datasets/{version.dataset.public_id}/v1/{inside}",
            own + inside,
            own + "/" + inside,
        ):
            assert client.get(address).status_code in {400, 404, 405}, address


@pytest.mark.row("D19")
@pytest.mark.parametrize(
    "name", ["CON", "nul.csv", "dots...", "\u0440\u043e\u0443\u0430l", "rows\u202egnp", "é" * 127, " "]
)
def test_odd_names_are_labels_only(bring: Any, chat_file: Any, files_dir: Path, name: str) -> None:
    version = bring(chat_file(), name)
    assert version.file_name == (name.strip() or "file")
    assert {path.name for path in files_dir.rglob("*") if path.is_file()} == {version.source.sha256}
    assert Dataset.objects.get().name
