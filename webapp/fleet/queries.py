"""Reading about workers and devices."""

import datetime as dt
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from webapp.fleet.models import Device, Measurement, Worker

# Longer than a lease, so that a worker's jobs are taken from it before it is called stopped.
SILENT_AFTER = dt.timedelta(seconds=20)


def _is_live() -> Q:
    return Q(stopped_at=None, seen_at__gte=Now() - SILENT_AFTER)


def live_workers() -> QuerySet[Worker]:
    """Workers that were heard of within 20 seconds, on the database's clock."""
    return Worker.objects.filter(_is_live()).order_by("name", "pk")


def live_devices() -> QuerySet[Device]:
    """Devices of live workers, the largest first."""
    live = Worker.objects.filter(_is_live())
    return Device.objects.filter(worker__in=live).select_related("worker").order_by("-memory_bytes", "pk")


def silent_workers() -> QuerySet[Worker]:
    return Worker.objects.filter(stopped_at=None, seen_at__lt=Now() - SILENT_AFTER)


def jobs_of(worker: Worker) -> list[Any]:
    """The jobs that it holds, with devices and runs. Jobs stand above this app and are reached by their relation."""
    held = worker.jobs.select_related("team", "run").prefetch_related("holds")
    return list(held.order_by("pk"))


def measured_on(device_names: list[str]) -> list[Measurement]:
    """The newest things that were measured on such devices."""
    return list(Measurement.objects.filter(device_name__in=device_names).order_by("-pk")[:10])


def measurements(*, device_name: str, kind: str, newest: int = 50) -> list[Measurement]:
    """What jobs of this kind really took on such a device, newest first."""
    return list(Measurement.objects.filter(device_name=device_name, kind=kind).order_by("-pk")[:newest])
