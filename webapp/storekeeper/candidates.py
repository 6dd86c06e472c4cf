"""What may go: what nothing uses and something newer, or an ending, made superfluous; each with its reason."""

import datetime as dt
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Sum
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from webapp.accounts.models import Team
from webapp.adapters import standing
from webapp.adapters.models import AdapterVersion, Stage
from webapp.artifacts.models import BundleFile
from webapp.datasets.models import DatasetVersion
from webapp.evaluation.models import Report
from webapp.jobs import queries as jobs
from webapp.jobs.lifecycle import OVER, State
from webapp.runs.models import Checkpoint, Run

OF_EACH_KIND = 200

WORDS: dict[str, str | Promise] = {
    "checkpoints": gettext_lazy("Checkpoints"),
    "adapter": gettext_lazy("Retired version"),
    "dataset": gettext_lazy("Dataset version"),
    "report": gettext_lazy("Report"),
}


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """`size_bytes` is what goes with it alone; a content that something else has too does not count.

    `key` is its kind and its public id (of the run, for checkpoints).
    """

    kind: str
    public_id: str
    name: str
    url: str
    size_bytes: int
    reason: str
    since: dt.datetime

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.public_id}"

    @property
    def kind_label(self) -> str:
        return str(WORDS[self.kind])


def of_team(team: Team) -> list[Candidate]:
    """The largest first. What an open job reads, what people rely on and the only one of its kind are never here."""
    needed = jobs.needed_contents()
    found = [*_checkpoints(team), *_retired(team, needed), *_datasets(team, needed), *_reports(team)]
    return sorted(found, key=lambda candidate: (-candidate.size_bytes, candidate.key))


def _checkpoints(team: Team) -> Iterator[Candidate]:
    stored = Checkpoint.objects.filter(run=OuterRef("pk"), deleted_at=None).exclude(bundle=None)
    runs = Run.objects.live().filter(Exists(stored), team=team, job__state__in=OVER).select_related("job")
    for run in runs.order_by("-id")[:OF_EACH_KIND]:
        bundles = run.checkpoints.filter(deleted_at=None).exclude(bundle=None).values_list("bundle", flat=True)
        if run.job.state == State.FAILED:
            reason = _("The run failed. Without them a new try begins at the first step.")
        else:
            reason = _("The run has ended, and its adapter lies in the catalog.")
        yield Candidate(
            kind="checkpoints",
            public_id=run.public_id,
            name=_("Checkpoints of %s") % run.name,
            url=reverse("runs:detail", args=[team.slug, run.public_id]),
            size_bytes=_own_bytes(list(bundles)),
            reason=reason,
            since=run.job.finished_at or run.created_at,
        )


def _retired(team: Team, needed: Collection[str]) -> Iterator[Candidate]:
    others = AdapterVersion.objects.filter(adapter=OuterRef("adapter")).exclude(pk=OuterRef("pk"))
    versions = AdapterVersion.objects.filter(
        Exists(others), adapter__team=team, adapter__deleted_at=None, stage=Stage.RETIRED
    )
    for version in versions.select_related("adapter").order_by("-id")[:OF_EACH_KIND]:
        if version.sha256 not in needed and standing.before_production(version.adapter) != version:
            yield Candidate(
                kind="adapter",
                public_id=version.public_id,
                name=str(version),
                url=reverse("adapters:version", args=[team.slug, version.adapter.public_id, version.number]),
                size_bytes=_own_bytes([version.bundle_id]),
                reason=_("It was retired, and the adapter has other versions."),
                since=version.created_at,
            )


def _datasets(team: Team, needed: Collection[str]) -> Iterator[Candidate]:
    newer = DatasetVersion.objects.ready().filter(dataset=OuterRef("dataset"), number__gt=OuterRef("number"))
    versions = DatasetVersion.objects.ready().filter(Exists(newer), dataset__team=team, runs=None)
    for version in versions.select_related("dataset", "bundle", "source").order_by("-id")[:OF_EACH_KIND]:
        assert version.bundle is not None, "only versions that are ready are looked at"
        if needed.isdisjoint(version.bundle.files.values_list("blob__sha256", flat=True)):  # type: ignore[attr-defined]
            yield Candidate(
                kind="dataset",
                public_id=version.public_id,
                name=str(version),
                url=reverse("datasets:version", args=[team.slug, version.dataset.public_id, version.number]),
                size_bytes=_own_bytes([version.bundle.pk]) + _own_source_bytes(version),
                reason=_("No run learned from it, and a newer version is there."),
                since=version.created_at,
            )


def _reports(team: Team) -> Iterator[Candidate]:
    newer = Report.objects.filter(version=OuterRef("version"), pk__gt=OuterRef("pk")).exclude(bundle=None)
    reports = Report.objects.filter(
        Exists(newer), team=team, version__deleted_at=None, version__adapter__deleted_at=None, job__state__in=OVER
    )
    reports = reports.exclude(bundle=None).select_related("version__adapter")
    for report in reports.order_by("-id")[:OF_EACH_KIND]:
        yield Candidate(
            kind="report",
            public_id=report.public_id,
            name=_("Report on %s") % report.version,
            url=reverse("evaluation:report", args=[team.slug, report.public_id]),
            size_bytes=_own_bytes([report.bundle_id or 0]),
            reason=_("A newer report measured the same version."),
            since=report.created_at,
        )


def _own_bytes(bundles: list[int | None]) -> int:
    """What no other set of files shares."""
    elsewhere = BundleFile.objects.filter(blob=OuterRef("blob")).exclude(bundle__in=bundles)
    own = BundleFile.objects.filter(~Exists(elsewhere), bundle__in=bundles)
    return int(own.values("blob").distinct().aggregate(size=Sum("blob__size_bytes"))["size"] or 0)


def _own_source_bytes(version: DatasetVersion) -> int:
    others = DatasetVersion.everything.filter(source=version.source).exclude(pk=version.pk)
    return 0 if version.source is None or others.exists() else version.source.size_bytes


def total_bytes(found: Collection[Candidate]) -> int:
    return sum(candidate.size_bytes for candidate in found)
