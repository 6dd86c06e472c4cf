"""Carries what a program says into the database: events become rows, once each, however often they are sent."""

import datetime as dt
import logging
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest

from webapp.contract import codec, events
from webapp.contract.spec import JobKind
from webapp.core.storable import storable_json
from webapp.jobs import leases
from webapp.jobs.leases import Claim
from webapp.jobs.models import Attempt, Job, JobEvent
from webapp.runs import actions as runs
from webapp.runs.models import Run

logger = logging.getLogger(__name__)

LINES_AT_ONCE = 2_000
LONGEST_LINE_BYTES = 4 * 1024 * 1024


Point = tuple[int, dict[str, float | None], dict[str, str]]


class Babble(Exception):
    """The program wrote what cannot be an event: a line without end."""


class Relay:
    """Reads one attempt's events.jsonl from where it stopped.

    `ended` is the program's last word, `checkpoint` the newest that it saved.
    """

    def __init__(self, claim: Claim, path: Path) -> None:
        self.ended: events.Ended | None = None
        self.checkpoint: events.Checkpointed | None = None
        self._claim, self._path = claim, path
        self._offset = 0

    def pump(self) -> bool:
        """Send the next lines; True when there may be more. Raises LeaseLost, and DatabaseError with nothing sent."""
        lines, offset = self._read()
        if not lines:
            return False
        batch = _Batch(self._claim)
        with transaction.atomic():
            leases.lock(claim=self._claim)
            attempt = Attempt.objects.select_for_update().get(pk=self._claim.attempt.pk)
            new = [line for line in lines if line.seq > attempt.relayed_seq]
            for line in new:
                batch.add(line)
            if new:
                batch.write()
                Attempt.objects.filter(pk=attempt.pk).update(relayed_seq=new[-1].seq)
        self._offset = offset
        for line in lines:
            if isinstance(line.event, events.Ended):
                self.ended = replace(line.event, data=storable_json(line.event.data))
            self.checkpoint = line.event if isinstance(line.event, events.Checkpointed) else self.checkpoint
        return len(lines) == LINES_AT_ONCE

    def _read(self) -> tuple[list[events.Line], int]:
        """Whole lines only; a torn last line is not yet said."""
        lines: list[events.Line] = []
        offset = self._offset
        if not self._path.exists():
            return lines, offset
        with self._path.open("rb") as file:
            file.seek(offset)
            while len(lines) < LINES_AT_ONCE:
                raw = file.readline(LONGEST_LINE_BYTES)
                if not raw.endswith(b"\n"):
                    if len(raw) >= LONGEST_LINE_BYTES:
                        raise Babble(f"a line of more than {LONGEST_LINE_BYTES} bytes")
                    break
                offset += len(raw)
                line = self._parse(raw)
                if line is not None:
                    lines.append(line)
        return lines, offset

    def _parse(self, raw: bytes) -> events.Line | None:
        try:
            return events.parse(raw)
        except codec.ContractError as error:
            logger.error("%s said something that is not in the contract: %s", self._claim.job.public_id, error)
            return None


@dataclass
class _Batch:
    """What some events change, gathered so that each row is written once."""

    claim: Claim
    rows: list[JobEvent] = field(default_factory=list)
    job: dict[str, Any] = field(default_factory=dict)
    attempt: dict[str, Any] = field(default_factory=dict)
    points: list[Point] = field(default_factory=list)
    checkpoints: list[tuple[events.Checkpointed, dt.datetime]] = field(default_factory=list)
    plan: events.Planned | None = None
    is_started: bool = False

    def add(self, line: events.Line) -> None:
        event = line.event
        match event:
            case events.Started():
                self.is_started = True
            case events.PhaseChanged():
                self.job |= {"phase": event.phase.value, "progress_done": 0, "progress_total": 0, "progress_unit": ""}
            case events.Planned():
                self.plan = event
                self.job |= {"total_steps": event.total_steps, "step": event.resumed_from_step}
                self.attempt |= {"from_step": event.resumed_from_step, "to_step": event.resumed_from_step}
            case events.Progressed():
                self.job |= {
                    "progress_done": event.done,
                    "progress_total": event.total,
                    "progress_unit": event.unit[:10],
                }
                return
            case events.Metrics():
                self.points.append((event.step, event.values, event.flags))
                self._reach(event.step)
                return
            case events.Checkpointed():
                self.checkpoints.append((event, line.at))
                self._reach(event.step)
            case events.Noted() | events.Ended():
                pass
        self.rows.append(self._row(line))

    def _reach(self, step: int) -> None:
        self.job["step"] = self.attempt["to_step"] = max(step, self.job.get("step", 0))

    def _row(self, line: events.Line) -> JobEvent:
        event = line.event
        data = storable_json(codec.to_dict(event))
        code, is_warning = event_code(event), False
        if isinstance(event, events.Noted):
            data, is_warning = data["data"], event.is_warning
        return JobEvent(
            job=self.claim.job,
            attempt=self.claim.attempt.number,
            seq=line.seq,
            at=line.at,
            code=code,
            data=data,
            is_warning=is_warning,
        )

    def write(self) -> None:
        job = self.claim.job
        if self.is_started:
            leases.begin(claim=self.claim)
        JobEvent.objects.bulk_create(self.rows, ignore_conflicts=True)
        if self.job:
            Job.objects.filter(pk=job.pk).update(**self.job)
        if self.attempt:
            Attempt.objects.filter(pk=self.claim.attempt.pk).update(**self.attempt)
        if self.checkpoints:
            self._count_progress(max(event.step for event, _at in self.checkpoints))
        if job.kind == JobKind.TRAIN:
            self._write_run()

    def _count_progress(self, step: int) -> None:
        """Deaths count only as long as nothing new is saved between them."""
        Job.objects.filter(pk=self.claim.job.pk, checkpoint_step__lt=step).update(deaths=0)
        Job.objects.filter(pk=self.claim.job.pk).update(checkpoint_step=Greatest(F("checkpoint_step"), step))

    def _write_run(self) -> None:
        number = self.claim.attempt.number
        run = Run.objects.filter(job=self.claim.job).first()
        if run is None:
            return  # deleted for good meanwhile
        if self.plan is not None:
            runs.record_planned(run=run, attempt=number, planned=storable_json(codec.to_dict(self.plan)))
        if self.points:
            runs.append_metrics(run=run, attempt=number, points=self.points)
        for event, at in self.checkpoints:
            runs.record_checkpoint(run=run, attempt=number, event=event, at=at)


def event_code(event: events.Event) -> str:
    """The code under which words.py knows an event: a note brings its own."""
    if isinstance(event, events.Noted):
        return str(storable_json(event.code[:40]))
    return next(name for name, cls in events.TYPES.items() if type(event) is cls)
