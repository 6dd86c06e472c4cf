"""What workers say about themselves, and what people do with them."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from webapp.accounts.models import User
from webapp.audit import actions as audit
from webapp.fleet import queries
from webapp.fleet.models import Device, Measurement, Worker

KEEP_STOPPED = dt.timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class DeviceFacts:
    """A device as its worker found it. `matmul_flops` is measured, None when it could not be.

    `uuid` names a card wherever it is seen from; a container may count the cards differently. Empty for a processor.
    """

    index: int
    kind: Device.Kind
    name: str
    memory_bytes: int
    matmul_flops: float | None = None
    uuid: str = ""


@dataclass(frozen=True, kw_only=True)
class WorkerFacts:
    """A worker process and its machine as it found them."""

    name: str
    host: str
    pid: int
    version: str
    labels: tuple[str, ...]
    cpu_count: int
    memory_bytes: int
    disk_free_bytes: int


def register_worker(*, facts: WorkerFacts, devices: Sequence[DeviceFacts]) -> Worker:
    """A worker process began. Its id ends with it; a process that has the same number again is another worker."""
    with transaction.atomic():
        worker_exited(host=facts.host, pid=facts.pid)
        worker = Worker.objects.create(
            name=facts.name,
            host=facts.host,
            pid=facts.pid,
            version=facts.version,
            labels=list(facts.labels),
            cpu_count=facts.cpu_count,
            memory_bytes=facts.memory_bytes,
            disk_free_bytes=facts.disk_free_bytes,
            started_at=Now(),
            seen_at=Now(),
        )
        Device.objects.bulk_create(
            Device(
                worker=worker,
                index=device.index,
                kind=device.kind,
                name=device.name[:100],
                memory_bytes=device.memory_bytes,
                matmul_flops=device.matmul_flops,
            )
            for device in devices
        )
    worker.refresh_from_db()
    return worker


def heartbeat(*, worker: Worker, disk_free_bytes: int) -> bool:
    """The worker lives. One that was called stopped, for instance because its machine slept, is back by this.

    Refreshes `is_draining`. False when nobody knows this worker any more; it has to register again.
    """
    rows = Worker.objects.filter(pk=worker.pk)
    rows.update(seen_at=Now(), stopped_at=None, disk_free_bytes=disk_free_bytes)
    is_draining = rows.values_list("is_draining", flat=True).first()
    worker.is_draining = bool(is_draining)
    return is_draining is not None


def worker_stopped(*, worker: Worker) -> None:
    """The worker says that it is done and has let go of its jobs."""
    Worker.objects.filter(pk=worker.pk, stopped_at=None).update(stopped_at=Now())


def worker_exited(*, host: str, pid: int) -> int:
    """Somebody on the same machine saw the process end; its jobs need not wait for their leases to run out."""
    return Worker.objects.filter(host=host, pid=pid, stopped_at=None).update(stopped_at=Now())


def stop_silent() -> int:
    """Call workers stopped that were not heard of for longer than a lease."""
    return queries.silent_workers().update(stopped_at=Now())


def forget_stopped() -> int:
    """Rows of worker processes that ended days ago; what they did stays written in the attempts."""
    return Worker.objects.filter(stopped_at__lt=Now() - KEEP_STOPPED).delete()[0]


def drain(*, by: User | None, worker: Worker) -> None:
    """Let it finish what it runs and take nothing new, before work on its machine."""
    _set_draining(by, worker, True)


def undrain(*, by: User | None, worker: Worker) -> None:
    """Let it take jobs again."""
    _set_draining(by, worker, False)


def _set_draining(by: User | None, worker: Worker, is_draining: bool) -> None:
    require_administrator(by)
    with transaction.atomic():
        changed = Worker.objects.filter(pk=worker.pk, is_draining=not is_draining).update(is_draining=is_draining)
        if changed:
            audit.record(by=by, verb="worker.drained" if is_draining else "worker.undrained", obj=worker)
    worker.is_draining = is_draining


def require_administrator(by: User | None) -> None:
    """Workers serve all teams, so only who looks after the installation may steer them."""
    if by is not None and not by.is_administrator:
        raise PermissionDenied(_("Only an administrator of this installation can steer its workers"))


def measure(
    *, device_name: str, kind: str, features: Mapping[str, Any], seconds: float, peak_memory_bytes: int | None = None
) -> Measurement:
    """Remember what a finished job really took, for the estimates of the next."""
    return Measurement.objects.create(
        device_name=device_name[:100],
        kind=kind,
        features=dict(features),
        seconds=seconds,
        peak_memory_bytes=peak_memory_bytes,
    )
