"""Reading about jobs, for the pages of the apps above."""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass

from webapp.fleet import queries as fleet
from webapp.fleet.models import Worker
from webapp.jobs import waiting
from webapp.jobs.claim import in_order
from webapp.jobs.lifecycle import OVER, State
from webapp.jobs.models import Attempt, AttemptLog, Job, JobEvent

LONGEST_QUEUE = 1000


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """Why a queued job does not run yet.

    `code` is no_worker, no_label, too_little_memory, too_few_devices, draining or in_line.
    """

    code: str
    position: int
    needs_memory_bytes: int = 0
    largest_memory_bytes: int = 0


def positions(*, with_devices: bool) -> dict[int, int]:
    """Job → its place in the line in which workers take the jobs of this kind, 1 being next. One look for a list."""
    candidates = [one for one in waiting.candidates(heads=LONGEST_QUEUE) if one.lane[1] == with_devices]
    return {pk: place for place, pk in enumerate(in_order(candidates, loads=waiting.loads()), start=1)}


def position(job: Job) -> int:
    """The place of one job; 0 when it is not queued."""
    if job.state != State.QUEUED:
        return 0
    places = positions(with_devices=job.needs_devices > 0)
    return places.get(job.pk, len(places) + 1)


def why_waiting(job: Job, *, place: int | None = None, workers: Sequence[Worker] | None = None) -> Waiting:
    """What a queued job waits for. Words for it: words.waiting. A list looks up places and live workers once."""
    if place is None:
        place = position(job)
    if workers is None:
        workers = list(fleet.live_workers().prefetch_related("devices"))
    if not workers:
        return Waiting(code="no_worker", position=place)
    fitting = [worker for worker in workers if set(job.needs_labels) <= set(worker.labels)]
    if not fitting:
        return Waiting(code="no_label", position=place)
    needed, largest = job.needs_memory_bytes, 0
    is_enough = is_open = False
    for worker in fitting:
        offered = [device.memory_bytes for device in worker.devices.all()] if job.needs_devices else []
        if not job.needs_devices:
            offered = [worker.memory_bytes]
        largest = max([largest, *offered])
        if sum(memory >= needed for memory in offered) >= max(1, job.needs_devices):
            is_enough, is_open = True, is_open or not worker.is_draining
    if not is_enough:
        code = "too_little_memory" if largest < needed or not job.needs_devices else "too_few_devices"
        return Waiting(code=code, position=place, needs_memory_bytes=needed, largest_memory_bytes=largest)
    return Waiting(code="in_line" if is_open else "draining", position=place)


def log_tail(job: Job, *, attempt: int | None = None) -> str:
    """The end of what the program wrote for people in its newest attempt, or in the one named."""
    logs = AttemptLog.objects.filter(attempt__job=job)
    if attempt is not None:
        logs = logs.filter(attempt__number=attempt)
    newest = logs.order_by("-attempt__number").first()
    return newest.text if newest else ""


def story(job: Job, *, after: int = 0, limit: int = 200) -> list[JobEvent]:
    """What happened, oldest first; `after` is the id of the last event already known. At most the newest `limit`."""
    newest = JobEvent.objects.filter(job=job, pk__gt=after).order_by("-pk")[:limit]
    return list(reversed(newest))


def current_attempt(job: Job) -> Attempt | None:
    return job.attempts.order_by("-number").first()


def needed_contents() -> set[str]:
    """The SHA-256 of every file that a job which has not ended reads, or will read."""
    return {sha256 for _job, hashes in _open_inputs() for sha256 in hashes}


def open_jobs_reading(contents: Set[str]) -> list[Job]:
    """The jobs that have not ended and read one of these contents."""
    return [job for job, hashes in _open_inputs() if hashes & contents]


def _open_inputs() -> Iterator[tuple[Job, set[str]]]:
    for job in Job.objects.exclude(state__in=OVER).only("title", "inputs"):
        yield job, {item["sha256"] for item in job.inputs}
