"""What the team's work does now: what runs, what waits and why, what else goes on."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from webapp.accounts.models import Team
from webapp.basemodels.models import PretrainedModel
from webapp.contract.spec import JobKind
from webapp.fleet.models import Worker
from webapp.jobs import queries as jobs
from webapp.jobs import words
from webapp.jobs.models import Job, State
from webapp.runs import present, progress
from webapp.runs.models import Run

NOW = [State.STARTING, State.RUNNING, State.FINISHING, State.INTERRUPTED, State.PAUSED]
SHOWN = 8
SPARK_POINTS = 60

KINDS: dict[str, str | Promise] = {
    JobKind.READ: _("Reads a file"),
    JobKind.FETCH: _("Brings a base model"),
    JobKind.IMPORT: _("Checks an adapter"),
    JobKind.FETCH_ADAPTER: _("Brings an adapter"),
    JobKind.TRAIN: _("Trains"),
    JobKind.EVALUATE: _("Measures an adapter"),
    JobKind.INSPECT: _("Looks inside an adapter"),
    JobKind.COMPRESS: _("Cuts an adapter down"),
}


@dataclass(frozen=True)
class Running:
    run: Run
    losses: list[float | None]
    marks: list[int]
    seconds_left: float | None
    now: str


@dataclass(frozen=True)
class Waiting:
    run: Run
    place: int
    why: str


@dataclass(frozen=True)
class Other:
    """A job that is no training. `share` is None where nothing is counted, `url` empty where there is no page."""

    job: Job
    kind: str | Promise
    now: str
    share: float | None
    url: str


def running(team: Team) -> list[Running]:
    """Runs that a worker has, that rest between two workers, or that somebody paused; the newest first."""
    return [_running(run) for run in _runs(team).filter(job__state__in=NOW)[:SHOWN]]


def _running(run: Run) -> Running:
    losses = present.course(run).losses
    every = max(1, len(losses) // SPARK_POINTS)
    return Running(
        run=run,
        losses=losses[::every],
        marks=present.marks(run),
        seconds_left=progress.seconds_left(run),
        now=words.now(run.job),
    )


def waiting(team: Team, workers: Sequence[Worker]) -> list[Waiting]:
    """Runs in the queue, the next one first; `why` is empty where it simply is not their turn."""
    runs = list(_runs(team).filter(job__state=State.QUEUED).order_by("job__queued_at")[:SHOWN])
    if not runs:
        return []
    places = jobs.positions(with_devices=True)
    rows = [_waiting(run, places.get(run.job_id, len(places) + 1), workers) for run in runs]
    return sorted(rows, key=lambda row: row.place)


def _waiting(run: Run, place: int, workers: Sequence[Worker]) -> Waiting:
    found = jobs.why_waiting(run.job, place=place, workers=workers)
    return Waiting(run=run, place=place, why="" if found.code in {"in_line", "no_worker"} else words.waiting(found))


def _runs(team: Team) -> QuerySet[Run]:
    related = ("job__worker", "dataset_version__dataset", "base_model", "created_by")
    return Run.objects.live().filter(team=team).select_related(*related).order_by("-id")


def others(team: Team) -> list[Other]:
    """Files that are read, models that come, adapters that are measured; those that wait come last."""
    looks = ("anatomy__version__adapter", "compression__version__adapter")
    related = ("dataset_version__dataset", "report__version__adapter", *looks)
    found = Job.objects.filter(Q(team=team) | Q(team=None), state__in=[*NOW, State.QUEUED])
    rows = list(found.exclude(kind=JobKind.TRAIN).select_related(*related).order_by("id")[:SHOWN])
    models = {
        model.job_id: model for model in PretrainedModel.objects.for_team(team).filter(job__in=[job.pk for job in rows])
    }
    shown = [_other(team, job, models.get(job.pk)) for job in rows]
    return sorted(shown, key=lambda other: other.job.state == State.QUEUED)


def _other(team: Team, job: Job, model: PretrainedModel | None) -> Other:
    share = job.progress_done / job.progress_total if job.progress_total and job.is_held else None
    return Other(job=job, kind=KINDS[job.kind], now=words.now(job), share=share, url=_page(team, job, model))


def _page(team: Team, job: Job, model: PretrainedModel | None) -> str:
    if model is not None:
        return reverse("basemodels:detail", args=[team.slug, model.public_id])
    version, report = getattr(job, "dataset_version", None), getattr(job, "report", None)
    if version is not None:
        return reverse("datasets:version", args=[team.slug, version.dataset.public_id, version.number])
    if report is not None:
        return reverse("evaluation:report", args=[team.slug, report.public_id])
    inside = getattr(job, "anatomy", None) or getattr(job, "compression", None)
    if inside is None:
        return ""
    return reverse("adapters:anatomy", args=[team.slug, inside.version.adapter.public_id, inside.version.number])
