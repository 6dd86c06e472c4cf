"""Ranges, zips and headers of downloads."""

import asyncio
import hashlib
import io
import zipfile
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.test import AsyncRequestFactory

from webapp.artifacts import actions, download, ranges, storage
from webapp.artifacts.models import Blob

pytestmark = pytest.mark.django_db
CONTENT = bytes(range(256)) * 8192  # 2 MiB, so that it comes in several pieces


@pytest.fixture
def blob(tmp_path: Path) -> Blob:
    path = tmp_path / "content"
    path.write_bytes(CONTENT)
    return actions.store_file(path)


@dataclass
class Answer:
    status: int
    headers: Any
    body: bytes
    pieces: int


async def _read(coming: Coroutine[Any, Any, Any]) -> Answer:
    response = await coming
    pieces = [piece async for piece in response] if response.streaming else [bytes(response.content)]
    return Answer(response.status_code, response.headers, b"".join(pieces), len(pieces))


def _get(blob: Blob, method: str = "GET", name: str = "adapter.safetensors", **headers: str) -> Answer:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    request = AsyncRequestFactory().generic(method, "/", headers=named)
    return asyncio.run(_read(download.file_response(request, blob=blob, name=name)))


def test_a_file_comes_whole_and_can_only_be_saved(blob: Blob) -> None:
    response = _get(blob)
    assert response.body == CONTENT
    assert response.status == 200
    assert response.headers["Content-Length"] == str(len(CONTENT))
    assert response.headers["Content-Disposition"] == 'attachment; filename="adapter.safetensors"'
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["ETag"] == f'"{blob.sha256}"'
    assert response.headers["Cache-Control"] == "private, no-cache"


@pytest.mark.row("W3")
@pytest.mark.parametrize(
    ("header", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=2097151-", 2097151, 2097152),
        ("bytes=-1", 2097151, 2097152),
        ("bytes=-99999999999", 0, 2097152),
        ("bytes=1048570-1048590", 1048570, 1048591),
        ("bytes=5-99999999999", 5, 2097152),
    ],
)
def test_a_range_is_exactly_what_was_asked_for(blob: Blob, header: str, start: int, end: int) -> None:
    response = _get(blob, Range=header)
    assert response.status == 206
    assert response.headers["Content-Range"] == f"bytes {start}-{end - 1}/{len(CONTENT)}"
    assert response.headers["Content-Length"] == str(end - start)
    assert response.body == CONTENT[start:end]


@pytest.mark.row("W3")
@pytest.mark.parametrize("header", ["bytes=2097152-", "bytes=9999999-9999999", "bytes=-0"])
def test_a_range_behind_the_end_is_416(blob: Blob, header: str) -> None:
    response = _get(blob, Range=header)
    assert (response.status, response.headers["Content-Range"]) == (416, f"bytes */{len(CONTENT)}")
    assert response.body == b""


@pytest.mark.row("W3")
@pytest.mark.parametrize(
    "header",
    [
        "bytes=0-1,5-6",
        "bytes=" + ",".join(["0-"] * 10_000),
        "bytes=9-1",
        "bytes=-",
        "bytes=a-b",
        "rows=0-1",
        "bytes=１-２",
        "bytes=" + "9" * 400 + "-",
        "",
    ],
)
def test_many_ranges_and_nonsense_get_the_whole_file(blob: Blob, header: str) -> None:
    response = _get(blob, Range=header.encode().decode("latin-1"))
    assert response.status == 200
    assert response.body == CONTENT


def test_a_range_of_an_older_file_gets_the_new_one_whole(blob: Blob) -> None:
    for condition, status in ((f'"{blob.sha256}"', 206), ('"older"', 200), ("Wed, 21 Oct 2015 07:28:00 GMT", 200)):
        assert _get(blob, Range="bytes=0-1", If_Range=condition).status == status


def test_who_has_it_already_gets_nothing_more(blob: Blob) -> None:
    response = _get(blob, If_None_Match=f'"x", "{blob.sha256}"')
    assert (response.status, response.body) == (304, b"")


def test_head_tells_the_size_and_sends_nothing(blob: Blob) -> None:
    response = _get(blob, "HEAD", Range="bytes=0-1")
    assert (response.status, response.headers["Content-Length"]) == (200, str(len(CONTENT)))
    assert (response.body, response.pieces) == (b"", 1)


