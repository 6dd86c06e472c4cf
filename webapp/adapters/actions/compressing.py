"""Cutting a version down to a lower rank: a new version, with the loss that it costs measured."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from webapp.accounts import access
from webapp.accounts.models import User
from webapp.adapters import anatomy, queries
from webapp.adapters.actions import listing
from webapp.adapters.actions.registering import WEIGHTS, record_score
from webapp.adapters.models import Adapter, AdapterVersion, Anatomy, Compression
from webapp.artifacts.models import Bundle
from webapp.audit import actions as audit
from webapp.basemodels import queries as basemodels
from webapp.contract.spec import BaseModelRef, CompressSpec, DatasetRef, JobKind
from webapp.core import units
from webapp.core.faults import UserFault
from webapp.datasets import queries as datasets
from webapp.jobs import actions as jobs
from webapp.jobs.lifecycle import OVER
from webapp.jobs.models import Job
from webapp.lineage import actions as lineage

PRIORITY = -5


@transaction.atomic
def compress(
    *, by: User | None, version: AdapterVersion, rank: int | None = None, share: float | None = None
) -> Compression:
    """Order a version of a lower rank: `rank` itself, or the lowest that keeps `share` (0 to 1) of the change."""
    team = version.adapter.team
    access.require(by=by, team=team, permission=access.Permission.TRAIN)
    wanted = _wanted_rank(version, rank, share)
    _require_free(version, wanted)
    reference, rows = _held_out(version)
    spec = CompressSpec(
        base=BaseModelRef(name=version.base_model.name, revision=version.base_model.revision),
        rank=wanted,
        dataset=reference,
        max_length=version.run.config["max_length"] if version.run and reference else CompressSpec.max_length,
    )
    files = queries.inputs(version, spec.adapter_path)
    if reference is not None:
        files += [*basemodels.inputs(version.base_model), *rows]
    job = jobs.submit(
        by=by,
        team=team,
        kind=JobKind.COMPRESS,
        title=str(version),
        spec=spec,
        inputs=files,
        needs_devices=1 if reference else 0,
        needs_memory_bytes=version.run.job.needs_memory_bytes if version.run and reference else 0,
        priority=PRIORITY,
    )
    order = Compression.objects.create(version=version, rank=wanted, job=job, created_by=by)
    audit.record(by=by, verb="adapter.compression_ordered", team=team, obj=version, data={"rank": wanted})
    return order


def _wanted_rank(version: AdapterVersion, rank: int | None, share: float | None) -> int:
    if (rank is None) == (share is None):
        message = _("Say either a rank or the share of the change to keep, one of the two.")
        raise UserFault("rank_or_share", message, field="rank")
    known = Anatomy.objects.filter(version=version).first()
    if known is None or not known.summary:
        message = _("Nobody has looked inside this version yet. Do that first: it says which ranks make sense.")
        raise UserFault("not_inspected", message, field="rank", status=409)
    now, kept = known.summary["rank"], known.summary["kept"]
    if now <= 1 or not kept:
        message = _("This version has nothing that could be cut off: its rank is %(rank)s.") % {"rank": now}
        raise UserFault("cannot_be_lower", message, field="rank", status=409)
    field = "share" if rank is None else "rank"
    if share is not None:
        if not 0 < share < 1:
            message = _("The share to keep is more than 0 % and less than 100 %. 99 % is usual.")
            raise UserFault("bad_share", message, field=field)
        rank = anatomy.rank_for(kept, share)
    assert rank is not None
    if not 1 <= rank < now:
        raise UserFault("bad_rank", _bad_rank(rank, now, share), field=field)
    return rank


def _bad_rank(rank: int, now: int, share: float | None) -> str:
    if share is not None:
        return _("To keep %(share)s of the change all of rank %(now)s is needed. Choose a smaller share.") % {
            "share": units.percent(share),
            "now": now,
        }
    return _("Rank %(rank)s is no lower rank than the %(now)s it has. Choose one from 1 to %(highest)s.") % {
        "rank": units.number(rank),
        "now": now,
        "highest": now - 1,
    }


def _require_free(version: AdapterVersion, rank: int) -> None:
    """A version that is not in the trash, whose base is there, and that is not being cut to this rank already."""
    if version.deleted_at is not None or version.adapter.deleted_at is not None:
        raise UserFault("in_trash", _("This version is in the trash. Restore it first."), status=409)
    base = version.base_model
    if base.bundle_id is None or base.deleted_at is not None:
        message = _(
            "The base model %(name)s was removed, so nothing could be measured with it. Restore it or add it again."
        )
        raise UserFault("base_removed", message % {"name": base.name}, status=409)
    if version.compressions.filter(rank=rank).exclude(job__state__in=OVER).exists():
        message = _("This version is being cut down to rank %(rank)s already. Wait for it to end.") % {"rank": rank}
        raise UserFault("already_compressing", message, status=409)


def _held_out(version: AdapterVersion) -> tuple[DatasetRef | None, list[jobs.InputFile]]:
    """The rows to measure on: those that its training held back. None where there are none, or not any more."""
    data = version.run.dataset_version if version.run else None
    if data is None or not data.validation_rows or data.bundle_id is None:
        return None, []
    reference, inputs = datasets.training_inputs(data)
    return reference, [item for item in inputs if item.path == reference.validation_path]


@transaction.atomic
def finish_compression(*, job: Job, bundle: Bundle, facts: Mapping[str, Any]) -> AdapterVersion:
    """Put what the engine made into the catalog, as the next version of the same adapter."""
    order = Compression.objects.select_for_update().select_related("version__adapter__team").get(job=job)
    if order.made is not None:
        return order.made
    source, order.facts = order.version, {name: value for name, value in facts.items() if name != "modules"}
    adapter = Adapter.objects.select_for_update().get(pk=source.adapter_id)
    newest = AdapterVersion.everything.filter(adapter=adapter).aggregate(newest=Max("number"))["newest"] or 0
    known_by = {"from_version": source.number, "from_id": source.public_id}
    made = AdapterVersion.objects.create(
        adapter=adapter,
        number=newest + 1,
        run=source.run,
        base_model=source.base_model,
        bundle=bundle,
        sha256=bundle.files.select_related("blob").get(path=WEIGHTS).blob.sha256,
        facts=_facts(source, facts["rank"]) | {"compression": order.facts | known_by},
        licence=source.licence,
        created_by=order.created_by,
    )
    order.made = made
    order.save(update_fields=["made", "facts"])
    _record_loss(order, made)
    listing.relist(adapter=adapter)
    lineage.connect(team=adapter.team, source=source.public_id, target=made.public_id, relation="compressed")
    data = {"from": str(source), "from_rank": facts["from_rank"], "rank": facts["rank"]}
    audit.record(by=None, verb="adapter.compressed", team=adapter.team, obj=made, data=data)
    return made


def _facts(source: AdapterVersion, rank: int) -> dict[str, Any]:
    """Those of the version it was made from. One from elsewhere tells its own rank in them."""
    if source.run_id is not None:
        return source.facts
    modules = source.anatomy.modules
    count = rank * sum(one["rows"] + one["columns"] for one in modules)
    told = {"r": rank, "rank": rank, "lora_alpha": rank, "use_rslora": False, "trainable_parameters": count}
    return source.facts | told


def _record_loss(order: Compression, made: AdapterVersion) -> None:
    loss = order.facts.get("validation_loss")
    if loss:
        record_score(
            version=made,
            name="validation_loss",
            value=loss["compressed"],
            base_value=loss["base"],
            is_higher_better=False,
            source_id=order.public_id,
        )
