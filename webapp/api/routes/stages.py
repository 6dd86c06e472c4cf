"""Stages of adapter versions, their reviews, and the team's gates."""

from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Path, Router, Status

from webapp.accounts import tokens
from webapp.accounts.access import Permission
from webapp.adapters import actions, refusals, standing
from webapp.adapters.models import Adapter, AdapterVersion, Gate, Review, Stage
from webapp.api import paging, schemas
from webapp.api import stage_documents as documents
from webapp.api.auth import Caller, caller
from webapp.api.problems import Problem

router = Router(tags=["stages"])
ERRORS = {400: Problem, 401: Problem, 403: Problem, 404: Problem, 409: Problem, 422: Problem}


@router.get("/adapters/{id}/stages", response={200: documents.StagesOut, **ERRORS}, summary="Who holds which stage")
def read_stages(request: HttpRequest, id: Path[schemas.Id]) -> Any:
    return documents.stages(_adapter(caller(request), id))


@router.get(
    "/adapters/{id}/stage-changes", response={200: documents.StageChangePage, **ERRORS}, summary="List decisions"
)
def list_stage_changes(request: HttpRequest, id: Path[schemas.Id], query: paging.PagingQuery) -> Any:
    """All that were made and all that were refused, newest first."""
    adapter = _adapter(caller(request), id)
    return paging.page(standing.history(adapter), paging=query, show=documents.change)


@router.post(
    "/adapters/{id}/versions/{number}/stage",
    response={200: documents.StageChangeOut, **ERRORS},
    summary="Move a version to a stage",
)
def move_version(
    request: HttpRequest, id: Path[schemas.Id], number: Path[schemas.Number], body: documents.StageIn
) -> Any:
    """draft → candidate → production → retired. Who holds candidate or production gives way. The answer is 409 with
    the code `gate_refused` and the results in `gates` when a gate is not passed, `files_damaged` when the files are
    not whole, `decided_meanwhile` when somebody was faster, `no_way` when no way leads there."""
    who = caller(request, Permission.REVIEW)
    version = _version(who, id, number)
    made = actions.move(by=who.user, version=version, stage=body.stage, reason=body.reason, seen=body.seen)
    return documents.change(made)


@router.post("/adapters/{id}/rollback", response={200: documents.StageChangeOut, **ERRORS}, summary="Roll back")
def roll_back(request: HttpRequest, id: Path[schemas.Id], body: documents.RollbackIn) -> Any:
    """Production goes back to the version that had it before, once its files were read back. Again undoes it."""
    who = caller(request, Permission.REVIEW)
    made = actions.rollback(by=who.user, adapter=_adapter(who, id), reason=body.reason, seen=body.seen)
    return documents.change(made)


@router.get(
    "/adapters/{id}/versions/{number}/gates/{stage}",
    response={200: list[documents.GateResultOut], **ERRORS},
    summary="Ask the gates",
)
def ask_gates(request: HttpRequest, id: Path[schemas.Id], number: Path[schemas.Number], stage: str) -> Any:
    """What each gate before a stage says about a version now. Nothing is moved."""
    if stage not in Stage.values:
        raise refusals.unknown_stage(stage)
    return documents.results(_version(caller(request), id, number), stage)


@router.get(
    "/adapters/{id}/versions/{number}/reviews",
    response={200: list[documents.ReviewOut], **ERRORS},
    summary="List reviews",
)
def list_reviews(request: HttpRequest, id: Path[schemas.Id], number: Path[schemas.Number]) -> Any:
    version = _version(caller(request), id, number)
    return [documents.review(row) for row in version.reviews.select_related("asked_by").order_by("-id")[:200]]


@router.post(
    "/adapters/{id}/versions/{number}/reviews",
    response={201: documents.ReviewOut, **ERRORS},
    summary="Ask for a review",
)
def ask_for_review(
    request: HttpRequest, id: Path[schemas.Id], number: Path[schemas.Number], body: documents.AskIn
) -> Any:
    """Asked again, it answers with the review that is open."""
    who = caller(request)
    if not any(tokens.covers(who.token, right) for right in (Permission.TRAIN, Permission.REVIEW)):
        who.requires(Permission.TRAIN)
    made = actions.ask(by=who.user, version=_version(who, id, number), stage=body.stage, word=body.word)
    return Status(201, documents.review(made))


@router.post("/reviews/{id}/approve", response={200: documents.ReviewOut, **ERRORS}, summary="Approve")
def approve_review(request: HttpRequest, id: Path[schemas.Id], body: documents.AnswerIn) -> Any:
    """Not by who made the version."""
    who = caller(request, Permission.REVIEW)
    actions.approve(by=who.user, review=_review(who, id), word=body.word)
    return documents.review(_review(who, id))


@router.post("/reviews/{id}/send-back", response={200: documents.ReviewOut, **ERRORS}, summary="Send back")
def send_back_review(request: HttpRequest, id: Path[schemas.Id], body: documents.AnswerIn) -> Any:
    """Closes the review; approvals given until now count no more."""
    who = caller(request, Permission.REVIEW)
    actions.send_back(by=who.user, review=_review(who, id), word=body.word)
    return documents.review(_review(who, id))


@router.get("/gates", response={200: list[documents.GateOut], **ERRORS}, summary="List gates")
def list_gates(request: HttpRequest) -> Any:
    return [documents.gate(row) for row in standing.gates_of(caller(request).team)]


@router.post("/gates", response={201: documents.GateOut, **ERRORS}, summary="Add a gate")
def add_gate(request: HttpRequest, body: documents.GateIn) -> Any:
    """Only an owner, with a token that has the scope `admin`."""
    who = caller(request, Permission.SET_GATES)
    return Status(201, documents.gate(actions.add_gate(by=who.user, team=who.team, **body.dict())))


@router.get("/gates/{id}", response={200: documents.GateOut, **ERRORS}, summary="Read a gate")
def read_gate(request: HttpRequest, id: Path[schemas.Id]) -> Any:
    return documents.gate(_gate(caller(request), id))


@router.put("/gates/{id}", response={200: documents.GateOut, **ERRORS}, summary="Change a gate")
def change_gate(request: HttpRequest, id: Path[schemas.Id], body: documents.GateIn) -> Any:
    who = caller(request, Permission.SET_GATES)
    return documents.gate(actions.change_gate(by=who.user, gate=_gate(who, id), **body.dict()))


@router.delete("/gates/{id}", response={204: None, **ERRORS}, summary="Remove a gate")
def remove_gate(request: HttpRequest, id: Path[schemas.Id]) -> Any:
    who = caller(request, Permission.SET_GATES)
    actions.remove_gate(by=who.user, gate=_gate(who, id))
    return Status(204, None)


def _adapter(who: Caller, id: str) -> Adapter:
    return get_object_or_404(Adapter.objects.live().filter(team=who.team).select_related("team"), public_id=id)


def _version(who: Caller, id: str, number: int) -> AdapterVersion:
    versions = AdapterVersion.objects.filter(adapter__team=who.team, adapter__deleted_at=None)
    related = ("adapter__team", "created_by", "run__dataset_version")
    return get_object_or_404(versions.select_related(*related), adapter__public_id=id, number=number)


def _review(who: Caller, id: str) -> Review:
    versions = AdapterVersion.objects.filter(adapter__team=who.team, adapter__deleted_at=None)
    rows = Review.objects.filter(version__in=versions)
    return get_object_or_404(rows.select_related("version__adapter__team", "asked_by"), public_id=id)


def _gate(who: Caller, id: str) -> Gate:
    return get_object_or_404(Gate.objects.select_related("team", "created_by"), team=who.team, public_id=id)
