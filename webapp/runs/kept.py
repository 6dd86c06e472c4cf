"""From where a failed run could go on, and how long that stays."""

import datetime as dt
from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils import timezone

from webapp.jobs.lifecycle import FAILED_KEPT, State
from webapp.runs.models import Checkpoint, Run


@dataclass(frozen=True)
class Kept:
    """A checkpoint; `until` is None where it stays until the run is deleted."""

    step: int
    until: dt.datetime | None = None


def checkpoint(run: Run) -> Kept | None:
    """The newest that is there: in storage it stays, on the worker's own disk for FAILED_KEPT."""
    job = run.job
    if job.state != State.FAILED or not job.checkpoint_step:
        return None
    stored = stored_steps(run).first()
    if stored == job.checkpoint_step:
        return Kept(step=stored)
    until = (job.finished_at or timezone.now()) + FAILED_KEPT
    if timezone.now() < until:
        return Kept(step=job.checkpoint_step, until=until)
    return None if stored is None else Kept(step=stored)


def stored_steps(run: Run) -> "QuerySet[Checkpoint, int]":
    """The steps whose checkpoints lie in storage and not in the trash, the furthest first."""
    stored = run.checkpoints.filter(deleted_at=None).exclude(bundle=None)
    return stored.order_by("-step").values_list("step", flat=True)
