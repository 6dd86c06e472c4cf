"""A job's life: its states and the moves between them that are allowed (drawn in docs/jobs.md)."""

import datetime as dt

from django.db import models
from django.utils.translation import gettext_lazy as _


class State(models.TextChoices):
    """Where a job is in its life."""

    QUEUED = "queued", _("Waiting")
    STARTING = "starting", _("Starting")
    RUNNING = "running", _("Running")
    FINISHING = "finishing", _("Finishing")
    PAUSED = "paused", _("Paused")
    INTERRUPTED = "interrupted", _("Interrupted")
    SUCCEEDED = "succeeded", _("Done")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


class Asked(models.TextChoices):
    """What a person asked for; whoever holds the job looks here twice a second."""

    NOTHING = "", _("nothing")
    PAUSE = "pause", _("pause")
    STOP_AND_KEEP = "stop", _("stop and keep")
    CANCEL = "cancel", _("cancel")


class EndedBecause(models.TextChoices):
    """Why an attempt ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    STOPPED = "stopped"
    CANCELLED = "cancelled"
    CHILD_DIED = "child_died"
    WORKER_LOST = "worker_lost"
    WORKER_STOPPED = "worker_stopped"


# A worker holds the job under a lease.
HELD = frozenset({State.STARTING, State.RUNNING, State.FINISHING})
# It is over; only a person's wish to try again leads out.
OVER = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELLED})
# So long a worker keeps on its disk from what a failed job could go on.
FAILED_KEPT = dt.timedelta(days=1)
# Nobody holds it and nothing happens until somebody takes it or a person acts.
RESTING = frozenset({State.QUEUED, State.PAUSED, State.INTERRUPTED})

MOVES: dict[State, frozenset[State]] = {
    State.QUEUED: frozenset({State.STARTING, State.PAUSED, State.CANCELLED}),
    State.STARTING: frozenset(
        {State.RUNNING, State.QUEUED, State.PAUSED, State.INTERRUPTED, State.FAILED, State.CANCELLED}
    ),
    State.RUNNING: frozenset(
        {State.FINISHING, State.QUEUED, State.PAUSED, State.INTERRUPTED, State.FAILED, State.CANCELLED}
    ),
    State.FINISHING: frozenset({State.SUCCEEDED, State.QUEUED, State.INTERRUPTED, State.FAILED, State.CANCELLED}),
    State.PAUSED: frozenset({State.QUEUED, State.CANCELLED}),
    State.INTERRUPTED: frozenset({State.QUEUED, State.PAUSED, State.FAILED, State.CANCELLED}),
    State.SUCCEEDED: frozenset(),
    State.FAILED: frozenset({State.QUEUED}),
    State.CANCELLED: frozenset({State.QUEUED}),
}


def sources(target: State) -> frozenset[State]:
    """The states from which a job may move to `target`."""
    return frozenset(state for state, targets in MOVES.items() if target in targets)
