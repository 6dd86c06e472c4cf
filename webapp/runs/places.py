"""Where a run could be trained: the live devices, with what it would need on each."""

from collections.abc import Sequence

from webapp.basemodels.models import PretrainedModel
from webapp.contract.spec import JobKind, LoraConfig
from webapp.datasets.models import DatasetVersion
from webapp.fleet import queries as fleet
from webapp.fleet.models import Device, Measurement
from webapp.runs import estimate, shapes
from webapp.runs.estimate import Fit, Past, Rows


def rows_of(version: DatasetVersion) -> Rows:
    """The dataset's numbers; its tokens are estimated from the characters that the reader counted."""
    return Rows.from_statistics(
        train_rows=version.train_rows,
        validation_rows=version.validation_rows,
        characters=version.report.get("characters") or {},
    )


def work(version: DatasetVersion, base: PretrainedModel, config: LoraConfig) -> estimate.Work | None:
    """None where the layers of the base are not known."""
    known = shapes.of(base.config)
    return estimate.work(known, config, rows_of(version)) if known else None


def fits(version: DatasetVersion, base: PretrainedModel, config: LoraConfig) -> list[tuple[Device, Fit]]:
    """Each live device, those first on which the run fits and is soonest done."""
    known = shapes.of(base.config)
    if known is None:
        return []
    rows = rows_of(version)
    pairs = [(device, fit_on(known, config, rows, device)) for device in fleet.live_devices()]
    return sorted(pairs, key=lambda pair: (not pair[1].fits, pair[1].seconds or float("inf"), pair[0].pk))


def fit_on(known: shapes.Shapes, config: LoraConfig, rows: Rows, device: Device) -> Fit:
    """What the run needs on one device, corrected by earlier runs on such devices."""
    facts = estimate.Device(
        name=device.name,
        place=device.worker.name,
        kind=device.kind,
        memory_bytes=device.memory_bytes,
        speed=device.matmul_flops,
    )
    past = [_past(row) for row in fleet.measurements(device_name=device.name, kind=JobKind.TRAIN)]
    return estimate.fit(known, config, rows, facts, past=past)


def _past(row: Measurement) -> Past:
    return Past(
        said_seconds=float(row.features.get("raw_seconds") or 0),
        took_seconds=row.seconds,
        said_bytes=float(row.features.get("raw_bytes") or 0),
        took_bytes=float(row.peak_memory_bytes or 0),
        precision=str(row.features.get("precision") or ""),
    )


def best(pairs: Sequence[tuple[Device, Fit]]) -> Fit | None:
    """The place where the run would be soonest done; the nearest to fitting where it fits nowhere."""
    if not pairs:
        return None
    fitting = [fit for _device, fit in pairs if fit.fits]
    return fitting[0] if fitting else min((fit for _device, fit in pairs), key=lambda fit: fit.short_bytes)


def has_worker() -> bool:
    """Whether anything is there that could train."""
    return fleet.live_devices().exists()
