"""What puts versions, and what is known of them, into the catalog."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Max

from webapp.adapters import card, scoretable
from webapp.adapters.models import Adapter, AdapterVersion, Score
from webapp.artifacts.models import Bundle
from webapp.audit import actions as audit
from webapp.lineage import actions as lineage
from webapp.runs import fields
from webapp.runs.models import Run

WEIGHTS = "adapter_model.safetensors"


@transaction.atomic
def register_from_run(*, run: Run, bundle: Bundle, facts: Mapping[str, Any]) -> AdapterVersion:
    """Put what a run left into the catalog, as the next version of the adapter that bears the run's name.

    A run registers once: asked again, it answers with the version that is there.
    """
    known = AdapterVersion.objects.filter(run=run, bundle=bundle).first()
    if known is not None:
        return known
    adapter, _created = Adapter.objects.select_for_update().get_or_create(
        team=run.team, name=run.name, deleted_at=None, defaults={"created_by": run.created_by}
    )
    newest = adapter.versions.aggregate(newest=Max("number"))["newest"] or 0
    version = AdapterVersion.objects.create(
        adapter=adapter,
        number=newest + 1,
        run=run,
        base_model=run.base_model,
        bundle=bundle,
        sha256=bundle.files.select_related("blob").get(path=WEIGHTS).blob.sha256,
        facts=dict(facts),
        licence=run.base_model.licence,
        created_by=run.created_by,
    )
    _record_losses(version, run)
    rewrite_card(version=version)
    lineage.connect(team=run.team, source=run.public_id, target=version.public_id, relation="trained")
    audit.record(by=None, verb="adapter.registered", team=run.team, obj=version, data={"run": run.public_id})
    return version


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


def record_score(
    *,
    version: AdapterVersion,
    name: str,
    value: float,
    base_value: float | None,
    source_id: str,
    is_higher_better: bool = True,
) -> Score:
    """Write a measured fact of a version; the same source measuring again replaces its own."""
    score, _created = Score.objects.update_or_create(
        version=version,
        name=name,
        source_id=source_id,
        defaults={"value": value, "base_value": base_value, "is_higher_better": is_higher_better},
    )
    return score


def rewrite_card(*, version: AdapterVersion) -> None:
    """Write the card from what is known now. A card that a person has edited stays theirs."""
    run = version.run
    if run is None or version.is_card_edited:
        return
    data, config = run.dataset_version, fields.stored(run.config)
    version.card = card.write(
        card.CardFacts(
            name=version.adapter.name,
            number=version.number,
            base_name=version.base_model.name,
            base_revision=version.base_model.revision,
            base_licence=version.base_model.licence,
            dataset=str(data),
            train_rows=data.train_rows,
            validation_rows=data.validation_rows,
            settings=fields.summary(config),
            steps=int(version.facts.get("steps") or 0),
            seed=config.seed,
            scores=[(row.label, row.base_text, row.value_text) for row in scoretable.rows(version)],
        )
    )
    version.save(update_fields=["card"])
