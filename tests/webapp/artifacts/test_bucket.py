"""The same storage in an S3-compatible bucket: a real server of the protocol, in this process."""

import asyncio
import hashlib
import io
import runpy
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.files.storage import default_storage
from django.test import AsyncRequestFactory

from webapp.artifacts import actions, download, storage
from webapp.artifacts.models import Blob

pytestmark = pytest.mark.django_db
CONTENT = bytes(range(256)) * 10_000
SETTINGS = Path(__file__).parents[3] / "webapp" / "settings.py"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


def _as_configured(server: str) -> dict[str, Any]:
    """The storage as the product's own settings make it of the environment."""
    environment = {
        "S3_BUCKET": "tunesmith",
        "S3_ENDPOINT_URL": server,
        "S3_ACCESS_KEY": "test",
        "S3_SECRET_KEY": "test",
        "S3_REGION": "us-east-1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        found: dict[str, Any] = runpy.run_path(str(SETTINGS))["STORAGES"]["default"]
    return found


@pytest.fixture
def bucket(server: str, settings: Any) -> Any:
    settings.STORAGES = settings.STORAGES | {"default": _as_configured(server)}
    made: Any = default_storage
    made.bucket.create()
    yield made.bucket
    made.bucket.objects.all().delete()
    made.bucket.delete()


@pytest.fixture
def blob(bucket: Any, tmp_path: Path) -> Blob:
    path = tmp_path / "content"
    path.write_bytes(CONTENT)
    return actions.store_file(path)


def _answer(coming: Any) -> tuple[Any, bytes]:
    async def read() -> tuple[Any, bytes]:
        response = await coming
        if not response.streaming:
            return response, bytes(response.content)
        return response, b"".join([piece async for piece in response])

    return asyncio.run(read())


def test_a_content_is_stored_once_under_its_hash_and_verified(blob: Blob, bucket: Any, tmp_path: Path) -> None:
    again = tmp_path / "again"
    again.write_bytes(CONTENT)
    assert actions.store_file(again).pk == blob.pk
    assert [item.key for item in bucket.objects.all()] == [storage.key(blob.sha256)]
    assert blob.verified_at is not None


def test_a_damaged_object_is_noticed_when_it_is_read_back(
    bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "content"
    path.write_bytes(CONTENT)
    put = storage.put

    def put_and_damage(source: Path, sha256: str, **options: Any) -> None:
        put(source, sha256, **options)
        bucket.Object(storage.key(sha256)).put(Body=CONTENT[:-1] + b"?", ContentType="application/octet-stream")

    monkeypatch.setattr(storage, "put", put_and_damage)
    with pytest.raises(storage.DamagedContent):
        actions.store_file(path)
    assert not Blob.objects.exists()


def test_an_object_is_read_by_ranges_wherever_one_looks(blob: Blob) -> None:
    assert b"".join(storage.read(blob.sha256)) == CONTENT
    assert b"".join(storage.read(blob.sha256, start=1_000_001, length=77)) == CONTENT[1_000_001:1_000_078]
    with storage.open_blob(blob) as file:
        file.seek(-10, io.SEEK_END)
        assert file.read() == CONTENT[-10:]
        file.seek(5)
        assert file.read(3) == CONTENT[5:8]


def test_a_worker_fetches_a_verified_copy_once(blob: Blob, bucket: Any, tmp_path: Path) -> None:
    copy = storage.local_copy(sha256=blob.sha256, cache_dir=tmp_path / "cache")
    assert copy.read_bytes() == CONTENT
    bucket.objects.all().delete()
    assert storage.local_copy(sha256=blob.sha256, cache_dir=tmp_path / "cache") == copy


def test_a_worker_refuses_a_damaged_object_and_keeps_nothing(blob: Blob, bucket: Any, tmp_path: Path) -> None:
    bucket.Object(storage.key(blob.sha256)).put(Body=b"bit rot", ContentType="application/octet-stream")
    with pytest.raises(storage.DamagedContent):
        storage.local_copy(sha256=blob.sha256, cache_dir=tmp_path / "cache")
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_what_the_bucket_does_not_hold_is_missing(bucket: Any) -> None:
    with pytest.raises(storage.MissingContent):
        storage.open_content("0" * 64)


def test_a_download_sends_the_browser_to_the_bucket_with_a_signature_of_version_4(blob: Blob) -> None:
    request = AsyncRequestFactory().get("/")
    response, _body = _answer(download.file_response(request, blob=blob, name="tone v3.safetensors"))
    assert (response.status_code, response.headers["Cache-Control"]) == (302, "private, no-store")
    query = parse_qs(urlsplit(response.headers["Location"]).query)
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert int(query["X-Amz-Expires"][0]) <= 300
    with urllib.request.urlopen(response.headers["Location"]) as served:
        assert hashlib.sha256(served.read()).hexdigest() == blob.sha256
        assert served.headers["Content-Disposition"] == 'attachment; filename="tone v3.safetensors"'


def test_head_asks_nobody_to_go_elsewhere(blob: Blob) -> None:
    request = AsyncRequestFactory().head("/")
    response, body = _answer(download.file_response(request, blob=blob, name="x"))
    assert (response.status_code, response.headers["Content-Length"], body) == (200, str(len(CONTENT)), b"")


def test_a_bucket_that_browsers_cannot_reach_is_streamed_through(blob: Blob, settings: Any) -> None:
    settings.S3_REDIRECT = False
    request = AsyncRequestFactory().get("/", headers={"Range": "bytes=1000000-1000009"})
    response, body = _answer(download.file_response(request, blob=blob, name="x"))
    assert (response.status_code, body) == (206, CONTENT[1_000_000:1_000_010])


def test_a_zip_is_made_from_the_bucket(blob: Blob) -> None:
    request = AsyncRequestFactory().get("/")
    response, body = _answer(download.zip_response(request, files=[("a.bin", blob)], zip_name="x.zip"))
    assert response.headers["Content-Length"] == str(len(body))
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert archive.read("a.bin") == CONTENT
