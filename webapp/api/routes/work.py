"""Runs, adapters, reports."""

from typing import Annotated, Any

from asgiref.sync import sync_to_async
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.text import slugify
from ninja import Path, Query, Router, Status

from webapp.accounts.access import Permission
from webapp.adapters import actions as adapters
from webapp.adapters import cards, finding
from webapp.adapters.models import Adapter, AdapterVersion, Listing
from webapp.api import idempotency, paging, schemas, show
from webapp.api.auth import Caller, caller
from webapp.api.problems import Problem, named
from webapp.artifacts import download
from webapp.artifacts.models import Blob
from webapp.basemodels.models import PretrainedModel
from webapp.core.request import Request
from webapp.datasets.models import DatasetVersion
from webapp.evaluation import actions as evaluation
from webapp.evaluation.models import Report
from webapp.jobs.models import JobEvent
from webapp.runs import actions as runs
from webapp.runs import fields, series
from webapp.runs.models import Recipe, Run

router = Router()
ERRORS = dict.fromkeys((400, 401, 403, 404, 409, 422, 429), Problem)


@router.post("/runs", response={201: schemas.RunOut, **ERRORS}, tags=["runs"], summary="Launch a run")
def launch_run(request: HttpRequest, body: schemas.RunIn, response: HttpResponse) -> Any:
    """With an `Idempotency-Key` a repeated request does not start a second run."""
    who = caller(request, Permission.TRAIN)
    made = idempotency.once(request, body.dict(), lambda: {"id": _launch(who, body).public_id})
    found = _run(who, made["id"])
    response["Location"] = f"/api/v1/runs/{found.public_id}"
    return Status(201, show.run(found))


def _launch(who: Caller, body: schemas.RunIn) -> Run:
    live = DatasetVersion.objects.filter(dataset__team=who.team, dataset__deleted_at=None)
    version = named(live.filter(dataset__public_id=body.dataset).order_by("-number"), field="dataset")
    if body.version:
        version = named(live.filter(dataset=version.dataset, number=body.version), field="version")
    recipes = Recipe.objects.for_team(who.team).filter(public_id=body.recipe)
    bases = PretrainedModel.objects.for_team(who.team).filter(public_id=body.base_model)
    recipe = named(recipes, field="recipe") if body.recipe else None
    return runs.launch(
        by=who.user,
        team=who.team,
        dataset_version=version,
        base_model=named(bases, field="base_model"),
        config=fields.config_from(recipe.config if recipe else {}, body.config),
        recipe=recipe,
        name=body.name,
    )


@router.get("/runs", response={200: schemas.RunPage, **ERRORS}, tags=["runs"], summary="List runs")
def list_runs(request: HttpRequest, query: paging.PagingQuery) -> Any:
    return paging.page(_runs(caller(request)), paging=query, show=show.run)


@router.get("/runs/{id}", response={200: schemas.RunOut, **ERRORS}, tags=["runs"], summary="Read a run")
def read_run(request: HttpRequest, id: Path[schemas.Id]) -> Any:
    return show.run(_run(caller(request), id))


@router.get("/runs/{id}/metrics", response={200: dict[str, Any], **ERRORS}, tags=["runs"], summary="Read metrics")
def read_metrics(request: HttpRequest, id: Path[schemas.Id], query: Annotated[schemas.MetricsQuery, Query()]) -> Any:
    """Each series with steps and values. Pass the answer's `cursor` as `after` to get only what is new;
    `reset` says that earlier points are replaced (a run went on from a checkpoint). `thinned` series keep
    their true minimum and maximum."""
    wanted = [name for name in query.names.split(",") if name]
    return series.read(_run(caller(request), id), wanted, after=query.after, points=query.points)


@router.get("/runs/{id}/events", response={200: list[schemas.EventOut], **ERRORS}, tags=["runs"], summary="Read events")
def read_events(request: HttpRequest, id: Path[schemas.Id]) -> Any:
    found = _run(caller(request), id)
    return [show.event(row) for row in JobEvent.objects.filter(job=found.job).order_by("-id")[:500]]


@router.post("/runs/{id}/cancel", response={200: schemas.RunOut, **ERRORS}, tags=["runs"], summary="Cancel and drop")
def cancel_run(request: HttpRequest, id: Path[schemas.Id]) -> Any:
    who = caller(request, Permission.TRAIN)
    runs.cancel(by=who.user, run=_run(who, id))
    return show.run(_run(who, id))


@router.post("/runs/{id}/pause", response={200: schemas.RunOut, **ERRORS}, tags=["runs"], summary="Pause")
def pause_run(request: HttpRequest, id: Path[schemas.Id]) -> Any:
    who = caller(request, Permission.TRAIN)
    runs.pause(by=who.user, run=_run(who, id))
    return show.run(_run(who, id))


