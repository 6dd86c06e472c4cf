"""What the team's home shows, gathered in a few queries."""

import datetime as dt
import shutil
from dataclasses import dataclass

from django.conf import settings
from django.db.models import QuerySet, Sum
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from webapp.accounts.models import Team
from webapp.adapters import queries as adapters
from webapp.adapters.models import AdapterVersion
from webapp.artifacts.models import Bundle
from webapp.audit import queries as audit
from webapp.audit import words as audit_words
from webapp.basemodels.models import PretrainedModel
from webapp.core.findings import Action, Finding, Severity
from webapp.datasets.models import Dataset, DatasetVersion
from webapp.jobs import queries as job_queries
from webapp.jobs import words
from webapp.jobs.models import Job, State
from webapp.runs import progress, series
from webapp.runs.models import Run

FAILURES_SHOWN_FOR = dt.timedelta(days=7)
NOW = [State.STARTING, State.RUNNING, State.FINISHING, State.INTERRUPTED, State.PAUSED]
SPARK_POINTS = 60
LATELY = 8


@dataclass(frozen=True)
class RunningRun:
    run: Run
    losses: list[float | None]
    seconds_left: float | None


@dataclass(frozen=True)
class WaitingRun:
    run: Run
    position: int


def running(team: Team) -> list[RunningRun]:
    """Runs that a worker has, that rest between two workers, or that somebody paused."""
    return [RunningRun(run, _losses(run), progress.seconds_left(run)) for run in _runs(team).filter(job__state__in=NOW)]


def _losses(run: Run) -> list[float | None]:
    read = series.read(run, ["loss"], points=SPARK_POINTS)
    return list(read["series"].get("loss", {}).get("value", []))


def waiting(team: Team) -> list[WaitingRun]:
    """Runs in the queue, the next one first."""
    rows = [WaitingRun(run, job_queries.position(run.job)) for run in _runs(team).filter(job__state=State.QUEUED)]
    return sorted(rows, key=lambda row: row.position)


def _runs(team: Team) -> QuerySet[Run]:
    related = ("job__worker", "dataset_version__dataset", "base_model", "recipe", "created_by")
    return Run.objects.live().filter(team=team).select_related(*related).order_by("-id")


def other_jobs(team: Team) -> list[Job]:
    """Everything else of the team that a worker has now: files being read, models being fetched, reports."""
    return list(Job.objects.filter(team=team, state__in=NOW).exclude(kind="train").order_by("-id")[:10])


def needs_you(team: Team) -> list[Finding]:
    """What stopped and waits for a person: failed runs, files that could not be read, models that did not come."""
    return [*_failed_runs(team), *_unread_files(team), *_missing_models(team)]


def _failed_runs(team: Team) -> list[Finding]:
    since = timezone.now() - FAILURES_SHOWN_FOR
    runs = _runs(team).filter(job__state=State.FAILED, job__finished_at__gte=since)[:5]
    return [
        _finding(run.job, name=run.name, url=reverse("runs:detail", args=[team.slug, run.public_id])) for run in runs
    ]


def _unread_files(team: Team) -> list[Finding]:
    versions = DatasetVersion.objects.filter(
        dataset__team=team, dataset__deleted_at=None, bundle=None, job__state=State.FAILED
    ).select_related("dataset", "job")
    return [
        _finding(
            version.job,
            name=str(version),
            url=reverse("datasets:version", args=[team.slug, version.dataset.public_id, version.number]),
        )
        for version in versions.order_by("-id")[:5]
        if version.job is not None
    ]


def _missing_models(team: Team) -> list[Finding]:
    models = PretrainedModel.objects.for_team(team).filter(bundle=None, job__state=State.FAILED).select_related("job")
    return [
        _finding(model.job, name=model.name, url=reverse("basemodels:detail", args=[team.slug, model.public_id]))
        for model in models[:5]
        if model.job is not None
    ]


def _finding(job: Job, *, name: str, url: str) -> Finding:
    fault = words.fault(job)
    title = format_html('<a href="{}">{}</a>: {}', url, name, fault.title)
    return Finding(
        severity=Severity.BLOCK, title=title, text=f"{fault.meaning} {fault.remedy}", actions=(Action(_("Look"), url),)
    )


@dataclass(frozen=True)
class Storage:
    """What the team's files take and what the disk has; `free_bytes` is None where files lie elsewhere."""

    by_kind: list[tuple[str, int]]
    total_bytes: int
    free_bytes: int | None


def storage(team: Team) -> Storage:
    sums = Bundle.objects.filter(team=team).values_list("kind").annotate(size=Sum("size_bytes")).order_by("-size")
    by_kind = [(kind, size or 0) for kind, size in sums]
    free = None if settings.S3_BUCKET else shutil.disk_usage(settings.STATE_DIR).free
    return Storage(by_kind=by_kind, total_bytes=sum(size for _kind, size in by_kind), free_bytes=free)


def has_data(team: Team) -> bool:
    return Dataset.objects.live().filter(team=team).exists()


def newest_adapters(team: Team) -> QuerySet[AdapterVersion]:
    return adapters.newest_versions(team)[:5]


@dataclass(frozen=True)
class Line:
    """One line of the team's record, for a timeline."""

    at: dt.datetime
    text: SafeString
    tone: str = ""


def lately(team: Team) -> list[Line]:
    return [Line(event.at, audit_words.sentence(event)) for event in audit.of_team(team.public_id)[:LATELY]]
