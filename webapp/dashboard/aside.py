"""What stands beside the team's work: workers, storage, what was done lately."""

import datetime as dt
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Q, Sum
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from webapp.accounts.models import Team
from webapp.artifacts.models import Blob, Bundle
from webapp.audit import queries as audit
from webapp.audit import words as audit_words
from webapp.core import units
from webapp.core.charts import Part
from webapp.dashboard.work import KINDS
from webapp.datasets.models import DatasetVersion
from webapp.fleet import queries as fleet
from webapp.fleet.models import Device, Worker
from webapp.jobs.models import HELD, Job

LATELY = 8

# Kinds of bundles, in the order of the bar, with the fill of each.
STORED: dict[str, tuple[str | Promise, str]] = {
    "base_model": (gettext_lazy("Base models"), "f2"),
    "adapter": (gettext_lazy("Adapters"), "f1"),
    "dataset": (gettext_lazy("Datasets"), "f3"),
    "report": (gettext_lazy("Reports"), "f8"),
}


@dataclass(frozen=True)
class WorkerLine:
    """A worker as a member may see it: what it does for other teams is not said."""

    worker: Worker
    devices: Sequence[Device]
    state: str
    doing: str


def workers(team: Team) -> list[WorkerLine]:
    found = list(fleet.live_workers().prefetch_related("devices"))
    jobs: dict[int, list[Job]] = {worker.pk: [] for worker in found}
    for job in Job.objects.filter(worker__in=found, state__in=HELD).order_by("pk"):
        jobs[job.worker_id or 0].append(job)
    return [_worker_line(worker, jobs[worker.pk], team) for worker in found]


def _worker_line(worker: Worker, held: Sequence[Job], team: Team) -> WorkerLine:
    ours = [f"{KINDS[job.kind]}: {job.title}" for job in held if job.team_id in {team.pk, None}]
    doing = get_text_list(ours, _("and")) or (_("Works for another team") if held else "")
    state = "draining" if worker.is_draining else "busy" if held else "idle"
    return WorkerLine(worker=worker, devices=list(worker.devices.all()), state=state, doing=doing)


@dataclass(frozen=True)
class Storage:
    """What the team's files take, shared base models among them; `free_bytes` is None where they lie elsewhere."""

    parts: list[Part]
    used_bytes: int
    free_bytes: int | None

    @property
    def total_bytes(self) -> int:
        return self.used_bytes + (self.free_bytes or 0)

    @property
    def label(self) -> str:
        """The bar in words."""
        amounts = [f"{part.label} {units.filesize(part.amount)}" for part in self.parts]
        if self.free_bytes is not None:
            amounts.append(_("%(free)s free") % {"free": units.filesize(self.free_bytes)})
        return ", ".join(amounts)


def storage(team: Team) -> Storage:
    bundles = Bundle.objects.filter(Q(team=team) | Q(team=None)).order_by().values_list("kind")
    sizes = {kind: int(size or 0) for kind, size in bundles.annotate(size=Sum("size_bytes"))}
    uploaded = Blob.objects.filter(pk__in=DatasetVersion.objects.filter(dataset__team=team).values("source"))
    sizes["dataset"] = sizes.get("dataset", 0) + (uploaded.aggregate(size=Sum("size_bytes"))["size"] or 0)
    parts = [Part(str(label), sizes[kind], tone) for kind, (label, tone) in STORED.items() if sizes.get(kind)]
    return Storage(parts=parts, used_bytes=sum(sizes.values()), free_bytes=_free_bytes())


def _free_bytes() -> int | None:
    if settings.S3_BUCKET:
        return None
    folder = settings.FILES_DIR if settings.FILES_DIR.exists() else settings.STATE_DIR
    return shutil.disk_usage(folder).free


@dataclass(frozen=True)
class Line:
    """One line of the team's record, for a timeline."""

    at: dt.datetime
    text: SafeString
    tone: str = ""


def lately(team: Team) -> list[Line]:
    return [Line(event.at, audit_words.sentence(event)) for event in audit.of_team(team.public_id)[:LATELY]]
