"""Uploads, datasets, base models, recipes."""

from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from ninja import Path, Router, Status

from webapp.accounts.access import Permission
from webapp.api import idempotency, paging, schemas, show
from webapp.api.auth import Caller, caller
from webapp.api.problems import Problem, named
from webapp.artifacts import actions as artifacts
from webapp.artifacts import download
from webapp.artifacts.models import Blob, Upload
from webapp.basemodels import actions as basemodels
from webapp.basemodels.models import PretrainedModel
from webapp.core.faults import UserFault
from webapp.core.request import Request
from webapp.datasets import actions as datasets
from webapp.datasets import removing
from webapp.datasets.models import Dataset, DatasetVersion
from webapp.runs.models import Recipe

router = Router()
ERRORS = dict.fromkeys((400, 401, 403, 404, 409, 413, 422, 429), Problem)


@router.get("/me", response={200: schemas.Me, **ERRORS}, tags=["account"], summary="Whose token this is")
def me(request: HttpRequest) -> Any:
    who = caller(request)
    return {
        "user": who.user.email,
        "team": who.team.slug,
        "team_title": who.team.title,
        "role": who.user.memberships.get(team=who.team).role,
        "scopes": who.token.scopes,
    }


@router.post("/uploads", response={201: schemas.UploadOut, **ERRORS}, tags=["uploads"], summary="Announce a file")
def open_upload(request: HttpRequest, body: schemas.UploadIn) -> Any:
    who = caller(request, Permission.UPLOAD)
    made = artifacts.open_upload(by=who.user, team=who.team, file_name=body.file_name, size_bytes=body.size_bytes)
    return Status(201, show.upload(made))


@router.get("/uploads/{id}", response={200: schemas.UploadOut, **ERRORS}, tags=["uploads"], summary="How far it is")
def read_upload(request: HttpRequest, id: Path[schemas.Id]) -> Any:
    return show.upload(_upload(caller(request, Permission.UPLOAD), id))


@router.patch("/uploads/{id}", response={200: schemas.UploadOut, **ERRORS}, tags=["uploads"], summary="Send a chunk")
def append_chunk(request: HttpRequest, id: Path[schemas.Id]) -> Any:
    """The raw bytes as the body and their place in the header `Upload-Offset`. The same chunk twice is harmless."""
    who = caller(request, Permission.UPLOAD)
    found = _upload(who, id)
    offset = request.headers.get("Upload-Offset", "")
    if not (offset.isascii() and offset.isdigit() and len(offset) < 19):
        raise UserFault(
            "bad_offset", _("Say in Upload-Offset at which byte the chunk starts."), "Upload-Offset", status=400
        )
    chunk = request.read(settings.UPLOAD_CHUNK_BYTES + 1)  # one more than allowed, so that more is noticed
    return show.upload(artifacts.append_chunk(upload=found, offset=int(offset), chunk=chunk))


@router.post("/uploads/{id}/finish", response={200: schemas.UploadOut, **ERRORS}, tags=["uploads"], summary="Finish it")
def finish_upload(request: HttpRequest, id: Path[schemas.Id]) -> Any:
    return show.upload(artifacts.finish_upload(upload=_upload(caller(request, Permission.UPLOAD), id)))


@router.post("/datasets", response={201: schemas.DatasetOut, **ERRORS}, tags=["datasets"], summary="Import a dataset")
def import_dataset(request: HttpRequest, body: schemas.DatasetIn, response: HttpResponse) -> Any:
    """Reads the upload in the background; follow `versions[0].job` until its state is `succeeded`."""
    who = caller(request, Permission.UPLOAD)

    def make() -> dict[str, Any]:
        known = named(_datasets(who).filter(public_id=body.dataset), field="dataset") if body.dataset else None
        version = datasets.import_upload(
            by=who.user,
            team=who.team,
            upload=named(_uploads(who).filter(public_id=body.upload), field="upload"),
            dataset=known,
            dataset_name=body.name,
            mapping=body.mapping,
            system_prompt=body.system_prompt,
            validation_share=body.validation_share,
            licence=body.licence,
        )
        return {"id": version.dataset.public_id}

    made = idempotency.once(request, body.dict(), make)
    found = get_object_or_404(_datasets(who), public_id=made["id"])
    response["Location"] = f"/api/v1/datasets/{found.public_id}"
    return Status(201, show.dataset(found))


@router.get("/datasets", response={200: schemas.DatasetPage, **ERRORS}, tags=["datasets"], summary="List datasets")
def list_datasets(request: HttpRequest, query: paging.PagingQuery) -> Any:
    return paging.page(_datasets(caller(request)), paging=query, show=show.dataset)


