from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpResponseBase
from django.views.decorators.http import require_safe

from webapp.accounts import access
from webapp.accounts.access import Permission
from webapp.adapters import actions, cards
from webapp.adapters.models import AdapterVersion
from webapp.adapters.views import find
from webapp.artifacts import download
from webapp.artifacts.models import Blob
from webapp.core.request import Request

Files = list[tuple[str, Blob]]


@require_safe
@access.team_view(Permission.DOWNLOAD)
async def download_zip(request: Request, adapter_id: str, number: int) -> HttpResponseBase:
    found, files = await _for_download(request, adapter_id, number, "")
    return await send(request, version=found, path="", files=files)


@require_safe
@access.team_view(Permission.DOWNLOAD)
async def download_file(request: Request, adapter_id: str, number: int, file_path: str) -> HttpResponseBase:
    if file_path == cards.README:
        return await _readme(request, adapter_id, number)
    found, files = await _for_download(request, adapter_id, number, file_path)
    return await send(request, version=found, path=file_path, files=files)


@require_safe
@access.team_view(Permission.DOWNLOAD)
def checksums(request: Request, adapter_id: str, number: int) -> HttpResponseBase:
    """The hashes alone, for who has the files already."""
    found = find.version(request, adapter_id, number)
    files = actions.take(by=request.user, version=found, is_counted=False)
    return download.checksums_response(request, files=files)


@login_not_required
@require_safe
async def by_link(request: Request, token: str, file_name: str) -> HttpResponseBase:
    """A signed link says what and for whom; no session is needed, and the rights are asked for once more."""
    found, path, files = await _by_link(request, token)
    return await send(request, version=found, path=path, files=files)


async def send(request: Request, *, version: AdapterVersion, path: str, files: Files) -> HttpResponseBase:
    """The one file at `path`, or all as a zip with the card beside them."""
    if not path:
        extra = await sync_to_async(cards.beside)(version)
        return await download.zip_response(request, files=files, zip_name=actions.zip_name(version), extra=extra)
    _path, blob = files[0]
    return await download.file_response(request, blob=blob, name=path.split("/")[-1], etag=blob.sha256)


@sync_to_async
def _readme(request: Request, adapter_id: str, number: int) -> HttpResponseBase:
    content = cards.beside(find.version(request, adapter_id, number))[cards.README]
    return download.made_response(request, content, name=cards.README, content_type=cards.README_TYPE)


@sync_to_async
def _for_download(request: Request, adapter_id: str, number: int, file_path: str) -> tuple[AdapterVersion, Files]:
    found = find.version(request, adapter_id, number)
    is_whole = download.asks_for_all(request)
    files = actions.take(by=request.user, version=found, path=file_path, is_counted=is_whole)
    if not files:
        raise Http404
    return found, files


@sync_to_async
def _by_link(request: Request, token: str) -> tuple[AdapterVersion, str, Files]:
    visitor = request.user if request.user.is_authenticated else None
    return actions.follow_link(token=token, visitor=visitor, is_counted=download.asks_for_all(request))
