"""How far a version is known from inside, as its pages show it."""

from dataclasses import dataclass

from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from webapp.adapters import anatomy, anatomy_words
from webapp.adapters.models import AdapterVersion, Anatomy, Compression
from webapp.core.verdict import Verdict
from webapp.jobs import queries as jobs
from webapp.jobs import words
from webapp.jobs.lifecycle import State
from webapp.jobs.models import Job


@dataclass(frozen=True)
class Inside:
    """`row` is None where nobody has looked yet."""

    row: Anatomy | None

    @property
    def is_known(self) -> bool:
        return self.row is not None and bool(self.row.summary)

    @property
    def is_under_way(self) -> bool:
        return self.row is not None and self.row.job is not None and not self.row.job.is_over

    @property
    def fault(self) -> words.FaultWords | None:
        """Why the newest look failed."""
        job = self.row.job if self.row is not None else None
        return words.fault(job) if job is not None and job.state == State.FAILED else None

    @property
    def verdict(self) -> Verdict:
        if self.row is not None and self.is_known:
            return anatomy_words.verdict(self.row.summary)
        if self.is_under_way:
            return Verdict(_("Being looked into: *how much it changes, and where.*"))
        if self.fault is not None:
            return Verdict(_("*It could not be looked into.* The adapter itself is not affected."))
        return Verdict(_("Nobody has looked inside yet: *how much it changes, and where, is not known.*"))

    # For a page that shows it known.

    @cached_property
    def size_bars(self) -> tuple[anatomy.Bars, anatomy.Bars]:
        """For a wide screen and for a phone."""
        assert self.row is not None
        return anatomy.size_bars(self.row.summary), anatomy.size_bars(self.row.summary, width=350.0, labels=6)

    @cached_property
    def kept_bars(self) -> tuple[anatomy.Bars, anatomy.Bars]:
        assert self.row is not None
        return anatomy.kept_bars(self.row.summary), anatomy.kept_bars(self.row.summary, width=350.0, labels=6, most=40)

    @property
    def largest_layer(self) -> int | None:
        assert self.row is not None
        layers = self.row.summary["layers"]
        return max(layers, key=lambda one: one["frobenius"])["layer"] if layers else None

    @property
    def where(self) -> str:
        assert self.row is not None
        return anatomy_words.where(self.row.summary)

    @property
    def strongest(self) -> str:
        assert self.row is not None
        return anatomy_words.strongest(self.row.summary)

    @property
    def kept_words(self) -> str:
        assert self.row is not None
        return anatomy_words.kept(self.row.summary)


def of(version: AdapterVersion) -> Inside:
    """Without the single matrices, which are many."""
    return Inside(Anatomy.objects.filter(version=version).select_related("job").defer("modules").first())


@dataclass(frozen=True)
class Order:
    """A compression as a list shows it."""

    row: Compression
    said: str

    @property
    def job(self) -> Job:
        return self.row.job


def orders(version: AdapterVersion) -> list[Order]:
    """What was ordered of this version, the newest first."""
    rows = version.compressions.select_related("job", "made", "version").order_by("-id")
    return [Order(row, _said(row)) for row in rows]


def _said(row: Compression) -> str:
    if row.job.state == State.FAILED:
        fault = words.fault(row.job)
        return f"{fault.title}. {fault.meaning}"
    if row.facts:
        return anatomy_words.compressed(row.facts)
    return words.now(row.job)


@dataclass(frozen=True)
class Going:
    """A job that a page waits for."""

    job: Job
    label: str
    now: str


def under_way(version: AdapterVersion, ordered: list[Order]) -> list[Going]:
    """The look and the compressions that are not over, each with what it does now."""
    look = Anatomy.objects.filter(version=version).select_related("job").defer("modules").first()
    found = [(look.job, _("Looking inside"))] if look is not None and look.job is not None else []
    found += [(order.job, _("Compressing to rank %s") % order.row.rank) for order in ordered]
    return [
        Going(job, label, words.waiting(jobs.why_waiting(job)) if job.state == State.QUEUED else words.now(job))
        for job, label in found
        if not job.is_over
    ]