@pytest.mark.row("S5")
@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("../../etc/passwd", 'attachment; filename="passwd"'),
        ("a\r\nSet-Cookie: x=1", 'attachment; filename="aSet-Cookie_ x=1"'),
        ('"; filename="evil.exe', 'attachment; filename="_; filename=_evil.exe"'),
        ("Übung.csv", "attachment; filename*=utf-8''%C3%9Cbung.csv"),
        ("exe\u202elsx.csv", 'attachment; filename="exelsx.csv"'),
    ],
)
def test_no_name_breaks_out_of_its_header(blob: Blob, name: str, header: str) -> None:
    assert _get(blob, name=name).headers["Content-Disposition"] == header


def test_a_lost_file_is_noticed_before_the_first_byte(blob: Blob) -> None:
    storage.delete(blob.sha256)
    with pytest.raises(storage.MissingContent):
        _get(blob)


def test_the_front_server_sends_it_where_there_is_one(blob: Blob, settings: Any) -> None:
    settings.ACCEL_PREFIX = "/_files/"
    response = _get(blob, Range="bytes=0-1")
    path = f"/_files/blobs/{blob.sha256[:2]}/{blob.sha256[2:4]}/{blob.sha256}"
    assert (response.status, response.headers["X-Accel-Redirect"], response.body) == (200, path, b"")
    assert response.headers["Content-Disposition"] == 'attachment; filename="adapter.safetensors"'


def test_pieces_are_read_one_at_a_time(blob: Blob, monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    original = storage.pieces

    def counted(*args: Any, **kwargs: Any) -> Any:
        for piece in original(*args, **kwargs):
            read.append(len(piece))
            yield piece

    monkeypatch.setattr(storage, "pieces", counted)

    async def first() -> int:
        response: Any = await download.file_response(AsyncRequestFactory().get("/"), blob=blob, name="x")
        return len(await anext(aiter(response)))

    assert asyncio.run(first()) == storage.PIECE_BYTES
    assert read == [storage.PIECE_BYTES]


def test_a_zip_has_a_known_length_and_holds_its_checksums(blob: Blob, tmp_path: Path) -> None:
    files = [("adapter_model.safetensors", blob), ("sub/copy.bin", blob)]
    request = AsyncRequestFactory().get("/")
    response = asyncio.run(_read(download.zip_response(request, files=files, zip_name="tone v3.zip")))
    body = response.body
    assert response.headers["Content-Length"] == str(len(body))
    assert response.headers["Content-Disposition"] == 'attachment; filename="tone v3.zip"'
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert archive.testzip() is None
        assert archive.read("sub/copy.bin") == CONTENT
        sha256 = hashlib.sha256(CONTENT).hexdigest()
        lines = f"{sha256}  adapter_model.safetensors\n{sha256}  sub/copy.bin\n"
        assert archive.read("SHA256SUMS").decode() == lines
    head = asyncio.run(_read(download.zip_response(AsyncRequestFactory().head("/"), files=files, zip_name="x.zip")))
    assert (head.headers["Content-Length"], head.body) == (str(len(body)), b"")


@pytest.mark.row("A12")
@pytest.mark.parametrize("is_zip", [False, True])
def test_what_is_deleted_while_it_is_downloaded_arrives_whole(tmp_path: Path, is_zip: bool) -> None:
    files = []
    for name in ("first", "second"):
        (tmp_path / name).write_bytes(name.encode() + CONTENT)
        files.append((name, actions.store_file(tmp_path / name)))
    request = AsyncRequestFactory().get("/")

    async def deleted_after_the_first_piece() -> bytes:
        if is_zip:
            response: Any = await download.zip_response(request, files=files, zip_name="x.zip")
        else:
            response = await download.file_response(request, blob=files[0][1], name="x")
        coming = aiter(response)
        got = await anext(coming)
        for _name, blob in files:
            storage.delete(blob.sha256)
        return got + b"".join([piece async for piece in coming])

    body = asyncio.run(deleted_after_the_first_piece())
    if is_zip:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            assert archive.testzip() is None
            assert archive.read("second") == b"second" + CONTENT
    else:
        assert body == b"first" + CONTENT


def test_an_empty_file_has_no_ranges() -> None:
    assert ranges.parse("", size=0) is None
    for header in ("bytes=0-", "bytes=-5"):
        with pytest.raises(ranges.Unsatisfiable):
            ranges.parse(header, size=0)
