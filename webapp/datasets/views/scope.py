"""Finding what an address names, within the team of the request."""

from django.http import Http404
from django.shortcuts import get_object_or_404

from webapp.core.request import Request
from webapp.datasets.models import Dataset, DatasetVersion


def dataset(request: Request, public_id: str) -> Dataset:
    datasets = Dataset.objects.live().select_related("team", "created_by")
    return get_object_or_404(datasets, team=request.team, public_id=public_id)


def version(request: Request, public_id: str, number: int) -> DatasetVersion:
    versions = DatasetVersion.objects.select_related("dataset__team", "source", "bundle", "job", "created_by")
    found = {"dataset__team": request.team, "dataset__public_id": public_id, "dataset__deleted_at": None}
    return get_object_or_404(versions, **found, number=number)


def ready_version(request: Request, public_id: str, number: int) -> DatasetVersion:
    found = version(request, public_id, number)
    if not found.is_ready:
        raise Http404
    return found
