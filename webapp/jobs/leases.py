"""What a worker does with a job: claim it, hold it by a lease, and let go of it.

Every write is conditional on the fence that the claim raised. A worker that lost its lease, for instance because
its machine slept, is refused with LeaseLost and must end its program without writing anything.
"""

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from webapp.contract.spec import SPEC_VERSION
from webapp.fleet.models import Device, Worker
from webapp.jobs import journal, waiting
from webapp.jobs.claim import Choice, Offer, OfferedDevice, choose
from webapp.jobs.lifecycle import HELD, Asked, EndedBecause, State
from webapp.jobs.models import Attempt, DeviceHold, Job


class LeaseLost(Exception):
    """Somebody else holds the job now, or nobody; what this worker still has to say about it is not wanted."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A job in the hands of one worker. `job` is as it was when it was claimed."""

    job: Job
    fence: int
    attempt: Attempt
    devices: tuple[Device, ...]


def claim(*, worker: Worker, free_devices: Collection[int], light_slots: int) -> Claim | None:
    """Take the best waiting job for which this worker has room, with its devices; None when there is none.

    `free_devices` are the ids of devices on which this worker runs nothing.
    """
    if not Job.objects.filter(state=State.QUEUED).exists():
        return None  # the usual case, which should not take a write lock
    refused: set[int] = set()
    while True:
        with transaction.atomic():
            offer = _offer(worker, free_devices, light_slots)
            candidates = [one for one in waiting.candidates(up_to=SPEC_VERSION) if one.job_id not in refused]
            choice = choose(candidates, offer=offer, loads=waiting.loads(), now=timezone.now())
            if choice is None:
                return None
            # Another worker may be taking the same row this moment: skip it rather than wait.
            rows = Job.objects.select_for_update(skip_locked=True, of=("self",))
            job = rows.filter(pk=choice.job_id, state=State.QUEUED).first()
            if job is not None:
                return _take(job, worker, choice)
        refused.add(choice.job_id)


def _offer(worker: Worker, free_devices: Collection[int], light_slots: int) -> Offer:
    occupied = set(DeviceHold.objects.filter(device__worker=worker).values_list("device_id", flat=True))
    devices = tuple(
        OfferedDevice(
            device_id=device.pk,
            memory_bytes=device.memory_bytes,
            is_free=device.pk in free_devices and device.pk not in occupied,
        )
        for device in worker.devices.all()
    )
    labels = frozenset(worker.labels)
    return Offer(labels=labels, memory_bytes=worker.memory_bytes, light_slots=light_slots, devices=devices)


def _take(job: Job, worker: Worker, choice: Choice) -> Claim:
    now = timezone.now()
    fields: dict[str, Any] = {
        "worker": worker,
        "fence": F("fence") + 1,
        "lease_until": Now() + dt.timedelta(seconds=settings.LEASE_SECONDS),
        "started_at": job.started_at or now,
        "phase": "",
    }
    is_taken = Job.objects.move(job.pk, State.STARTING, **fields)
    assert is_taken, "the row was locked while it waited"
    job.refresh_from_db()
    number = job.attempts.count() + 1
    attempt = Attempt.objects.create(
        job=job, number=number, worker=worker, worker_name=worker.name, fence=job.fence, started_at=now
    )
    DeviceHold.objects.bulk_create(DeviceHold(device_id=device_id, job=job) for device_id in choice.device_ids)
    devices = tuple(Device.objects.filter(pk__in=choice.device_ids).order_by("index"))
    data = {"worker": worker.name, "devices": [device.name for device in devices]}
    journal.note(job, "claimed", attempt=number, data=data)
    return Claim(job=job, fence=job.fence, attempt=attempt, devices=devices)


def look(*, claim: Claim) -> Asked:
    """What a person asked for meanwhile. Raises LeaseLost."""
    asked = _mine(claim).values_list("asked", flat=True).first()
    if asked is None:
        raise LeaseLost(claim.job.public_id)
    return Asked(asked)


