"""Ordering reports."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Path, Router, Status

from webapp.accounts.access import Permission
from webapp.adapters.models import AdapterVersion
from webapp.api import schemas, show
from webapp.api.auth import caller
from webapp.api.problems import Problem
from webapp.datasets import queries as datasets
from webapp.evaluation import actions as evaluation

router = Router()
ERRORS = {401: Problem, 403: Problem, 404: Problem, 409: Problem, 422: Problem}


@router.post(
    "/adapters/{id}/versions/{number}/reports",
    response={201: schemas.ReportOut, **ERRORS},
    tags=["reports"],
    summary="Measure a version against its base",
)
def measure_version(
    request: HttpRequest,
    id: Path[schemas.Id],
    number: Path[schemas.Number],
    body: schemas.ReportIn,
    response: HttpResponse,
) -> Any:
    """On the held-out rows of its own dataset; a version that was trained elsewhere needs `dataset`."""
    who = caller(request, Permission.TRAIN)
    versions = AdapterVersion.objects.filter(adapter__team=who.team, adapter__deleted_at=None)
    found = get_object_or_404(
        versions.select_related("adapter__team", "base_model", "run__dataset_version"),
        adapter__public_id=id,
        number=number,
    )
    rows = None
    if body.dataset:
        held_out = datasets.held_out(who.team).filter(dataset__public_id=body.dataset)
        rows = get_object_or_404(held_out, number=body.version) if body.version else held_out.first()
    report = evaluation.again(by=who.user, version=found, rows=rows)
    response["Location"] = f"/api/v1/reports/{report.public_id}"
    return Status(201, show.report(report))
