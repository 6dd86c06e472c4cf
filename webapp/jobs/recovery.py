"""What housekeeping does with jobs: finds those whose worker is gone and brings them back, rings for forgotten ones."""

import datetime as dt
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from webapp.contract.events import Fault
from webapp.jobs import bell, journal
from webapp.jobs.lifecycle import HELD, Asked, EndedBecause, State
from webapp.jobs.models import Attempt, DeviceHold, Duty, Job, JobQuerySet

FORGOTTEN_AFTER = dt.timedelta(seconds=10)
RING_AGAIN_AFTER = dt.timedelta(seconds=30)


def interrupt_lost(*, judge_leases: bool) -> list[Job]:
    """Take jobs from workers that are known to have ended; with `judge_leases` also where the lease ran out."""
    lost = Q(worker=None) | Q(worker__stopped_at__isnull=False)
    if judge_leases:
        lost |= Q(lease_until__lt=Now())
    held = Job.objects.held().filter(lost)
    found = [_interrupt(held, pk) for pk in held.values_list("pk", flat=True)]
    return [job for job in found if job is not None]


def _interrupt(lost: JobQuerySet, job_id: int) -> Job | None:
    with transaction.atomic():
        # Asked again under the lock: the worker may have renewed its lease this moment.
        job = lost.select_for_update(of=("self",), skip_locked=True).filter(pk=job_id).first()
        if job is None:
            return None
        fields: dict[str, Any] = {"worker": None, "lease_until": None, "phase": "", "deaths": F("deaths") + 1}
        fields |= {"fault": Fault.INTERNAL, "fault_data": {"because": EndedBecause.WORKER_LOST}}
        Job.objects.move(job.pk, State.INTERRUPTED, under_fence=job.fence, **fields)
        attempts = Attempt.objects.filter(job=job, ended_at=None)
        attempts.update(ended_at=timezone.now(), ended_because=EndedBecause.WORKER_LOST)
        DeviceHold.objects.filter(job=job).delete()
        data = {"because": EndedBecause.WORKER_LOST.value, "worker": job.worker.name if job.worker else ""}
        journal.note(job, "interrupted", attempt=job.attempts.count(), data=data, is_warning=True)
    return job


def settle_interrupted() -> list[Job]:
    """Queue interrupted jobs again, do what was asked of them, or give up on those that die each time.

    Returns the jobs that moved; their state says where to.
    """
    moved = []
    for job in Job.objects.filter(state=State.INTERRUPTED):
        with transaction.atomic():
            if _settle(job):
                moved.append(job)
        job.refresh_from_db()
    if any(job.state == State.QUEUED for job in moved):
        bell.ring()
    return moved


def _settle(job: Job) -> bool:
    over: dict[str, Any] = {"finished_at": timezone.now(), "sealed_secret": "", "asked": Asked.NOTHING}
    fields: dict[str, Any]
    if job.asked == Asked.CANCEL:
        to, fields = State.CANCELLED, over
    elif job.asked == Asked.PAUSE:
        to, fields = State.PAUSED, {"asked": Asked.NOTHING}
    elif job.deaths >= settings.MAX_DEATHS_WITHOUT_PROGRESS:
        to, fields = State.FAILED, over | {"fault_data": job.fault_data | {"deaths": job.deaths}}
    else:
        to, fields = State.QUEUED, {"fault": "", "fault_data": {}}
    if not Job.objects.move(job.pk, to, out_of={State.INTERRUPTED}, under_fence=job.fence, **fields):
        return False
    data = {"deaths": job.deaths, "fault": job.fault} if to is State.FAILED else {}
    journal.note(job, "queued_again" if to is State.QUEUED else str(to), data=data, is_warning=to is State.FAILED)
    return True


def free_devices() -> int:
    """Devices that a job still occupies although nobody holds it any more."""
    return DeviceHold.objects.exclude(job__state__in=HELD).delete()[0]


def ring_for_forgotten() -> bool:
    """Ring once more for jobs that wait although their bell should have been heard."""
    now = timezone.now()
    waiting = Job.objects.filter(state=State.QUEUED, queued_at__lt=now - FORGOTTEN_AFTER)
    forgotten = waiting.filter(Q(rung_at=None) | Q(rung_at__lt=now - RING_AGAIN_AFTER))
    if not forgotten.update(rung_at=now):
        return False
    return bell.ring()


def hold_duty(*, name: str, holder: str, seconds: float) -> bool:
    """Take or keep a duty for so long, on the database's clock; False while another process has it."""
    until = Now() + dt.timedelta(seconds=seconds)
    if Duty.objects.filter(Q(holder=holder) | Q(until__lte=Now()), name=name).update(holder=holder, until=until):
        return True
    if Duty.objects.filter(name=name).exists():
        return False
    try:
        with transaction.atomic():
            Duty.objects.create(name=name, holder=holder, until=until)
    except IntegrityError:
        return False  # somebody was first
    return True


def leave_duty(*, name: str, holder: str) -> None:
    """Let another process take over at once."""
    Duty.objects.filter(name=name, holder=holder).update(until=Now())
