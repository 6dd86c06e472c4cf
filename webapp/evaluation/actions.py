"""Measuring an adapter version against its base."""

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from webapp.accounts import access
from webapp.accounts.models import User
from webapp.adapters import actions as adapters
from webapp.adapters import queries
from webapp.adapters.models import AdapterVersion
from webapp.artifacts import actions as artifacts
from webapp.artifacts.models import Bundle
from webapp.audit import actions as audit
from webapp.basemodels import queries as basemodels
from webapp.basemodels.models import PretrainedModel
from webapp.contract.spec import BaseModelRef, EvaluateSpec, JobKind
from webapp.core import purging
from webapp.core.faults import UserFault
from webapp.core.storable import storable_json
from webapp.datasets import queries as datasets
from webapp.datasets.models import DatasetVersion
from webapp.evaluation.models import Report
from webapp.jobs import actions as jobs
from webapp.jobs.lifecycle import Asked
from webapp.jobs.models import Job
from webapp.lineage import actions as lineage

WEIGHTS_TIMES, ROOM_BYTES = 2, 2**30
PRIORITY = -10  # a report never holds up a training
SAMPLES_ON_PAGE = 12
SAMPLE_CHARACTERS = 4_000


@transaction.atomic
def start(*, by: User | None, version: AdapterVersion, rows: DatasetVersion | None = None) -> Report | None:
    """Order a report on held-out rows: those of the version's own dataset, or of `rows` for one trained elsewhere.

    None where none were held back or their dataset was deleted since.
    """
    team, run = version.adapter.team, version.run
    access.require(by=by, team=team, permission=access.Permission.TRAIN)
    rows = run.dataset_version if run is not None else rows
    if rows is None or rows.dataset.team_id != team.pk or not rows.validation_rows or rows.bundle_id is None:
        return None
    reference, data_inputs = datasets.training_inputs(rows)
    spec = EvaluateSpec(
        base=BaseModelRef(name=version.base_model.name, revision=version.base_model.revision),
        dataset=reference,
        max_length=run.config["max_length"] if run is not None else EvaluateSpec.max_length,
    )
    held_out = [item for item in data_inputs if item.path == reference.validation_path]
    job = jobs.submit(
        by=by,
        team=team,
        kind=JobKind.EVALUATE,
        title=str(version),
        spec=spec,
        inputs=[*basemodels.inputs(version.base_model), *held_out, *queries.inputs(version, spec.adapter_path)],
        needs_devices=1,
        needs_memory_bytes=run.job.needs_memory_bytes if run is not None else _memory_for(version.base_model),
        priority=PRIORITY,
    )
    report = Report.objects.create(team=team, version=version, dataset_version=rows, job=job)
    lineage.connect(team=team, source=version.public_id, target=report.public_id, relation="measured")
    return report


def _memory_for(base: PretrainedModel) -> int:
    """The weights, stored in two bytes, computed with in four where there is no GPU; and room for the answers."""
    return WEIGHTS_TIMES * base.size_bytes + ROOM_BYTES


@transaction.atomic
def finish(*, job: Job, bundle: Bundle, scores: Mapping[str, Any], answers_path: Path) -> Report:
    """Keep what the engine measured: all answers in the bundle, some on the row, each score as a fact."""
    report = Report.everything.select_for_update().select_related("version__adapter__team").get(job=job)
    report.bundle, report.scores = bundle, dict(scores)
    with answers_path.open(encoding="utf-8") as lines:
        report.samples = [_shortened(storable_json(json.loads(line))) for line in islice(lines, SAMPLES_ON_PAGE)]
    report.save(update_fields=["bundle", "scores", "samples"])
    for name, base_value, value in flatten(scores):
        adapters.record_score(
            version=report.version,
            name=name,
            value=value,
            base_value=base_value,
            is_higher_better=name != "validation_loss",
            source_id=report.public_id,
        )
    audit.record(by=None, verb="report.finished", team=report.team, obj=report)
    return report


