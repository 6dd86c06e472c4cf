"""Ways to an adapter's files beside the download itself."""

from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from ninja import Path, Router, Status

from webapp.accounts.access import Permission
from webapp.adapters import actions as adapters
from webapp.adapters.models import AdapterVersion
from webapp.api import schemas, show
from webapp.api.auth import Caller, caller
from webapp.api.problems import Problem
from webapp.artifacts import download
from webapp.core.request import Request

router = Router()
ERRORS = {401: Problem, 403: Problem, 404: Problem, 422: Problem}


@router.get("/adapters/{id}/versions/{number}/SHA256SUMS", tags=["adapters"], summary="Read a version's checksums")
def read_checksums(request: Request, id: Path[schemas.Id], number: Path[schemas.Number]) -> HttpResponseBase:
    """One line for each file, as `sha256sum --check` reads it."""
    who = caller(request, Permission.DOWNLOAD)
    files = adapters.take(by=who.user, version=_version(who, id, number), is_counted=False)
    return download.checksums_response(request, files=files)


@router.post(
    "/adapters/{id}/versions/{number}/links",
    response={201: schemas.LinkOut, **ERRORS},
    tags=["adapters"],
    summary="Make a link to a download",
)
def make_link(request: HttpRequest, id: Path[schemas.Id], number: Path[schemas.Number], body: schemas.LinkIn) -> Any:
    """For a machine that is to hold no token: it works for a few minutes, without any header, and only as long as
    whoever made it may download."""
    who = caller(request, Permission.DOWNLOAD)
    made = adapters.make_link(by=who.user, version=_version(who, id, number), path=body.path)
    url = show.address("links:download", made.token, made.file_name)
    return Status(201, {"url": url, "path": made.path, "expires_at": made.expires_at})


def _version(who: Caller, id: str, number: int) -> AdapterVersion:
    versions = AdapterVersion.objects.filter(adapter__team=who.team, adapter__deleted_at=None)
    return get_object_or_404(versions.select_related("adapter__team", "bundle"), adapter__public_id=id, number=number)
