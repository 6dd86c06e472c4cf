import asyncio
import hashlib
import io
import zipfile
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from django.test import AsyncClient

from tests.webapp.adapters.conftest import WEIGHTS
from webapp.adapters.models import AdapterVersion, Download

pytestmark = pytest.mark.django_db(transaction=True)


class Answer(NamedTuple):
    status: int
    headers: Any
    body: bytes


@pytest.fixture
def get(version: AdapterVersion, async_client_as: Callable[..., AsyncClient]) -> Callable[..., Answer]:
    """`get(user, "download/")` asks for something of version 1 as that user, and reads the answer to its end."""

    def ask(user: Any, path: str, **headers: str) -> Answer:
        async def whole() -> Answer:
            base = f"/t/{version.adapter.team.slug}/adapters/{version.adapter.public_id}/v1/"
            response = await client.get(base + path, headers=headers)
            pieces = [piece async for piece in response] if response.streaming else [response.content]
            return Answer(response.status_code, response.headers, b"".join(pieces))

        client = async_client_as(user)
        return asyncio.run(whole())

    return ask


def test_the_zip_holds_every_file_and_their_hashes(get: Callable[..., Answer], trainer: Any) -> None:
    answer = get(trainer, "download/")
    assert int(answer.headers["Content-Length"]) == len(answer.body)
    archive = zipfile.ZipFile(io.BytesIO(answer.body))
    names = {name.rsplit("/", 1)[-1]: name for name in archive.namelist()}
    assert hashlib.sha256(WEIGHTS).hexdigest() in archive.read(names["SHA256SUMS"]).decode()
    assert archive.read(names["adapter_model.safetensors"]) == WEIGHTS
    assert Download.objects.count() == 1


def test_a_file_can_be_had_in_parts_and_bears_its_hash(
    get: Callable[..., Answer], trainer: Any, version: AdapterVersion
) -> None:
    answer = get(trainer, "files/adapter_model.safetensors", range="bytes=6-10")
    assert (answer.status, answer.body) == (206, WEIGHTS[6:11])
    assert version.sha256 in answer.headers["ETag"]


@pytest.mark.row("W1")
def test_a_viewer_may_look_but_not_download(get: Callable[..., Answer], viewer: Any) -> None:
    assert get(viewer, "download/").status == 403
    page = get(viewer, "").body.decode()
    assert "workshop" in page
    assert "/download/" not in page


@pytest.mark.row("S6")
@pytest.mark.parametrize("path", ["nothing.bin", "..%2f..%2fetc%2fpasswd", "etc/passwd"])
def test_a_path_that_is_not_a_file_of_the_version_is_not_found(
    get: Callable[..., Answer], trainer: Any, path: str
) -> None:
    assert get(trainer, f"files/{path}").status == 404
