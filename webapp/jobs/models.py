from collections.abc import Collection
from functools import partial
from typing import Any

from django.conf import settings
from django.db import models

from webapp.accounts.models import Team
from webapp.contract.spec import SPEC_VERSION, JobKind
from webapp.core.ids import new_id
from webapp.fleet.models import Device, Worker
from webapp.jobs import lifecycle
from webapp.jobs.lifecycle import HELD, OVER, Asked, EndedBecause, State

__all__ = [
    "HELD",
    "OVER",
    "Asked",
    "Attempt",
    "AttemptLog",
    "DeviceHold",
    "Duty",
    "EndedBecause",
    "Job",
    "JobEvent",
    "State",
]


class JobQuerySet(models.QuerySet["Job"]):
    def held(self) -> "JobQuerySet":
        return self.filter(state__in=HELD)

    def move(
        self,
        job_id: int,
        to: State,
        *,
        out_of: Collection[State] = State,
        under_fence: int | None = None,
        **fields: Any,
    ) -> bool:
        """Change a job's state if it still is where such a move may begin; False means that somebody else was first.

        `out_of` narrows where it may begin. With `under_fence`, only while that claim holds.
        """
        rows = self.filter(pk=job_id, state__in=lifecycle.sources(to) & frozenset(out_of))
        if under_fence is not None:
            rows = rows.filter(fence=under_fence)
        return rows.update(state=to, **fields) == 1


class Job(models.Model):
    """Anything that takes long. This row is the order and the truth; messages only say that it is there.

    `spec` is the contract's spec for `kind`; `inputs` lists the files that the spec names:
    `[{"path": "inputs/train.parquet", "sha256": "…", "size_bytes": 1}]`. `fence` rises with each
    claim, and everything a worker writes is conditional on it.
    """

    public_id = models.CharField(max_length=40, unique=True, editable=False, default=partial(new_id, "job"))
    team = models.ForeignKey(Team, on_delete=models.CASCADE, null=True, blank=True, related_name="jobs")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    kind = models.CharField(max_length=20, choices=[(kind.value, kind.value) for kind in JobKind])
    title = models.CharField(max_length=200)
    state = models.CharField(max_length=12, choices=State.choices, default=State.QUEUED)
    asked = models.CharField(max_length=8, choices=Asked.choices, default=Asked.NOTHING, blank=True)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    priority = models.IntegerField(default=0)
    spec = models.JSONField()
    spec_version = models.IntegerField(default=SPEC_VERSION, help_text="a worker takes no order newer than it can read")
    inputs = models.JSONField(default=list)
    sealed_secret = models.TextField(blank=True, help_text="encrypted; wiped when the job ends")
    needs_devices = models.IntegerField(default=0)
    needs_memory_bytes = models.BigIntegerField(default=0)
    needs_labels = models.JSONField(default=list)

    worker = models.ForeignKey(Worker, on_delete=models.SET_NULL, null=True, blank=True, related_name="jobs")
    fence = models.BigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True, blank=True)
    deaths = models.IntegerField(default=0, help_text="in a row, without a new checkpoint between them")
    anew_after = models.IntegerField(default=0, help_text="nothing that attempts up to this one left is gone on from")
    rung_at = models.DateTimeField(null=True, blank=True)

    phase = models.CharField(max_length=20, blank=True)
    step = models.IntegerField(default=0)
    total_steps = models.IntegerField(default=0)
    checkpoint_step = models.IntegerField(default=0, help_text="the furthest step from which the job could go on")
    progress_done = models.BigIntegerField(default=0)
    progress_total = models.BigIntegerField(default=0)
    progress_unit = models.CharField(max_length=10, blank=True)
    fault = models.CharField(max_length=40, blank=True)
    fault_data = models.JSONField(default=dict, blank=True)

    created_at = models.DateTimeField(auto_now_add=True)
    queued_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["state", "-priority", "queued_at"]),
            models.Index(fields=["team", "-id"]),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_over(self) -> bool:
        return self.state in OVER

    @property
    def is_held(self) -> bool:
        return self.state in HELD


class Attempt(models.Model):
    """One try at a job on one worker. `relayed_seq` is the last event of it that reached the database."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="attempts")
    number = models.IntegerField()
    worker = models.ForeignKey(Worker, on_delete=models.SET_NULL, null=True, related_name="+")
    worker_name = models.CharField(max_length=100, blank=True)
    fence = models.BigIntegerField()
    from_step = models.IntegerField(default=0)
    to_step = models.IntegerField(default=0)
    relayed_seq = models.BigIntegerField(default=0)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_because = models.CharField(max_length=20, choices=EndedBecause.choices, blank=True)
    exit_code = models.IntegerField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "number"], name="one_attempt_per_number")]

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.job_id}"


class AttemptLog(models.Model):
    """The end of what an attempt's program wrote for people; kept apart so that nobody loads it by accident."""

    attempt = models.OneToOneField(Attempt, on_delete=models.CASCADE, related_name="log")
    text = models.TextField(blank=True)
    size_bytes = models.BigIntegerField(default=0, help_text="of the whole log, of which this is the end")
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"log of attempt {self.attempt_id}"


class DeviceHold(models.Model):
    """A device that a job occupies; taken in the claim's transaction, freed when the attempt ends."""

    device = models.OneToOneField(Device, on_delete=models.CASCADE, related_name="hold")
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="holds")

    def __str__(self) -> str:
        return f"{self.device_id} for {self.job_id}"


class JobEvent(models.Model):
    """What happened, as codes with data; words.py turns them into sentences."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="events")
    attempt = models.IntegerField(default=0)
    seq = models.BigIntegerField(default=0)
    at = models.DateTimeField()
    code = models.CharField(max_length=40)
    data = models.JSONField(default=dict)
    is_warning = models.BooleanField(default=False)

    class Meta:
        indexes = [models.Index(fields=["job", "-id"])]
        constraints = [
            models.UniqueConstraint(
                fields=["job", "attempt", "seq"], condition=models.Q(seq__gt=0), name="one_row_per_event"
            )
        ]

    def __str__(self) -> str:
        return self.code


class Duty(models.Model):
    """Work that one process at a time may do, such as housekeeping. Whoever holds it renews `until`."""

    name = models.CharField(max_length=40, unique=True)
    holder = models.CharField(max_length=200, blank=True)
    until = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
