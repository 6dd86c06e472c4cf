from asgiref.sync import sync_to_async
from django.http import Http404, HttpResponseBase
from django.utils.text import slugify
from django.views.decorators.http import require_safe

from webapp.accounts import access
from webapp.accounts.access import Permission
from webapp.adapters import actions
from webapp.adapters.models import AdapterVersion
from webapp.adapters.views import find
from webapp.artifacts import download
from webapp.artifacts.models import Blob
from webapp.core.request import Request


@require_safe
@access.team_view(Permission.DOWNLOAD)
async def download_zip(request: Request, adapter_id: str, number: int) -> HttpResponseBase:
    found, files = await _for_download(request, adapter_id, number, "")
    name = f"{slugify(found.adapter.name) or 'adapter'}-v{found.number}.zip"
    return await download.zip_response(request, files=files, zip_name=name)


@require_safe
@access.team_view(Permission.DOWNLOAD)
async def download_file(request: Request, adapter_id: str, number: int, file_path: str) -> HttpResponseBase:
    _found, files = await _for_download(request, adapter_id, number, file_path)
    name, blob = files[0]
    return await download.file_response(request, blob=blob, name=name.split("/")[-1], etag=blob.sha256)


@sync_to_async
def _for_download(
    request: Request, adapter_id: str, number: int, file_path: str
) -> tuple[AdapterVersion, list[tuple[str, Blob]]]:
    found = find.version(request, adapter_id, number)
    is_whole = download.asks_for_all(request)
    files = actions.take(by=request.user, version=found, path=file_path, is_counted=is_whole)
    if not files:
        raise Http404
    return found, files