def renew(*, claim: Claim) -> Asked:
    """Hold on to the job for one more lease, on the database's clock. Raises LeaseLost."""
    until = Now() + dt.timedelta(seconds=settings.LEASE_SECONDS)
    if not _mine(claim).update(lease_until=until):
        raise LeaseLost(claim.job.public_id)
    return look(claim=claim)


def begin(*, claim: Claim) -> None:
    """The program lives. Said again, it changes nothing."""
    _mine(claim).filter(state=State.STARTING).update(state=State.RUNNING)


def finish(*, claim: Claim) -> None:
    """The program ended well; its files are being stored. May be said again. Raises LeaseLost."""
    if not _mine(claim).filter(state__in={State.RUNNING, State.FINISHING}).update(state=State.FINISHING):
        raise LeaseLost(claim.job.public_id)


def lock(*, claim: Claim) -> Job:
    """The job's row, locked until the caller's transaction ends, if it is still ours. Raises LeaseLost."""
    job = _mine(claim).select_for_update(of=("self",)).first()
    if job is None:
        raise LeaseLost(claim.job.public_id)
    return job


def succeed(*, claim: Claim) -> None:
    _end(claim, State.SUCCEEDED, EndedBecause.SUCCEEDED, over=True)


def fail(*, claim: Claim, fault: str, data: Mapping[str, Any], exit_code: int | None = None) -> None:
    fields: dict[str, Any] = {"fault": fault, "fault_data": dict(data)}
    _end(claim, State.FAILED, EndedBecause.FAILED, over=True, exit_code=exit_code, note=fields, **fields)


def cancel(*, claim: Claim) -> None:
    _end(claim, State.CANCELLED, EndedBecause.CANCELLED, over=True)


def pause(*, claim: Claim) -> None:
    _end(claim, State.PAUSED, EndedBecause.STOPPED)


def put_back(*, claim: Claim) -> None:
    """The worker is told to stop; the job waits again, with its place in the queue and its wishes kept."""
    _end(claim, State.QUEUED, EndedBecause.WORKER_STOPPED, asked=F("asked"))


def interrupt(*, claim: Claim, fault: str, data: Mapping[str, Any], exit_code: int | None) -> None:
    """The program died. Housekeeping queues the job again, unless it died too often without getting further."""
    fields: dict[str, Any] = {"fault": fault, "fault_data": dict(data), "deaths": F("deaths") + 1, "asked": F("asked")}
    because = EndedBecause.CHILD_DIED
    _end(claim, State.INTERRUPTED, because, exit_code=exit_code, note=data, **fields)


def _mine(claim: Claim) -> Any:
    return Job.objects.filter(pk=claim.job.pk, fence=claim.fence, state__in=HELD)


def _move(claim: Claim, to: State, **fields: Any) -> None:
    if not Job.objects.move(claim.job.pk, to, out_of=HELD, under_fence=claim.fence, **fields):
        raise LeaseLost(claim.job.public_id)


def _end(
    claim: Claim,
    to: State,
    because: EndedBecause,
    *,
    over: bool = False,
    exit_code: int | None = None,
    note: Mapping[str, Any] | None = None,
    **fields: Any,
) -> None:
    """Let go: state, attempt, devices and journal in one transaction. Raises LeaseLost and changes nothing then."""
    now = timezone.now()
    fields = {"asked": Asked.NOTHING, "worker": None, "lease_until": None, "phase": "", **fields}
    if over:
        fields |= {"finished_at": now, "sealed_secret": ""}
    with transaction.atomic():
        _move(claim, to, **fields)
        Attempt.objects.filter(pk=claim.attempt.pk).update(ended_at=now, ended_because=because, exit_code=exit_code)
        DeviceHold.objects.filter(job=claim.job).delete()
        is_warning = to in {State.INTERRUPTED, State.FAILED}
        data = {"because": because.value, **(note or {})}
        journal.note(claim.job, str(to), attempt=claim.attempt.number, data=data, is_warning=is_warning)
