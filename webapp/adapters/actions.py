"""What can be done with adapters."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from webapp.accounts import access
from webapp.accounts.models import Team, User
from webapp.adapters import card, queries
from webapp.adapters.models import Adapter, AdapterVersion, Download, Score
from webapp.artifacts import actions as artifacts
from webapp.artifacts.models import Blob, Bundle
from webapp.audit import actions as audit
from webapp.core import purging
from webapp.core.faults import UserFault
from webapp.lineage import actions as lineage
from webapp.runs import fields
from webapp.runs.models import Run

WEIGHTS = "adapter_model.safetensors"
CARD_LIMIT = 100_000


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
            scores=[(row.label, row.base_text, row.value_text) for row in queries.score_rows(version)],
        )
    )
    version.save(update_fields=["card"])


@transaction.atomic
def edit_card(*, by: User | None, version: AdapterVersion, text: str) -> None:
    """Replace the card's Markdown; what is shown is sanitised on its way out."""
    team = version.adapter.team
    _require_change(by=by, adapter=version.adapter)
    if len(text) > CARD_LIMIT:
        raise UserFault(
            "card_too_long",
            _("The card has %(size)s characters; at most %(limit)s fit. Shorten it.")
            % {"size": len(text), "limit": CARD_LIMIT},
            field="card",
        )
    version.card, version.is_card_edited = text, True
    version.save(update_fields=["card", "is_card_edited"])
    audit.record(by=by, verb="adapter.card_edited", team=team, obj=version)


@transaction.atomic
def rename(*, by: User | None, adapter: Adapter, name: str, description: str | None = None) -> None:
    """Give an adapter another name and, unless it is None, another description; its address and its id stay."""
    _require_change(by=by, adapter=adapter)
    name = " ".join(name.split())
    if not name or len(name) > 80 or not name.isprintable():
        raise UserFault("bad_name", _("A name has 1 to 80 visible characters. Choose another one."), field="name")
    was, adapter.name = adapter.name, name
    if description is not None:
        adapter.description = " ".join(description.split())
    try:
        with transaction.atomic():
            adapter.save(update_fields=["name", "description"])
    except IntegrityError as error:
        adapter.name = was
        message = _("The team already has an adapter “%(name)s”. Choose another name.") % {"name": name}
        raise UserFault("name_taken", message, field="name", status=409) from error
    if was != name:
        audit.record(by=by, verb="adapter.renamed", team=adapter.team, obj=adapter, data={"from": was})
    else:
        audit.record(by=by, verb="adapter.described", team=adapter.team, obj=adapter)


@transaction.atomic
def delete(*, by: User | None, adapter: Adapter) -> None:
    """Move an adapter with all its versions to the trash, from where it can come back for TRASH_DAYS."""
    _require_change(by=by, adapter=adapter)
    held = adapter.versions.filter(stage="production").first()
    if held is not None:
        raise UserFault(
            "in_production",
            _("v%(number)d is in production and people rely on it. Retire it first, then delete the adapter.")
            % {"number": held.number},
            status=409,
        )
    if Adapter.objects.live().filter(pk=adapter.pk).update(deleted_at=timezone.now()):
        audit.record(by=by, verb="adapter.deleted", team=adapter.team, obj=adapter)


@transaction.atomic
def restore(*, by: User | None, adapter: Adapter) -> None:
    """Bring an adapter back from the trash; under another name if its own was given away meanwhile."""
    _require_change(by=by, adapter=adapter)
    if Adapter.objects.live().filter(team=adapter.team, name=adapter.name).exclude(pk=adapter.pk).exists():
        adapter.name = _free_name(adapter.team, adapter.name)
    adapter.deleted_at = None
    adapter.save(update_fields=["deleted_at", "name"])
    audit.record(by=by, verb="adapter.restored", team=adapter.team, obj=adapter)


def _free_name(team: Team, name: str) -> str:
    taken = set(Adapter.objects.live().filter(team=team, name__startswith=name[:70]).values_list("name", flat=True))
    return next(f"{name[:70]} ({n})" for n in range(2, 10_000) if f"{name[:70]} ({n})" not in taken)


def purge(*, before: dt.datetime | None = None) -> int:
    """Remove for good what has lain in the trash for TRASH_DAYS; the blobs go when nothing else needs them.

    Reports on it go first, by the app above that knows what else belongs to them.
    """
    before = before or timezone.now() - dt.timedelta(days=settings.TRASH_DAYS)
    due = Adapter.objects.filter(deleted_at__lt=before).exclude(versions__reports__isnull=False)
    return purging.each(due.select_related("team"), _purge)


def _purge(adapter: Adapter) -> bool:
    bundles = [version.bundle for version in adapter.versions.select_related("bundle")]
    audit.record(by=None, verb="adapter.purged", team=adapter.team, obj=adapter)
    adapter.delete()
    for bundle in bundles:
        artifacts.drop_bundle(bundle=bundle)
    return True


def take(
    *, by: User | None, version: AdapterVersion, path: str = "", is_counted: bool = True
) -> list[tuple[str, Blob]]:
    """The files of a version for a download, all or the one at `path`; empty when there is none of that name.

    Who took it is remembered. A door leaves `is_counted` off for a part of a file or a mere look, so that one
    download that was cut off and went on counts once.
    """
    access.require(by=by, team=version.adapter.team, permission=access.Permission.DOWNLOAD)
    files = [(item.path, item.blob) for item in queries.files(version) if not path or item.path == path]
    if files and is_counted:
        Download.objects.create(version=version, user=by, path=path)
    return files


def _require_change(*, by: User | None, adapter: Adapter) -> None:
    access.require_change(
        by=by, team=adapter.team, made_by_id=adapter.created_by_id, permission=access.Permission.TRAIN
    )
