"""Reading the catalog."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from webapp.accounts.models import Team
from webapp.adapters import finding, gains
from webapp.adapters.models import Adapter, AdapterVersion, Download, Listing, Stage
from webapp.artifacts.models import BundleFile
from webapp.datasets import queries as datasets
from webapp.datasets.models import DatasetVersion
from webapp.jobs.actions import InputFile
from webapp.lineage import queries as lineage

CHOICES = 50


@dataclass(frozen=True)
class Row:
    """A line of the catalog: the newest version of an adapter, and which other one may be relied on."""

    listing: Listing

    @property
    def version(self) -> AdapterVersion:
        return self.listing.version

    @property
    def adapter(self) -> Adapter:
        return self.listing.adapter

    @property
    def gain(self) -> gains.Gain | None:
        return gains.of_losses(self.listing.base_loss, self.listing.loss)

    @property
    def base_name(self) -> str:
        """Without its publisher; lists are narrow, and the whole name stands on the version's page."""
        return self.listing.base_model.name.split("/")[-1]

    @property
    def base_revision(self) -> str:
        return self.listing.base_model.revision[:8]

    @property
    def holders(self) -> list[tuple[str, int]]:
        """Stages that versions other than the newest hold, with their numbers."""
        held = [(Stage.PRODUCTION.value, self.listing.production), (Stage.CANDIDATE.value, self.listing.candidate)]
        return [(stage, number) for stage, number in held if number is not None and number != self.version.number]


def newest(team: Team, *, most: int) -> list[Row]:
    """The adapters with the newest versions."""
    return [Row(listing) for listing in finding.page(team, finding.Wanted(), size=most)]


def files(version: AdapterVersion) -> QuerySet[BundleFile]:
    """The version's files with their blobs, by path."""
    return BundleFile.objects.filter(bundle=version.bundle_id).select_related("blob").order_by("path")


def inputs(version: AdapterVersion, folder: str) -> list[InputFile]:
    """The version's files, below the folder where a job expects them."""
    return [
        InputFile(path=f"{folder}/{item.path}", sha256=item.blob.sha256, size_bytes=item.blob.size_bytes)
        for item in files(version)
    ]


def live_for_run(run_id: int) -> AdapterVersion | None:
    """What the run left: the first, since what was made of it later bears the run too."""
    return (
        AdapterVersion.objects.filter(run_id=run_id, adapter__deleted_at=None)
        .select_related("adapter")
        .order_by("id")
        .first()
    )


@dataclass(frozen=True)
class Measured:
    """How far a version is measured: its newest report, and whether there are rows to measure it on.

    `choices` are datasets with held-out rows, for a version that was trained elsewhere and brings none of its own.
    """

    report: Any
    can_be: bool
    choices: Sequence[DatasetVersion] = ()

    @property
    def is_done(self) -> bool:
        return self.report is not None and self.report.bundle_id is not None

    @property
    def is_under_way(self) -> bool:
        return self.report is not None and not self.report.job.is_over


def measured(version: AdapterVersion) -> Measured:
    """Evaluation stands above this app, so its reports are reached from the row."""
    newest = version.reports.select_related("job").order_by("-id").first()
    if version.run is None:
        choices = list(datasets.held_out(version.adapter.team)[:CHOICES])
        return Measured(newest, bool(choices), choices)
    rows = version.run.dataset_version
    return Measured(newest, rows.validation_rows > 0 and rows.bundle_id is not None)


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
