"""What waits and what runs, as the choice of the next job (claim.py) needs it."""

import datetime as dt
from collections import Counter, defaultdict

from django.db.models import F, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from webapp.contract.spec import SPEC_VERSION
from webapp.jobs.claim import Candidate, Lane, Load
from webapp.jobs.lifecycle import HELD, State
from webapp.jobs.models import Attempt, Job

RECENT = dt.timedelta(hours=1)
# So many of each lane are looked at: a team that queues thousands neither hides the others nor slows the choice.
HEADS = 50


def candidates(*, up_to: int = SPEC_VERSION, heads: int = HEADS) -> list[Candidate]:
    """The first waiting jobs of each team and lane whose orders a worker of version `up_to` can read."""
    place = Window(
        RowNumber(),
        partition_by=[F("team_id"), F("needs_devices")],
        order_by=[F("priority").desc(), F("queued_at").asc(), F("pk").asc()],
    )
    rows = Job.objects.filter(state=State.QUEUED, spec_version__lte=up_to).annotate(place=place)
    facts = ("pk", "team_id", "priority", "queued_at", "needs_devices", "needs_memory_bytes", "needs_labels")
    return [
        Candidate(
            job_id=pk,
            team_id=team_id,
            priority=priority,
            queued_at=queued_at,
            needs_devices=devices,
            needs_memory_bytes=memory_bytes,
            needs_labels=frozenset(labels),
        )
        for pk, team_id, priority, queued_at, devices, memory_bytes, labels in rows.filter(
            place__lte=heads
        ).values_list(*facts)
    ]


def loads() -> dict[Lane, Load]:
    """For each team and lane: jobs that run, and seconds that attempts took in the last hour."""
    running: Counter[Lane] = Counter()
    for team_id, devices in Job.objects.filter(state__in=HELD).values_list("team_id", "needs_devices"):
        running[team_id, devices > 0] += 1
    now = timezone.now()
    seconds: defaultdict[Lane, float] = defaultdict(float)
    for attempt in Attempt.objects.filter(ended_at__gt=now - RECENT).select_related("job"):
        assert attempt.ended_at is not None
        took = attempt.ended_at - max(attempt.started_at, now - RECENT)
        seconds[attempt.job.team_id, attempt.job.needs_devices > 0] += took.total_seconds()
    return {lane: Load(running[lane], seconds[lane]) for lane in running.keys() | seconds.keys()}
