"""Files on their way out: whole, in ranges, or several as one zip; memory stays flat however large they are.

A view checks who asks and which object is meant; nothing here takes a name from the request.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Generator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, cast

from django.conf import settings
from django.core.files.storage import default_storage
from django.http import HttpResponse, HttpResponseNotModified, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header, parse_etags
from zipstream import ZipStream

from webapp.artifacts import names, ranges, storage
from webapp.artifacts.models import Blob
from webapp.core.request import Request

CHECKSUMS = "SHA256SUMS"
BINARY = "application/octet-stream"
NOTHING: Mapping[str, bytes] = MappingProxyType({})


def asks_for_all(request: Request) -> bool:
    """Whether the request is for a whole content: neither a mere look nor a part of it."""
    return request.method == "GET" and "Range" not in request.headers


async def file_response(
    request: Request, *, blob: Blob, name: str, etag: str = "", content_type: str = BINARY
) -> HttpResponseBase:
    """One stored file as an attachment. Understands HEAD, Range, If-Range and If-None-Match.

    A front server or the bucket sends it where the settings say so. Raises MissingContent before the first byte.
    """
    headers = _headers(name, content_type) | {"ETag": f'"{etag or blob.sha256}"', "Accept-Ranges": "bytes"}
    if headers["ETag"] in parse_etags(request.headers.get("If-None-Match", "")):
        return HttpResponseNotModified(headers=headers)
    if request.method == "HEAD":
        await _require(blob)
        return HttpResponse(headers=headers | {"Content-Length": str(blob.size_bytes)})
    handed_over = _handed_over(blob, headers)
    if handed_over is not None:
        await _require(blob)
        return handed_over
    try:
        wanted = _wanted_range(request, headers["ETag"], blob.size_bytes)
    except ranges.Unsatisfiable:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{blob.size_bytes}"})
    file = await asyncio.to_thread(storage.open_blob, blob)
    if wanted is None:
        headers["Content-Length"] = str(blob.size_bytes)
        return StreamingHttpResponse(_flowing(storage.pieces(file)), headers=headers)
    headers |= {"Content-Length": str(wanted.length), "Content-Range": wanted.content_range(blob.size_bytes)}
    pieces = storage.pieces(file, start=wanted.start, length=wanted.length)
    return StreamingHttpResponse(_flowing(pieces), status=206, headers=headers)


async def zip_response(
    request: Request, *, files: Sequence[tuple[str, Blob]], zip_name: str, extra: Mapping[str, bytes] = NOTHING
) -> HttpResponseBase:
    """Several stored files as one zip, with their checksums inside; its length is known before it is made.

    All are opened before the first byte is sent: none can be missing in the middle, nor be deleted under the reader.
    `extra` are small files that are made for this download; each takes the place of a stored one of its name.
    """
    archive = ZipStream(sized=True)
    files = [(name, blob) for name, blob in files if name not in extra]
    for name, blob in files:
        if request.method == "HEAD":
            await _require(blob)
            archive.add((), name, size=blob.size_bytes)
        else:
            file = await asyncio.to_thread(storage.open_blob, blob)
            archive.add(storage.pieces(file), name, size=blob.size_bytes)
    for name, content in extra.items():
        archive.add(content, name)
    archive.add(checksums(files, extra), CHECKSUMS)
    headers = _headers(zip_name, "application/zip") | {"Content-Length": str(len(archive))}
    if request.method == "HEAD":
        return HttpResponse(headers=headers)
    return StreamingHttpResponse(_flowing(iter(archive)), headers=headers)


async def _require(blob: Blob) -> None:
    if not await asyncio.to_thread(storage.exists, blob.sha256):
        raise storage.MissingContent(blob.sha256)


def stream_response(request: Request, pieces: Generator[bytes], *, name: str, content_type: str) -> HttpResponseBase:
    """Something made while it is sent, so that nobody knows its length beforehand.

    `pieces` runs in threads that have no database connection of their own to give back: it must not ask for rows.
    """
    headers = _headers(name, content_type)
    if request.method == "HEAD":
        return HttpResponse(headers=headers)
    return StreamingHttpResponse(_flowing(pieces), headers=headers)


def made_response(request: Request, content: bytes, *, name: str, content_type: str = BINARY) -> HttpResponseBase:
    """A small file that is made for this download, as an attachment that bears its hash as the stored ones do."""
    etag = f'"{hashlib.sha256(content).hexdigest()}"'
    headers = _headers(name, content_type) | {"ETag": etag}
    if etag in parse_etags(request.headers.get("If-None-Match", "")):
        return HttpResponseNotModified(headers=headers)
    headers["Content-Length"] = str(len(content))
    return HttpResponse(b"" if request.method == "HEAD" else content, headers=headers)


def checksums(files: Sequence[tuple[str, Blob]], extra: Mapping[str, bytes] = NOTHING) -> str:
    """What `sha256sum --check` reads."""
    sums = [(blob.sha256, name) for name, blob in files if name not in extra]
    sums += [(hashlib.sha256(content).hexdigest(), name) for name, content in extra.items()]
    return "".join(f"{sha256}  {name}\n" for sha256, name in sums)


def checksums_response(request: Request, *, files: Sequence[tuple[str, Blob]]) -> HttpResponseBase:
    """The checksums alone, as an attachment."""
    body = checksums(files).encode()
    headers = _headers(CHECKSUMS, "text/plain; charset=utf-8")
    return HttpResponse(b"" if request.method == "HEAD" else body, headers=headers | {"Content-Length": str(len(body))})


def _headers(name: str, content_type: str) -> dict[str, str]:
    """Never shown in the browser, whatever it holds; kept by nobody without asking us again."""
    return {
        "Content-Type": content_type,
        "Content-Disposition": content_disposition_header(True, names.safe(name)) or "attachment",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-cache",
    }


def _handed_over(blob: Blob, headers: dict[str, str]) -> HttpResponseBase | None:
    """The answer by which somebody else sends the file."""
    key = storage.key(blob.sha256)
    if storage.is_folder():
        if not settings.ACCEL_PREFIX:
            return None
        # The front server knows ranges; our ETag it takes over where it is told to (docker/nginx.conf).
        passed = {name: value for name, value in headers.items() if name != "Accept-Ranges"}
        return HttpResponse(headers=passed | {"X-Accel-Redirect": f"{settings.ACCEL_PREFIX}{key}"})
    if not settings.S3_REDIRECT:
        return None
    parameters = {
        "ResponseContentDisposition": headers["Content-Disposition"],
        "ResponseContentType": headers["Content-Type"],
    }
    url = cast(Any, default_storage).url(key, parameters=parameters)
    return HttpResponseRedirect(url, headers={"Cache-Control": "private, no-store"})


def _wanted_range(request: Request, etag: str, size: int) -> ranges.ByteRange | None:
    """If-Range: who has an older file gets the new one whole. We give no dates, so a date never matches."""
    condition = request.headers.get("If-Range", etag)
    return ranges.parse(request.headers.get("Range", ""), size=size) if condition == etag else None


async def _flowing(pieces: Any) -> AsyncIterator[bytes]:
    """Blocking pieces as an asynchronous stream. (Django under ASGI reads a blocking one whole into memory.)"""
    try:
        while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
            yield piece
    finally:
        try:
            pieces.close()
        except ValueError:
            pass  # the client left while a piece was being read; the thread ends by itself and lets go of the file