@transaction.atomic
def delete(*, by: User | None, report: Report) -> None:
    """Move a report to the trash, from where it can come back for TRASH_DAYS. One that is being made is cancelled.

    What it measured stays with the version: facts do not go with the paper that they were written on.
    """
    adapters.require_change(by=by, adapter=report.version.adapter)
    if not Report.objects.filter(pk=report.pk).update(deleted_at=timezone.now()):
        return
    if not report.job.is_over:
        jobs.ask(by=by, job=report.job, what=Asked.CANCEL)
    audit.record(by=by, verb="report.deleted", team=report.team, obj=report)


@transaction.atomic
def restore(*, by: User | None, report: Report) -> None:
    """Bring a report back from the trash. Raises UserFault while what it is about lies there."""
    adapters.require_change(by=by, adapter=report.version.adapter)
    if report.version.deleted_at is not None or report.version.adapter.deleted_at is not None:
        message = _("%(version)s, which it is about, lies in the trash. Bring that back first.")
        raise UserFault("version_deleted", message % {"version": report.version}, status=409)
    if Report.everything.filter(pk=report.pk).exclude(deleted_at=None).update(deleted_at=None):
        audit.record(by=by, verb="report.restored", team=report.team, obj=report)


def purge(*, before: dt.datetime | None = None) -> int:
    """Remove for good the reports that lay in the trash for TRASH_DAYS, or whose adapter or version did, with their
    files and their jobs.

    One that is still being made is cancelled, and goes when that is done.
    """
    before = before or timezone.now() - dt.timedelta(days=settings.TRASH_DAYS)
    due = Report.everything.filter(
        Q(deleted_at__lt=before) | Q(version__deleted_at__lt=before) | Q(version__adapter__deleted_at__lt=before)
    )
    return purging.each(due.select_related("job", "bundle"), _purge)


def _purge(report: Report) -> bool:
    if not report.job.is_over and not jobs.ask(by=None, job=report.job, what=Asked.CANCEL).is_over:
        return False
    report.delete()
    report.job.delete()
    if report.bundle is not None:
        artifacts.drop_bundle(bundle=report.bundle)
    return True


def flatten(scores: Mapping[str, Any]) -> Iterator[tuple[str, float | None, float]]:
    """`{"json_values": {"part": {"base": 0, "adapter": 1}}}` → ("json_values.part", 0, 1)."""
    for name, value in scores.items():
        if not isinstance(value, Mapping):
            continue
        if "adapter" in value:
            if value["adapter"] is not None:
                yield name, value.get("base"), float(value["adapter"])
        else:
            yield from flatten({f"{name}.{key}": item for key, item in value.items()})


def _shortened(sample: Mapping[str, Any]) -> dict[str, Any]:
    """A sample for the page; whole texts stay in the bundle."""

    def cut(text: Any) -> str:
        text = str(text)
        return text if len(text) <= SAMPLE_CHARACTERS else text[:SAMPLE_CHARACTERS] + "…"

    prompt = [{"role": turn["role"], "content": cut(turn["content"])} for turn in sample["prompt"]]
    answers = {key: cut(sample[key]) for key in ("expected", "base", "adapter")}
    flags = {key: bool(sample.get(key)) for key in ("base_is_cut", "adapter_is_cut")}
    return {"row": sample["row"], "prompt": prompt, **answers, **flags}


@transaction.atomic
def again(*, by: User, version: AdapterVersion, rows: DatasetVersion | None = None) -> Report:
    """Measure a version once more, on request; one trained elsewhere on the held-out `rows`. Raises UserFault."""
    # Of two who ask at once, the second waits here and then sees the report of the first.
    AdapterVersion.objects.select_for_update(of=("self",)).get(pk=version.pk)
    if version.reports.exclude(job__state__in=["succeeded", "failed", "cancelled"]).exists():
        raise UserFault(
            "already_measuring", _("This version is being measured already. Wait for it to end."), status=409
        )
    report = start(by=by, version=version, rows=rows)
    if report is None:
        raise UserFault(
            "nothing_held_out", _("No held-out rows are there: its dataset held none back, or was deleted since.")
        )
    return report
