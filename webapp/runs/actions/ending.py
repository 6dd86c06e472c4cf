"""How a run ends: called where its job is settled."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.urls import reverse

from webapp.audit import actions as audit
from webapp.contract.spec import JobKind, Precision
from webapp.fleet import actions as fleet
from webapp.jobs.models import Job
from webapp.notices import actions as notices
from webapp.runs import estimate, fields, places, shapes
from webapp.runs.models import Run


@transaction.atomic
def finish(*, job: Job, result: Mapping[str, Any]) -> Run:
    """The adapter is stored and was read back. `result` is the data of the engine's last word."""
    run = Run.objects.select_for_update(of=("self",)).select_related("team", "created_by").get(job=job)
    if not run.result:
        run.result = dict(result)
        run.save(update_fields=["result"])
        _measure(run)
        audit.record(by=None, verb="run.finished", team=run.team, obj=run)
        _tell(run, "run_finished")
    return run


def fail(*, job: Job) -> None:
    """Tell who launched it; the page says what happened and what to do."""
    run = Run.objects.filter(job=job).select_related("team", "created_by").first()
    if run is not None:
        _tell(run, "run_failed")


def _measure(run: Run) -> None:
    """What it took, beside what would have been said: the next estimates on such a device are corrected by it."""
    hold = run.job.holds.select_related("device").first()
    known = shapes.of(run.base_model.config)
    took, steps = run.result.get("seconds"), run.result.get("steps")
    if hold is None or known is None or not took or not steps:
        return
    config, rows = fields.stored(run.config), places.rows_of(run.dataset_version)
    chosen = (run.planned.get("decisions") or {}).get("precision")
    if chosen in {Precision.FLOAT32, Precision.BFLOAT16}:
        config = replace(config, precision=Precision(chosen))  # what was said of another precision corrects nothing
    fit = places.fit_on(known, config, rows, hold.device)
    if not fit.raw_seconds:
        return
    share = steps / estimate.total_steps(rows.train_rows, config)  # less than 1 where it stopped early
    features = {
        "raw_seconds": fit.raw_seconds * share,
        "raw_bytes": fit.raw_bytes,
        "precision": chosen,
        "base_model": run.base_model.name,
        "steps": steps,
        "tokens": run.result.get("tokens_seen"),
    }
    peak = int(run.last_values.get("memory_bytes") or 0) or None
    fleet.measure(
        device_name=hold.device.name, kind=JobKind.TRAIN, features=features, seconds=took, peak_memory_bytes=peak
    )


def _tell(run: Run, code: str) -> None:
    url = reverse("runs:detail", args=[run.team.slug, run.public_id])
    notices.tell(user=run.created_by, team=run.team, code=code, data={"name": run.name}, url=url)