@router.post("/runs/{id}/resume", response={200: schemas.RunOut, **ERRORS}, tags=["runs"], summary="Resume")
def resume_run(request: HttpRequest, id: Path[schemas.Id]) -> Any:
    who = caller(request, Permission.TRAIN)
    runs.resume(by=who.user, run=_run(who, id))
    return show.run(_run(who, id))


@router.post("/runs/{id}/stop", response={200: schemas.RunOut, **ERRORS}, tags=["runs"], summary="Stop and keep")
def stop_run(request: HttpRequest, id: Path[schemas.Id]) -> Any:
    who = caller(request, Permission.TRAIN)
    runs.stop_and_keep(by=who.user, run=_run(who, id))
    return show.run(_run(who, id))


@router.get("/adapters", response={200: schemas.AdapterPage, **ERRORS}, tags=["adapters"], summary="List adapters")
def list_adapters(request: HttpRequest, query: Annotated[schemas.AdaptersQuery, Query()]) -> Any:
    """The newest version of each adapter, found by words and filters, in one of three orders."""
    who = caller(request)
    wanted = finding.read_strictly(request.GET, besides=("limit", "cursor"))
    try:
        page = finding.page(who.team, wanted, after=query.cursor or "", size=query.limit)
    except LookupError as error:
        raise paging.bad_cursor() from error
    return {"items": [_shown(who, listing) for listing in page], "next": page.next or None}


def _shown(who: Caller, listing: Listing) -> dict[str, Any]:
    listing.team = who.team  # known already; each row would ask for it
    return show.adapter(listing)


@router.get(
    "/adapters/{id}", response={200: schemas.AdapterOut, **ERRORS}, tags=["adapters"], summary="Read an adapter"
)
def read_adapter(request: HttpRequest, id: Path[schemas.Id]) -> Any:
    return show.adapter(_listing(caller(request), id))


@router.patch(
    "/adapters/{id}", response={200: schemas.AdapterOut, **ERRORS}, tags=["adapters"], summary="Name, describe, tag"
)
def change_adapter(request: HttpRequest, id: Path[schemas.Id], body: schemas.AdapterIn) -> Any:
    """`tags` replaces all tags; send the old ones along to keep them."""
    who = caller(request, Permission.TRAIN)
    adapter = get_object_or_404(_adapters(who), public_id=id)
    adapters.change(
        by=who.user, adapter=adapter, name=body.name, description=body.description, task=body.task, tags=body.tags
    )
    return show.adapter(_listing(who, id))


@router.get(
    "/adapters/{id}/versions/{number}",
    response={200: schemas.AdapterVersionOut, **ERRORS},
    tags=["adapters"],
    summary="Read an adapter version",
)
def read_version(request: HttpRequest, id: Path[schemas.Id], number: Path[schemas.Number]) -> Any:
    return show.adapter_version(_version(caller(request), id, number))


@router.get("/adapters/{id}/versions/{number}/download", tags=["adapters"], summary="Download a version as a zip")
async def download_version(request: Request, id: Path[schemas.Id], number: Path[schemas.Number]) -> HttpResponseBase:
    """All files, the card as README.md, and SHA256SUMS."""
    name, files = await _for_download(request, id, number, "")
    extra = await sync_to_async(_extra)(request, id, number)
    return await download.zip_response(request, files=files, zip_name=f"{name}.zip", extra=extra)


@router.get("/adapters/{id}/versions/{number}/files/{path:file_path}", tags=["adapters"], summary="Download one file")
async def download_file(
    request: Request, id: Path[schemas.Id], number: Path[schemas.Number], file_path: str
) -> HttpResponseBase:
    """Ranges and resuming work; the ETag is the file's SHA-256. README.md is the card as it stands now."""
    if file_path == cards.README:
        content = (await sync_to_async(_extra)(request, id, number))[cards.README]
        return download.made_response(request, content, name=cards.README, content_type=cards.README_TYPE)
    _name, files = await _for_download(request, id, number, file_path)
    path, blob = files[0]
    return await download.file_response(request, blob=blob, name=path.split("/")[-1], etag=blob.sha256)


CARD = "/adapters/{id}/versions/{number}/card"


@router.get(CARD, response={200: schemas.CardOut, **ERRORS}, tags=["adapters"], summary="Read a card")
def read_card(request: HttpRequest, id: Path[schemas.Id], number: Path[schemas.Number]) -> Any:
    return show.card(_version(caller(request), id, number))


