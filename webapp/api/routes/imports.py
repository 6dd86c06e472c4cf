"""Adapters from elsewhere."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import Path, Router, Status

from webapp.accounts.access import Permission
from webapp.adapters import actions as adapters
from webapp.adapters import imported
from webapp.adapters.models import AdapterImport
from webapp.api import idempotency, schemas, show
from webapp.api.auth import Caller, caller
from webapp.api.problems import Problem
from webapp.artifacts.models import Upload
from webapp.basemodels.models import PretrainedModel
from webapp.core.faults import UserFault

router = Router()
ERRORS = {400: Problem, 401: Problem, 403: Problem, 404: Problem, 409: Problem, 413: Problem, 422: Problem}


@router.post("/imports", response={201: schemas.ImportOut, **ERRORS}, tags=["adapters"], summary="Import an adapter")
def import_adapter(request: HttpRequest, body: schemas.ImportIn, response: HttpResponse) -> Any:
    """Checks it in the background; follow `state` until it is `succeeded` or `failed`. The same adapter makes one
    version, however often it is brought."""
    who = caller(request, Permission.UPLOAD)
    made = idempotency.once(request, body.dict(), lambda: {"id": _order(who, body).public_id})
    response["Location"] = f"/api/v1/imports/{made['id']}"
    return Status(201, show.adapter_import(_find(who, made["id"])))


@router.get("/imports/{id}", response={200: schemas.ImportOut, **ERRORS}, tags=["adapters"], summary="How far it is")
def read_import(request: HttpRequest, id: Path[schemas.Id]) -> Any:
    return show.adapter_import(_find(caller(request), id))


def _order(who: Caller, body: schemas.ImportIn) -> AdapterImport:
    if bool(body.uploads) == bool(body.repository):
        message = _("Say either uploads or a repository, one of the two.")
        raise UserFault("uploads_or_repository", message, field="uploads")
    base = get_object_or_404(PretrainedModel.objects.for_team(who.team), public_id=body.base_model)
    if body.repository:
        return adapters.import_from_hub(
            by=who.user,
            team=who.team,
            repository=body.repository,
            revision=body.revision,
            base_model=base,
            name=body.name,
        )
    own = Upload.objects.filter(team=who.team, created_by=who.user)
    uploads = [get_object_or_404(own, public_id=id) for id in dict.fromkeys(body.uploads)]
    return adapters.import_uploads(by=who.user, team=who.team, uploads=uploads, base_model=base, name=body.name)


def _find(who: Caller, id: str) -> AdapterImport:
    return get_object_or_404(imported.of_team(who.team), public_id=id)
