"""What lies in storage, in the words of the things that people know."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet, Sum
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from webapp.accounts.models import Team
from webapp.adapters.models import AdapterVersion
from webapp.artifacts.models import Blob, Bundle
from webapp.basemodels.models import PretrainedModel
from webapp.core import units
from webapp.core.charts import Part
from webapp.datasets.models import DatasetVersion
from webapp.evaluation.models import Report
from webapp.runs.models import Checkpoint

# Kind, its word, its fill in the bar; in the order of the bar.
KINDS: dict[str, tuple[str | Promise, str]] = {
    "adapters": (_("Adapters"), "f1"),
    "base_models": (_("Base models"), "f2"),
    "datasets": (_("Datasets"), "f3"),
    "checkpoints": (_("Checkpoints"), "f4"),
    "reports": (_("Reports"), "f8"),
    "trash": (_("In the trash"), "f-warn"),
    "other": (_("Not used by anything"), "f-quiet"),
}


@dataclass(frozen=True)
class Holding:
    kind: str
    size_bytes: int

    @property
    def label(self) -> str:
        return str(KINDS[self.kind][0])

    @property
    def part(self) -> Part:
        return Part(self.label, self.size_bytes, KINDS[self.kind][1])


def of_team(team: Team | None) -> list[Holding]:
    """What a team's things take; of all teams together for None. A content that two of them share counts for each."""
    live, trash, named = dict[str, int](), 0, set[int]()
    for kind, rows, gone in _rows():
        with_files = rows.exclude(bundle=None) if team is None else rows.filter(bundle__team=team)
        live[kind] = _size(with_files.exclude(gone))
        trash += _size(with_files.filter(gone))
        named.update(with_files.values_list("bundle", flat=True))
    live["datasets"] += _source_size(team, is_gone=False)
    trash += _source_size(team, is_gone=True)
    bundles = Bundle.objects.all() if team is None else Bundle.objects.filter(team=team)
    other = sum(size for pk, size in bundles.values_list("pk", "size_bytes") if pk not in named)
    sizes = live | {"trash": trash, "other": other}
    return [Holding(kind, sizes[kind]) for kind in KINDS if sizes.get(kind)]


def stored_bytes() -> int:
    """What really lies in storage: each content once."""
    return int(Blob.objects.aggregate(size=Sum("size_bytes"))["size"] or 0)


def in_words(holdings: list[Holding]) -> str:
    """The bar for who cannot see it."""
    return ", ".join(f"{holding.label} {units.filesize(holding.size_bytes)}" for holding in holdings)


def _rows() -> Iterator[tuple[str, QuerySet[Any], Q]]:
    """Kind, the rows that can have a bundle, and what tells that a row lies in the trash."""
    alone = Q(deleted_at__isnull=False)
    about = Q(version__deleted_at__isnull=False) | Q(version__adapter__deleted_at__isnull=False)
    yield "adapters", AdapterVersion.everything.all(), alone | Q(adapter__deleted_at__isnull=False)
    yield "base_models", PretrainedModel.objects.all(), alone
    yield "datasets", DatasetVersion.everything.all(), alone | Q(dataset__deleted_at__isnull=False)
    yield "checkpoints", Checkpoint.objects.all(), alone | Q(run__deleted_at__isnull=False)
    yield "reports", Report.everything.all(), alone | about


def _size(rows: QuerySet[Any]) -> int:
    return int(rows.aggregate(size=Sum("bundle__size_bytes"))["size"] or 0)


def _source_size(team: Team | None, *, is_gone: bool) -> int:
    """The files as they were uploaded lie beside the rows that were read from them."""
    gone = Q(deleted_at__isnull=False) | Q(dataset__deleted_at__isnull=False)
    rows = DatasetVersion.everything.filter(gone if is_gone else ~gone).exclude(source=None)
    if team is not None:
        rows = rows.filter(dataset__team=team)
    return int(Blob.objects.filter(pk__in=rows.values("source")).aggregate(size=Sum("size_bytes"))["size"] or 0)