@router.put(CARD, response={200: schemas.CardOut, **ERRORS}, tags=["adapters"], summary="Write a card")
def write_card(request: HttpRequest, id: Path[schemas.Id], number: Path[schemas.Number], body: schemas.CardIn) -> Any:
    """With the `revision` that was read, a card that somebody changed meanwhile is not overwritten: the answer is 409
    with the text that stands."""
    who = caller(request, Permission.TRAIN)
    found = _version(who, id, number)
    adapters.edit_card(by=who.user, version=found, text=body.text, seen=body.revision)
    return show.card(found)


@router.delete(CARD, response={200: schemas.CardOut, **ERRORS}, tags=["adapters"], summary="Write it from facts again")
def reset_card(request: HttpRequest, id: Path[schemas.Id], number: Path[schemas.Number]) -> Any:
    """What a person wrote is given up."""
    who = caller(request, Permission.TRAIN)
    found = _version(who, id, number)
    adapters.reset_card(by=who.user, version=found)
    return show.card(found)


@router.delete("/adapters/{id}", response={204: None, **ERRORS}, tags=["adapters"], summary="Delete an adapter")
def delete_adapter(request: HttpRequest, id: Path[schemas.Id]) -> Any:
    """Moves it to the trash, from where it can be restored for seven days."""
    who = caller(request, Permission.TRAIN)
    adapters.delete(by=who.user, adapter=get_object_or_404(_adapters(who), public_id=id))
    return Status(204, None)


@router.get("/reports/{id}", response={200: schemas.ReportOut, **ERRORS}, tags=["reports"], summary="Read a report")
def read_report(request: HttpRequest, id: Path[schemas.Id]) -> Any:
    who = caller(request)
    rows = Report.objects.filter(team=who.team, version__adapter__deleted_at=None, version__deleted_at=None)
    return show.report(get_object_or_404(rows.select_related("job"), public_id=id))


@router.delete(
    "/adapters/{id}/versions/{number}",
    response={204: None, **ERRORS},
    tags=["adapters"],
    summary="Delete an adapter version",
)
def delete_adapter_version(request: HttpRequest, id: Path[schemas.Id], number: Path[schemas.Number]) -> Any:
    """Moves one version to the trash for seven days. Refused for one in production or candidate, for one that a job
    reads, and for the only one."""
    who = caller(request, Permission.TRAIN)
    adapters.delete_version(by=who.user, version=_version(who, id, number))
    return Status(204, None)


@router.delete("/reports/{id}", response={204: None, **ERRORS}, tags=["reports"], summary="Delete a report")
def delete_report(request: HttpRequest, id: Path[schemas.Id]) -> Any:
    """Moves it to the trash for seven days; one that is being made is cancelled. Scores stay with the version."""
    who = caller(request, Permission.TRAIN)
    rows = Report.objects.filter(team=who.team, version__adapter__deleted_at=None, version__deleted_at=None)
    found = get_object_or_404(rows.select_related("team", "job", "version__adapter__team"), public_id=id)
    evaluation.delete(by=who.user, report=found)
    return Status(204, None)


def _runs(who: Caller) -> Any:
    related = ("team", "job", "dataset_version__dataset", "base_model", "recipe")
    return Run.objects.live().filter(team=who.team).select_related(*related)


def _run(who: Caller, id: str) -> Run:
    found: Run = get_object_or_404(_runs(who), public_id=id)
    return found


def _adapters(who: Caller) -> Any:
    return Adapter.objects.live().filter(team=who.team).select_related("team")


def _listing(who: Caller, id: str) -> Listing:
    found = finding.shown(Listing.objects.filter(team=who.team)).select_related("team")
    return get_object_or_404(found, adapter__public_id=id)


def _version(who: Caller, id: str, number: int) -> AdapterVersion:
    versions = AdapterVersion.objects.filter(adapter__in=_adapters(who))
    related = ("adapter__team", "base_model", "bundle", "run__dataset_version__dataset")
    return get_object_or_404(versions.select_related(*related), adapter__public_id=id, number=number)


def _extra(request: Request, id: str, number: int) -> dict[str, bytes]:
    return cards.beside(_version(caller(request, Permission.DOWNLOAD), id, number))


@sync_to_async
def _for_download(request: Request, id: str, number: int, path: str) -> tuple[str, list[tuple[str, Blob]]]:
    who = caller(request, Permission.DOWNLOAD)
    found = _version(who, id, number)
    is_whole = download.asks_for_all(request)
    files = adapters.take(by=who.user, version=found, path=path, is_counted=is_whole)
    if not files:
        raise Http404
    return f"{slugify(found.adapter.name) or 'adapter'}-v{found.number}", files
