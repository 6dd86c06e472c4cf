"""What leaves: the file as it came, the rows as they were read, the rows that were left out."""

from asgiref.sync import sync_to_async
from django.http import Http404
from django.http.response import HttpResponseBase
from django.utils.text import slugify
from django.views.decorators.http import require_safe

from webapp.accounts.access import Permission, team_view
from webapp.artifacts import download
from webapp.artifacts.models import Blob
from webapp.core.request import Request
from webapp.datasets import exports, queries
from webapp.datasets.models import DatasetVersion
from webapp.datasets.views import scope


@require_safe
@team_view(Permission.DOWNLOAD)
async def original(request: Request, dataset: str, number: int) -> HttpResponseBase:
    version = await sync_to_async(scope.version)(request, dataset, number)
    if version.source is None:
        raise Http404
    return await download.file_response(request, blob=version.source, name=version.file_name)


@require_safe
@team_view(Permission.DOWNLOAD)
async def conversations(request: Request, dataset: str, number: int) -> HttpResponseBase:
    version, files = await _with_files(request, dataset, number)
    name = f"{_stem(version)}.jsonl"
    return download.stream_response(
        request, exports.conversations(files), name=name, content_type="application/x-ndjson"
    )


@require_safe
@team_view(Permission.DOWNLOAD)
async def problem_table(request: Request, dataset: str, number: int) -> HttpResponseBase:
    version, files = await _with_files(request, dataset, number)
    name = f"{_stem(version)}-problems.csv"
    return download.stream_response(
        request, exports.problem_table(files), name=name, content_type="text/csv; charset=utf-8"
    )


@sync_to_async
def _with_files(request: Request, dataset: str, number: int) -> tuple[DatasetVersion, dict[str, Blob]]:
    version = scope.ready_version(request, dataset, number)
    assert version.bundle is not None, "a version that is ready has its bundle"
    return version, queries.files(version.bundle)


def _stem(version: DatasetVersion) -> str:
    return f"{slugify(version.dataset.name) or 'dataset'}-v{version.number}"
