"""What is inside an adapter version, and lower ranks of it."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Path, Router, Status

from webapp.accounts.access import Permission
from webapp.adapters import actions, inside
from webapp.adapters.models import AdapterVersion, Compression
from webapp.api import idempotency, schemas, show
from webapp.api.auth import Caller, caller
from webapp.api.problems import Problem

router = Router(tags=["adapters"])
ERRORS = {400: Problem, 401: Problem, 403: Problem, 404: Problem, 409: Problem, 422: Problem}
UNDER = "/adapters/{id}/versions/{number}"


@router.get(f"{UNDER}/anatomy", response={200: schemas.AnatomyOut, **ERRORS}, summary="Read what is inside")
def read_anatomy(request: HttpRequest, id: Path[schemas.Id], number: Path[schemas.Number]) -> Any:
    """Sizes, ranks and singular values of each matrix, and what lower ranks would keep."""
    return show.anatomy(inside.of(_version(caller(request), id, number)))


@router.post(f"{UNDER}/anatomy", response={202: schemas.AnatomyOut, **ERRORS}, summary="Look inside")
def inspect_version(request: HttpRequest, id: Path[schemas.Id], number: Path[schemas.Number]) -> Any:
    """Versions that a run leaves are looked into by themselves; this does it for others, or once more."""
    who = caller(request, Permission.TRAIN)
    found = _version(who, id, number)
    actions.inspect(by=who.user, version=found)
    return Status(202, show.anatomy(inside.of(found)))


@router.get(
    f"{UNDER}/compressions", response={200: list[schemas.CompressionOut], **ERRORS}, summary="List compressions"
)
def list_compressions(request: HttpRequest, id: Path[schemas.Id], number: Path[schemas.Number]) -> Any:
    """What was ordered of this version, the newest first."""
    found = _version(caller(request), id, number)
    return [show.compression(order.row) for order in inside.orders(found)]


@router.post(f"{UNDER}/compressions", response={201: schemas.CompressionOut, **ERRORS}, summary="Compress")
def compress_version(
    request: HttpRequest,
    id: Path[schemas.Id],
    number: Path[schemas.Number],
    body: schemas.CompressionIn,
    response: HttpResponse,
) -> Any:
    """Orders a version of a lower rank; its loss is measured where rows were held out. With an `Idempotency-Key` a
    repeated request orders nothing new."""
    who = caller(request, Permission.TRAIN)
    found = _version(who, id, number)
    made = idempotency.once(
        request, body.dict(), lambda: {"id": actions.compress(by=who.user, version=found, **body.dict()).public_id}
    )
    order = get_object_or_404(Compression.objects.select_related("job", "made"), version=found, public_id=made["id"])
    response["Location"] = f"/api/v1/adapters/{id}/versions/{number}/compressions"
    return Status(201, show.compression(order))


def _version(who: Caller, id: str, number: int) -> AdapterVersion:
    versions = AdapterVersion.objects.filter(adapter__team=who.team, adapter__deleted_at=None)
    related = ("adapter__team", "base_model", "bundle", "run__job", "run__dataset_version")
    return get_object_or_404(versions.select_related(*related), adapter__public_id=id, number=number)
