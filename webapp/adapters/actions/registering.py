"""What puts versions, and what is known of them, into the catalog."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Max

from webapp.adapters.actions import listing
from webapp.adapters.models import Adapter, AdapterVersion, Score, Task
from webapp.artifacts.models import Bundle
from webapp.audit import actions as audit
from webapp.core import licences
from webapp.datasets.models import Dataset
from webapp.lineage import actions as lineage
from webapp.runs.models import Run

WEIGHTS = "adapter_model.safetensors"


@transaction.atomic
def register_from_run(*, run: Run, bundle: Bundle, facts: Mapping[str, Any]) -> AdapterVersion:
    """Put what a run left into the catalog, as the next version of the adapter that bears the run's name.

    A run registers once: asked again, it answers with the version that is there.
    """
    known = AdapterVersion.everything.filter(run=run, bundle=bundle).first()
    if known is not None:
        return known
    adapter, _created = Adapter.objects.select_for_update().get_or_create(
        team=run.team, name=run.name, deleted_at=None, defaults={"created_by": run.created_by}
    )
    newest = AdapterVersion.everything.filter(adapter=adapter).aggregate(newest=Max("number"))["newest"] or 0
    version = AdapterVersion.objects.create(
        adapter=adapter,
        number=newest + 1,
        run=run,
        base_model=run.base_model,
        bundle=bundle,
        sha256=bundle.files.select_related("blob").get(path=WEIGHTS).blob.sha256,
        facts=dict(facts),
        licence=licences.together(run.base_model.licence, run.dataset_version.dataset.licence).expression,
        created_by=run.created_by,
    )
    _record_losses(version, run)
    listing.relist(adapter=adapter)
    lineage.connect(team=run.team, source=run.public_id, target=version.public_id, relation="trained")
    audit.record(by=None, verb="adapter.registered", team=run.team, obj=version, data={"run": run.public_id})
    return version


@transaction.atomic
def relicense(*, dataset: Dataset) -> None:
    """Write down the terms of everything that learned from a dataset whose licence was changed."""
    versions = AdapterVersion.objects.filter(run__dataset_version__dataset=dataset)
    for base_licence in set(versions.values_list("base_model__licence", flat=True)):
        licence = licences.together(base_licence, dataset.licence).expression
        versions.filter(base_model__licence=base_licence).update(licence=licence)
    for adapter in Adapter.objects.live().filter(versions__in=versions).select_related("team").distinct():
        listing.relist(adapter=adapter)


def _record_losses(version: AdapterVersion, run: Run) -> None:
    """An adapter that has not learned yet is its base, so the loss before step 1 is the base's own."""
    after = run.result.get("validation_loss_after")
    if after is None:
        return
    record_score(
        version=version,
        name="validation_loss",
        value=after,
        base_value=run.result.get("validation_loss_before"),
        is_higher_better=False,
        source_id=run.public_id,
    )


@transaction.atomic
def record_score(
    *,
    version: AdapterVersion,
    name: str,
    value: float,
    base_value: float | None,
    source_id: str,
    is_higher_better: bool = True,
) -> Score:
    """Write a measured fact of a version; the same source measuring again replaces its own.

    Whose held-out answers are JSON is for extraction, until somebody says otherwise.
    """
    score, _created = Score.objects.update_or_create(
        version=version,
        name=name,
        source_id=source_id,
        defaults={"value": value, "base_value": base_value, "is_higher_better": is_higher_better},
    )
    if name == "json_fields":
        Adapter.objects.filter(pk=version.adapter_id, task="").update(task=Task.EXTRACTION)
    if name in {"json_fields", "validation_loss"}:
        listing.relist(adapter=version.adapter)
    return score