@router.get("/datasets/{id}", response={200: schemas.DatasetOut, **ERRORS}, tags=["datasets"], summary="Read a dataset")
def read_dataset(request: HttpRequest, id: Path[schemas.Id]) -> Any:
    return show.dataset(get_object_or_404(_datasets(caller(request)), public_id=id))


@router.get(
    "/datasets/{id}/versions/{number}",
    response={200: schemas.DatasetVersionOut, **ERRORS},
    tags=["datasets"],
    summary="Read a dataset version",
)
def read_dataset_version(request: HttpRequest, id: Path[schemas.Id], number: Path[schemas.Number]) -> Any:
    versions = DatasetVersion.objects.filter(dataset__in=_datasets(caller(request))).select_related("job")
    return show.dataset_version(get_object_or_404(versions, dataset__public_id=id, number=number))


@router.patch(
    "/datasets/{id}", response={200: schemas.DatasetOut, **ERRORS}, tags=["datasets"], summary="Change a dataset"
)
def change_dataset(request: HttpRequest, id: Path[schemas.Id], body: schemas.DatasetChange) -> Any:
    """Its name and what is said about it. Another licence travels on to the adapters that learned from it."""
    who = caller(request, Permission.UPLOAD)
    found = get_object_or_404(_datasets(who), public_id=id)
    said = {"name": found.name, "description": found.description, "licence": found.licence}
    datasets.edit(by=who.user, dataset=found, **(said | body.dict(exclude_none=True)))
    return show.dataset(found)


@router.delete("/datasets/{id}", response={204: None, **ERRORS}, tags=["datasets"], summary="Delete a dataset")
def delete_dataset(request: HttpRequest, id: Path[schemas.Id]) -> Any:
    """Moves it to the trash, from where it can be restored for seven days."""
    who = caller(request, Permission.UPLOAD)
    datasets.delete(by=who.user, dataset=get_object_or_404(_datasets(who), public_id=id))
    return Status(204, None)


@router.delete(
    "/datasets/{id}/versions/{number}",
    response={204: None, **ERRORS},
    tags=["datasets"],
    summary="Delete a dataset version",
)
def delete_dataset_version(request: HttpRequest, id: Path[schemas.Id], number: Path[schemas.Number]) -> Any:
    """Moves one version to the trash for seven days. Refused while a job reads it, and for the only one."""
    who = caller(request, Permission.UPLOAD)
    rows = DatasetVersion.objects.filter(dataset__team=who.team, dataset__deleted_at=None, dataset__public_id=id)
    found = get_object_or_404(rows.select_related("dataset__team", "bundle", "job"), number=number)
    removing.delete_version(by=who.user, version=found)
    return Status(204, None)


@router.get("/models", response={200: schemas.BaseModelPage, **ERRORS}, tags=["models"], summary="List base models")
def list_models(request: HttpRequest, query: paging.PagingQuery) -> Any:
    rows = PretrainedModel.objects.for_team(caller(request).team).select_related("job")
    return paging.page(rows, paging=query, show=show.base_model)


@router.get(
    "/models/{id}", response={200: schemas.BaseModelOut, **ERRORS}, tags=["models"], summary="Read a base model"
)
def read_model(request: HttpRequest, id: Path[schemas.Id]) -> Any:
    rows = PretrainedModel.objects.for_team(caller(request).team).select_related("job")
    return show.base_model(get_object_or_404(rows, public_id=id))


@router.get("/models/{id}/download", tags=["models"], summary="Download a base model as a zip")
async def download_model(request: Request, id: Path[schemas.Id]) -> HttpResponseBase:
    """The exact weights, tokenizer and template that adapters of this base need beside them."""
    name, files = await sync_to_async(_model_files)(request, id)
    return await download.zip_response(request, files=files, zip_name=f"{name}.zip")


def _model_files(request: Request, id: str) -> tuple[str, list[tuple[str, Blob]]]:
    who = caller(request, Permission.DOWNLOAD)
    model = get_object_or_404(PretrainedModel.objects.for_team(who.team).select_related("bundle"), public_id=id)
    files = basemodels.take(by=who.user, team=who.team, model=model)
    if not files:
        raise Http404
    return model.folder_name, files


@router.get("/recipes", response={200: schemas.RecipePage, **ERRORS}, tags=["recipes"], summary="List recipes")
def list_recipes(request: HttpRequest, query: paging.PagingQuery) -> Any:
    return paging.page(Recipe.objects.for_team(caller(request).team), paging=query, show=show.recipe)


def _datasets(who: Caller) -> Any:
    return Dataset.objects.live().filter(team=who.team).select_related("team")


def _uploads(who: Caller) -> Any:
    return Upload.objects.filter(team=who.team, created_by=who.user)


def _upload(who: Caller, id: str) -> Upload:
    return get_object_or_404(_uploads(who), public_id=id)
