"""What the relay writes down while a run trains. Each call may come twice; the second changes nothing."""

import datetime as dt
import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from webapp.contract import events
from webapp.core.storable import storable_json
from webapp.jobs.models import JobEvent
from webapp.runs.models import Checkpoint, MetricBuffer, MetricChunk, RewindMark, Run
from webapp.runs.points import CHUNK_POINTS, LARGEST_STEP, Points, bounds, storable

logger = logging.getLogger(__name__)

MAX_NAMES = 500
_MAX_NAME_LENGTH = 100

Point = tuple[int, Mapping[str, Any], Mapping[str, str]]


def record_planned(*, run: Run, attempt: int, planned: dict[str, Any]) -> None:
    """The engine's plan; a later attempt says by it from which step it goes on."""
    with transaction.atomic():
        if attempt > 1:
            record_rewind(run=run, attempt=attempt, step=int(planned.get("resumed_from_step", 0)))
        run.planned = planned
        run.save(update_fields=["planned"])


def record_rewind(*, run: Run, attempt: int, step: int) -> None:
    """Points of earlier attempts after `step` are kept and hidden from now on."""
    RewindMark.objects.get_or_create(run=run, attempt=attempt, defaults={"step": step})


def record_checkpoint(*, run: Run, attempt: int, event: events.Checkpointed, at: dt.datetime) -> Checkpoint:
    facts = {
        "folder": event.folder,
        "size_bytes": event.size_bytes,
        "manifest_sha256": event.manifest_sha256,
        "validation_loss": event.validation_loss,
        "created_at": at,
    }
    return Checkpoint.objects.get_or_create(run=run, attempt=attempt, step=event.step, defaults=facts)[0]


def append_metrics(*, run: Run, attempt: int, points: Sequence[Point]) -> None:
    """Add points `(step, {name: value or None}, {name: flag})` of one attempt.

    A point that is there already, with the same attempt, name and step, stays as it is. A value that is no finite
    number is kept as a gap. Names beyond the first MAX_NAMES of a run are dropped, which an event says once.
    """
    incoming = _by_name(points)
    if not incoming:
        return
    with transaction.atomic():
        run = Run.objects.select_for_update().get(pk=run.pk)
        buffers = _buffers(run, attempt, incoming)
        newest = {name: _append(buffer, attempt, incoming[name]) for name, buffer in buffers.items()}
        MetricBuffer.objects.bulk_update(buffers.values(), ["attempt", "count", "steps", "values"])
        said = {name: value for name, value in newest.items() if value is not None}
        run.last_values |= {name: value if math.isfinite(value) else None for name, value in said.items()}
        run.save(update_fields=["last_values"])


def _by_name(points: Iterable[Point]) -> dict[str, list[tuple[int, float]]]:
    incoming: dict[str, list[tuple[int, float]]] = {}
    for step, values, flags in points:
        if type(step) is not int or not 0 <= step <= LARGEST_STEP:
            logger.warning("a metric at step %r was dropped: a step is a whole number from 0 to %d", step, LARGEST_STEP)
            continue
        for name, value in values.items():
            incoming.setdefault(name, []).append((step, storable(value, flags.get(name, ""))))
    return incoming


def _buffers(run: Run, attempt: int, names: Iterable[str]) -> dict[str, MetricBuffer]:
    """The open rows for these names, made where missing, as far as the run's limit of names allows."""
    buffers = {buffer.name: buffer for buffer in run.buffers.filter(name__in=list(names))}
    missing = [name for name in names if name not in buffers]
    if not missing:
        return buffers
    allowed = [name for name in missing if _is_name(name)][: max(0, MAX_NAMES - run.buffers.count())]
    if len(allowed) < len(missing):
        _say_names_are_dropped(run, attempt, sorted(set(missing) - set(allowed)))
    made = MetricBuffer.objects.bulk_create([MetricBuffer(run=run, name=name, attempt=attempt) for name in allowed])
    return buffers | {buffer.name: buffer for buffer in made}


def _is_name(name: str) -> bool:
    return 0 < len(name) <= _MAX_NAME_LENGTH and name.isprintable()


def _say_names_are_dropped(run: Run, attempt: int, dropped: Sequence[str]) -> None:
    if not run.job.events.filter(code="metrics_dropped").exists():
        data = {"limit": MAX_NAMES, "count": len(dropped), "first": storable_json(dropped[0][:_MAX_NAME_LENGTH])}
        JobEvent.objects.create(
            job=run.job, attempt=attempt, at=timezone.now(), code="metrics_dropped", data=data, is_warning=True
        )


def _append(buffer: MetricBuffer, attempt: int, incoming: Sequence[tuple[int, float]]) -> float | None:
    """Put new points behind those in the open row; a full row, or one of another attempt, is sealed.

    The answer is the value that is now the newest, None when the batch brought nothing newer.
    """
    is_late = attempt < buffer.attempt
    if buffer.attempt != attempt:
        _seal(buffer, Points.unpacked(buffer.steps, buffer.values))
        buffer.attempt, buffer.steps, buffer.values = attempt, b"", b""
    points = Points.unpacked(buffer.steps, buffer.values)
    known = _known_steps(buffer, points, {step for step, _value in incoming})
    last_step, newest = max(points.steps, default=-1), None
    for step, value in incoming:
        if step in known:
            continue
        known.add(step)
        points.append(step, value)
        if step > last_step:
            last_step, newest = step, value
    while len(points) >= CHUNK_POINTS:
        _seal(buffer, points.part(0, CHUNK_POINTS))
        points = points.part(CHUNK_POINTS)
    buffer.count = len(points)
    buffer.steps, buffer.values = points.packed()
    return None if is_late else newest


def _known_steps(buffer: MetricBuffer, points: Points, steps: set[int]) -> set[int]:
    """Which of `steps` this attempt has said before. Steps mostly rise, so chunks are rarely opened."""
    known = set(points.steps) & steps
    sealed = MetricChunk.objects.filter(run_id=buffer.run_id, name=buffer.name, attempt=buffer.attempt)
    near = sealed.filter(last_step__gte=min(steps), first_step__lte=max(steps))
    for packed_steps, packed_values in near.values_list("steps", "values"):
        known |= set(Points.unpacked(packed_steps, packed_values).steps) & steps
    return known


def _seal(buffer: MetricBuffer, points: Points) -> None:
    if not len(points):
        return
    steps, values = points.packed()
    minimum, maximum = bounds(points.values)
    MetricChunk.objects.create(
        run_id=buffer.run_id,
        name=buffer.name,
        attempt=buffer.attempt,
        first_step=min(points.steps),
        last_step=max(points.steps),
        count=len(points),
        minimum=minimum,
        maximum=maximum,
        steps=steps,
        values=values,
    )
