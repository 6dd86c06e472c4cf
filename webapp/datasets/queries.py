"""Reading about datasets."""

import datetime as dt
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from webapp.accounts.models import Team
from webapp.artifacts.models import Blob, Bundle
from webapp.contract.events import Fault
from webapp.contract.spec import DatasetRef, JobKind
from webapp.core import navigation, units
from webapp.datasets.models import Dataset, DatasetVersion
from webapp.jobs.actions import InputFile
from webapp.jobs.lifecycle import OVER, State
from webapp.jobs.models import Job

TRAIN_FILE, VALIDATION_FILE = "train.parquet", "validation.parquet"
RUNS_NAMED = 5


def training_inputs(version: DatasetVersion) -> tuple[DatasetRef, list[InputFile]]:
    """The canonical files at the places where a job expects them. `version` must be ready."""
    assert version.bundle is not None, "only a version that is ready has rows"
    has_validation = version.validation_rows > 0
    reference = DatasetRef(
        name=str(version),
        revision=version.content_sha256,
        validation_path=f"inputs/{VALIDATION_FILE}" if has_validation else "",
    )
    places = {TRAIN_FILE: reference.train_path} | (
        {VALIDATION_FILE: reference.validation_path} if has_validation else {}
    )
    blobs = files(version.bundle)
    return reference, [
        InputFile(path=place, sha256=blobs[name].sha256, size_bytes=blobs[name].size_bytes)
        for name, place in places.items()
    ]


def files(bundle: Bundle) -> dict[str, Blob]:
    return {file.path: file.blob for file in bundle.files.select_related("blob")}


def of_team(team: Team) -> QuerySet[Dataset]:
    """The team's datasets with `version_count` and the number of the newest version."""
    newest = DatasetVersion.objects.filter(dataset=OuterRef("pk")).order_by("-number").values("number")[:1]
    return (
        Dataset.objects.live()
        .filter(team=team)
        .select_related("created_by")
        .annotate(version_count=Count("versions", filter=Q(versions__deleted_at=None)), newest_number=Subquery(newest))
    )


def newest_versions(datasets: list[Dataset]) -> dict[int, DatasetVersion]:
    """Dataset → its newest version, for a page of a list."""
    later = DatasetVersion.objects.filter(dataset=OuterRef("dataset"), number__gt=OuterRef("number"))
    versions = DatasetVersion.objects.filter(~Exists(later), dataset__in=datasets).select_related("job")
    return {version.dataset_id: version for version in versions}


def ready_count(team: Team) -> int:
    return DatasetVersion.objects.ready().filter(dataset__team=team).values("dataset").distinct().count()


def reading_count(team: Team) -> int:
    versions = DatasetVersion.objects.filter(dataset__team=team, dataset__deleted_at=None, bundle=None)
    return versions.exclude(job=None).exclude(job__state__in=OVER).values("dataset").distinct().count()


def state(version: DatasetVersion) -> str:
    """What its badge says: ready, unmapped (a person must choose columns), reading, or the state of its job."""
    if version.is_ready:
        return "ready"
    if version.job is None:
        return State.CANCELLED
    if version.job.state == State.FAILED and version.job.fault == Fault.UNKNOWN_FORMAT:
        return "unmapped" if version.job.fault_data.get("columns") else State.FAILED
    return "reading" if version.job.is_held else version.job.state


def runs(dataset: Dataset) -> QuerySet[Any]:
    """The runs that learned from any of its versions, newest first. Runs stand above: reached by relation."""
    model = DatasetVersion._meta.get_field("runs").related_model
    found: QuerySet[Any] = model._default_manager.filter(dataset_version__dataset=dataset, deleted_at=None)
    return found.select_related("job", "created_by", "dataset_version", "base_model").order_by("-id")


def run_count(dataset: Dataset) -> int:
    return runs(dataset).count()


def consequences_of_deletion(dataset: Dataset) -> list[str]:
    """What a person should know before a dataset goes to the trash: who uses it above all."""
    count = dataset.versions.count()
    lines = [
        ngettext("%(n)s version leaves the list.", "%(n)s versions leave the list.", count) % {"n": units.number(count)}
    ]
    used = runs(dataset)
    total = used.count()
    if not total:
        return [*lines, _("No run has used it.")]
    links = [_run_link(dataset.team, run) for run in used[:RUNS_NAMED]]
    named = format_html(", ".join(["{}"] * len(links)), *links)
    more = total - len(links)
    words = ngettext("%(n)s run learned from it:", "%(n)s runs learned from it:", total) % {"n": units.number(total)}
    rest = _("and %(n)s more.") % {"n": units.number(more)} if more > 0 else ""
    lines.append(format_html("{} {}{} {}", words, named, "" if rest else ".", rest))
    lines.append(_("Runs that go on are not disturbed, and their adapters stay. Nobody can start a new run on it."))
    return lines


def _run_link(team: Team, run: Any) -> str:
    url = navigation.url_or_nothing("runs:detail", team.slug, run.public_id)
    who = f" ({run.created_by})" if run.created_by else ""
    return format_html('<a href="{}">{}</a>{}', url, run.name, who) if url else f"{run.name}{who}"


def to_purge(*, before: dt.datetime) -> QuerySet[Dataset]:
    """What was deleted before that time, is needed by no run that goes on or may go on, and has something to remove:
    contents, or a version of which only the name is left and which no run bears any more.
    """
    versions = DatasetVersion.everything.filter(dataset=OuterRef("pk"))
    needed = versions.filter(runs__isnull=False).exclude(runs__job__state__in=OVER)
    has_something = Exists(versions.filter(Q(source__isnull=False) | Q(runs=None))) | ~Exists(versions)
    return Dataset.objects.filter(has_something, deleted_at__lt=before).exclude(Exists(needed)).select_related("team")


def held_out(team: Team) -> QuerySet[DatasetVersion]:
    """The team's versions that hold rows back, the newest first: on these any adapter can be measured."""
    found = DatasetVersion.objects.filter(dataset__team=team, dataset__deleted_at=None, validation_rows__gt=0)
    return found.filter(bundle__isnull=False).select_related("dataset").order_by("-id")


def readings_of_nothing(*, before: dt.datetime) -> QuerySet[Job]:
    """Jobs that read a version which is gone, or which was read once more since."""
    return Job.objects.filter(kind=JobKind.READ, dataset_version=None, state__in=OVER, finished_at__lt=before)
