"""Reading the catalog."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from webapp.accounts.models import Team
from webapp.adapters import gains
from webapp.adapters.models import Adapter, AdapterVersion, Download, Score, Stage
from webapp.artifacts.models import BundleFile
from webapp.lineage import queries as lineage


def newest_versions(team: Team) -> QuerySet[AdapterVersion]:
    """The newest version of each live adapter of a team, with what a list shows; no query per row."""
    newest = AdapterVersion.objects.filter(adapter=OuterRef("adapter")).order_by("-number").values("pk")[:1]
    loss = Score.objects.filter(version=OuterRef("pk"), name="validation_loss").order_by("-id")
    return (
        AdapterVersion.objects.filter(adapter__team=team, adapter__deleted_at=None, pk=Subquery(newest))
        .select_related("adapter", "base_model", "bundle", "created_by", "run")
        .annotate(loss=Subquery(loss.values("value")[:1]), base_loss=Subquery(loss.values("base_value")[:1]))
        .order_by("-id")
    )


@dataclass(frozen=True)
class Row:
    """A version in a list."""

    version: AdapterVersion
    loss: float | None
    gain: gains.Gain | None

    @property
    def base_name(self) -> str:
        """Without its publisher; lists are narrow, and the whole name stands on the version's page."""
        return self.version.base_model.name.split("/")[-1]


def rows(versions: Iterable[Any]) -> list[Row]:
    """What a list shows of versions that `newest_versions` found."""
    return [
        Row(version=version, loss=version.loss, gain=gains.of_losses(version.base_loss, version.loss))
        for version in versions
    ]


def stage_counts(versions: QuerySet[AdapterVersion]) -> list[tuple[str, str | Promise, int]]:
    """Stage, its word and how many are in it; what may be relied on comes first, and empty stages are left out."""
    found = dict(versions.order_by().values_list("stage").annotate(count=Count("pk")))
    order = [Stage.PRODUCTION, Stage.CANDIDATE, Stage.DRAFT, Stage.RETIRED]
    return [(stage.value, stage.label, found[stage.value]) for stage in order if found.get(stage.value)]


def files(version: AdapterVersion) -> QuerySet[BundleFile]:
    """The version's files with their blobs, by path."""
    return BundleFile.objects.filter(bundle=version.bundle_id).select_related("blob").order_by("path")


def live_for_run(run_id: int) -> AdapterVersion | None:
    return (
        AdapterVersion.objects.filter(run_id=run_id, adapter__deleted_at=None)
        .select_related("adapter")
        .order_by("-id")
        .first()
    )


def search(versions: QuerySet[AdapterVersion], wanted: str) -> QuerySet[AdapterVersion]:
    """Those that have `wanted` in the adapter's name or description, or in the name of the base model."""
    if not wanted:
        return versions
    return versions.filter(
        Q(adapter__name__icontains=wanted)
        | Q(adapter__description__icontains=wanted)
        | Q(base_model__name__icontains=wanted)
    )


@dataclass(frozen=True)
class Measured:
    """How far a version is measured: its newest report, and whether there are rows to measure it on."""

    report: Any
    can_be: bool

    @property
    def is_done(self) -> bool:
        return self.report is not None and self.report.bundle_id is not None

    @property
    def is_under_way(self) -> bool:
        return self.report is not None and not self.report.job.is_over


def measured(version: AdapterVersion) -> Measured:
    """Evaluation stands above this app, so its reports are reached from the row."""
    newest = version.reports.select_related("job").order_by("-id").first()
    rows = version.run.dataset_version if version.run else None
    return Measured(newest, rows is not None and rows.validation_rows > 0 and rows.bundle_id is not None)


def consequences_of_deletion(adapter: Adapter) -> list[str]:
    """What a person should know before an adapter goes to the trash."""
    versions = adapter.versions.count()
    lines = [ngettext("%d version leaves the catalog.", "%d versions leave the catalog.", versions) % versions]
    takers = (
        Download.objects.filter(version__adapter=adapter)
        .exclude(user=adapter.created_by)
        .values("user")
        .distinct()
        .count()
    )
    if takers:
        line = ngettext("%d other person downloaded it.", "%d other people downloaded it.", takers) % takers
        lines.append(line + " " + _("Their copies stay; new downloads stop."))
    return lines


def consequences_of_deleting(version: AdapterVersion) -> list[str]:
    """What a person should know before one version goes to the trash."""
    lines = [_("The other versions stay, and its number is not given again.")]
    reports = version.reports.count()
    if reports:
        lines.append(ngettext("%d report on it goes too.", "%d reports on it go too.", reports) % reports)
    team, mark = version.adapter.team, "aver_"
    made = {edge.target for edge in lineage.descendants(team, version.public_id) if edge.target.startswith(mark)}
    if made:
        line = ngettext("%d other version was made from it.", "%d other versions were made from it.", len(made))
        lines.append(line % len(made) + " " + _("They stay whole."))
    takers = version.downloads.exclude(user=version.created_by).values("user").distinct().count()
    if takers:
        line = ngettext("%d other person downloaded it.", "%d other people downloaded it.", takers) % takers
        lines.append(line + " " + _("Their copies stay; new downloads stop."))
    return lines
