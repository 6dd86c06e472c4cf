"""What people do with jobs. What workers do is in leases.py, what housekeeping does in recovery.py.

A caller in an app above checks the permission; here the state of the job decides.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.db import transaction
from django.db.models import Case, F, Q, When
from django.utils import timezone
from django.utils.translation import gettext as _

from webapp.accounts.models import Team, User
from webapp.contract import codec
from webapp.contract.spec import SPEC_VERSION, SPECS, JobKind
from webapp.core.faults import UserFault
from webapp.jobs import bell, journal, seal
from webapp.jobs.lifecycle import HELD, RESTING, Asked, State
from webapp.jobs.models import Job

# Programs of these kinds leave a checkpoint when they are told to stop.
CAN_PAUSE = frozenset({JobKind.TRAIN})


@dataclass(frozen=True, kw_only=True)
class InputFile:
    """A stored content and the place in the job folder where the program expects it."""

    path: str
    sha256: str
    size_bytes: int


def submit(
    *,
    by: User | None,
    team: Team | None,
    kind: JobKind,
    title: str,
    spec: Any,
    inputs: Sequence[InputFile] = (),
    needs_devices: int = 0,
    needs_memory_bytes: int = 0,
    needs_labels: Sequence[str] = (),
    priority: int = 0,
    secret: str = "",
) -> Job:
    """Write the order down; when the caller's transaction is committed, wake the workers.

    `needs_memory_bytes` is for each device, or for the machine where no device is needed. `secret` is kept
    encrypted, handed to the program on standard input, and wiped when the job ends.
    """
    if not isinstance(spec, SPECS[kind]):
        raise TypeError(f"a job of kind {kind} needs a {SPECS[kind].__name__}, not a {type(spec).__name__}")
    with transaction.atomic():
        job = Job.objects.create(
            team=team,
            created_by=by,
            kind=kind,
            title=title[:200],
            priority=priority,
            spec=codec.to_dict(spec),
            spec_version=SPEC_VERSION,
            inputs=[asdict(item) for item in inputs],
            sealed_secret=seal.seal(secret),
            needs_devices=needs_devices,
            needs_memory_bytes=needs_memory_bytes,
            needs_labels=list(needs_labels),
            queued_at=timezone.now(),
        )
        journal.note(job, "queued")
        transaction.on_commit(ring)
    return job


def ring() -> None:
    """Say that there is work. Never raises; takes half a second at most, and nothing when the broker is away."""
    bell.ring()


def ask(*, by: User | None, job: Job, what: Asked) -> Job:
    """Ask for pause, stop and keep, or cancel. A job that nobody holds obeys at once, a held one within seconds.

    Raises UserFault when the job is over already or cannot do what is asked.
    """
    if what in {Asked.PAUSE, Asked.STOP_AND_KEEP} and job.kind not in CAN_PAUSE:
        raise UserFault("cannot_pause", _("This kind of work cannot be interrupted and continued. Cancel it instead."))
    for _look in range(3):  # a worker may take the job, or let go of it, between the two attempts
        if _rest(job, what, by) or _ask_holder(job, what, by):
            job.refresh_from_db()
            return job
        job.refresh_from_db()
        if job.is_over or (what is Asked.STOP_AND_KEEP and job.checkpoint_step == 0):
            break
    raise _too_late(job, what)


def _rest(job: Job, what: Asked, by: User | None) -> bool:
    """Carry the wish out where no worker holds the job."""
    now = timezone.now()
    with transaction.atomic():
        if what is Asked.CANCEL:
            over: dict[str, Any] = {"asked": Asked.NOTHING, "finished_at": now, "sealed_secret": ""}
            is_done = Job.objects.move(job.pk, State.CANCELLED, out_of=RESTING, asked_by=by, **over)
        elif what is Asked.PAUSE:
            is_done = Job.objects.move(job.pk, State.PAUSED, out_of=RESTING, asked=Asked.NOTHING, asked_by=by)
        else:
            # A worker has to make an adapter of the last checkpoint, so the job goes through the queue once more.
            rows = Job.objects.filter(pk=job.pk, state__in=RESTING, checkpoint_step__gt=0)
            is_done = rows.update(state=State.QUEUED, asked=what, asked_by=by, queued_at=now) == 1
            transaction.on_commit(ring)
        if is_done:
            code = {Asked.CANCEL: "cancelled", Asked.PAUSE: "paused"}.get(what, "asked")
            journal.note(job, code, data={"what": what.value} | _who(by))
    return is_done


def _ask_holder(job: Job, what: Asked, by: User | None) -> bool:
    """Leave the wish where the holder looks. A cancel is never taken back by a later wish."""
    with transaction.atomic():
        held = Job.objects.filter(pk=job.pk, state__in=HELD)
        if not held.exclude(asked=Asked.CANCEL).update(asked=what, asked_by=by):
            return held.exists()
        journal.note(job, "asked", data={"what": what.value} | _who(by))
    return True


def _too_late(job: Job, what: Asked) -> UserFault:
    if job.is_over:
        message = _("This has ended already (%(state)s). Nothing was changed.") % {"state": job.get_state_display()}
    elif what is Asked.STOP_AND_KEEP:
        message = _("No checkpoint has been saved yet, so there is nothing to keep. Cancel it instead.")
    else:
        message = _("This is changing hands just now. Nothing was changed; try again in a moment.")
    return UserFault("too_late", message, status=409)


def resume(*, by: User | None, job: Job) -> Job:
    """Let a paused job go on from its checkpoint. Raises UserFault when it is not paused."""
    return _queue_again(by, job, {State.PAUSED}, "resumed")


def retry(*, by: User | None, job: Job, secret: str = "", is_anew: bool = False) -> Job:
    """Queue a failed or cancelled job once more. A failed one goes on from its last checkpoint, unless `is_anew` says
    that there is none any more; a cancel kept nothing, so that a cancelled one begins anew.

    A secret was wiped when the job ended, so one that needs it must be given it again. Raises UserFault.
    """
    anew = {"step": 0, "total_steps": 0, "checkpoint_step": 0, "anew_after": job.attempts.count()}
    states = {State.FAILED, State.CANCELLED}
    begins_anew = Q(state__in=states if is_anew else {State.CANCELLED})
    fields = {name: Case(When(begins_anew, then=value), default=F(name)) for name, value in anew.items()}
    return _queue_again(by, job, states, "retried", sealed_secret=seal.seal(secret), **fields)


def _queue_again(by: User | None, job: Job, allowed: set[State], code: str, **fields: Any) -> Job:
    with transaction.atomic():
        fresh: dict[str, Any] = {
            "asked": Asked.NOTHING,
            "deaths": 0,
            "fault": "",
            "fault_data": {},
            "finished_at": None,
            "queued_at": timezone.now(),
        }
        if not Job.objects.move(job.pk, State.QUEUED, out_of=allowed, **fresh, **fields):
            job.refresh_from_db()
            message = _("This is %(state)s, so it cannot be started again.") % {"state": job.get_state_display()}
            raise UserFault("not_resting", message, status=409)
        journal.note(job, code, data=_who(by))
        transaction.on_commit(ring)
    job.refresh_from_db()
    return job


def _who(by: User | None) -> dict[str, str]:
    return {"by": str(by)} if by else {}
