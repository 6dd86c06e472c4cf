"""Moving versions through their stages: one decision at a time for an adapter, and each is kept."""

from dataclasses import dataclass

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from webapp.accounts import access
from webapp.accounts.models import User
from webapp.adapters import gates, refusals, stages, standing
from webapp.adapters.actions import listing
from webapp.adapters.models import Adapter, AdapterVersion, Review, Stage, StageChange
from webapp.audit import actions as audit
from webapp.lineage import queries as lineage
from webapp.lineage.models import Withdrawal
from webapp.notices import actions as notices

REASON_LIMIT = 1000


@dataclass(frozen=True, kw_only=True)
class _Order:
    by: User | None
    version: AdapterVersion
    to: Stage
    reason: str
    seen: str
    bad_files: list[standing.BadFile]
    is_rollback: bool = False


def move(
    *, by: User | None, version: AdapterVersion, stage: str, reason: str = "", seen: str | None = None
) -> StageChange:
    """Give a version a stage. Whoever holds it, where one holder is allowed, gives way in the same transaction.

    `seen` is `standing.last_change` as the person saw it; without it, as it is now. Raises a 409 fault when somebody
    decided meanwhile, when no way leads there, when a gate is not passed, or when files are damaged. What gates and
    files refuse is kept as a decision too, so the caller must not roll it back.
    """
    access.require(by=by, team=version.adapter.team, permission=access.Permission.REVIEW)
    if stage not in Stage.values:
        raise refusals.unknown_stage(stage)
    to = Stage(stage)
    return _carry_out(
        _Order(
            by=by,
            version=version,
            to=to,
            reason=_clean(reason),
            seen=standing.last_change(version.adapter) if seen is None else seen,
            # Before the lock: it may take seconds, and files never change once they are written.
            bad_files=standing.bad_files(version) if to is Stage.PRODUCTION else [],
        )
    )


def rollback(*, by: User | None, adapter: Adapter, reason: str = "", seen: str | None = None) -> StageChange:
    """Bring the version back that was in production before, once its files were read back and found whole.

    Its gates are looked at and noted, but refuse nothing: it passed them when it became production, and a rollback
    is for the hour in which the present version must go.
    """
    access.require(by=by, team=adapter.team, permission=access.Permission.REVIEW)
    seen = standing.last_change(adapter) if seen is None else seen
    target = standing.before_production(adapter)
    if target is None:
        raise refusals.nothing_before(adapter)
    return _carry_out(
        _Order(
            by=by,
            version=target,
            to=Stage.PRODUCTION,
            reason=_clean(reason),
            seen=seen,
            bad_files=standing.bad_files(target),
            is_rollback=True,
        )
    )


def _clean(reason: str) -> str:
    reason = reason.strip()
    if len(reason) > REASON_LIMIT:
        raise refusals.too_long("reason", REASON_LIMIT)
    return reason


def _carry_out(order: _Order) -> StageChange:
    """The refusal is raised only when its row is safe, after the transaction."""
    with transaction.atomic():
        change = _decide(order)
    if change.refusal:
        raise refusals.of(change)
    return change


def _decide(order: _Order) -> StageChange:
    adapter = Adapter.objects.live().select_for_update().filter(pk=order.version.adapter_id).first()
    version = AdapterVersion.objects.filter(pk=order.version.pk).select_related("adapter__team", "created_by").first()
    if adapter is None or version is None:
        raise refusals.gone(order.version)
    _require_fresh(order, adapter)
    _require_way(order, version)
    results = standing.results(version, order.to)
    withdrawn = _withdrawn(order, version)
    change = StageChange(
        adapter=adapter,
        version=version,
        number=version.number,
        from_stage=version.stage,
        to_stage=order.to,
        cause=StageChange.Cause.ROLLED_BACK if order.is_rollback else StageChange.Cause.MOVED,
        refusal=_refusal(order, results, withdrawn),
        by=order.by,
        reason=order.reason,
        decision={
            "gates": [result.as_json() for result in results],
            "files": [{"path": file.path, "is_missing": file.is_missing} for file in order.bad_files],
            "withdrawn": [{"name": row.name, "reason": row.reason} for row in withdrawn],
        },
    )
    if change.refusal:
        change.save()
        data = {"to": order.to.value, "why": change.refusal}
        audit.record(by=order.by, verb="adapter.move_refused", team=adapter.team, obj=version, data=data)
    else:
        _make(change, version)
    return change


def _require_fresh(order: _Order, adapter: Adapter) -> None:
    newest = standing.made(adapter).first()
    if (newest.public_id if newest else "") != order.seen:
        raise refusals.decided_meanwhile(newest)


def _require_way(order: _Order, version: AdapterVersion) -> None:
    if version.stage == order.to:
        raise refusals.already_there(version)
    if not order.is_rollback and not stages.can_move(version.stage, order.to):
        raise refusals.no_way(version, order.to)


def _withdrawn(order: _Order, version: AdapterVersion) -> list[Withdrawal]:
    """What keeps a version out of production, a rollback too: that it, or what it was made of, must not be used."""
    if order.to is not Stage.PRODUCTION:
        return []
    return lineage.withdrawn_ancestors(version.adapter.team, version.public_id)


def _refusal(order: _Order, results: list[gates.Result], withdrawn: list[Withdrawal]) -> str:
    if withdrawn:
        return StageChange.Refusal.ORIGIN
    if order.bad_files:
        return StageChange.Refusal.FILES
    if not order.is_rollback and not all(result.has_passed for result in results):
        return StageChange.Refusal.GATE
    return ""


def _make(change: StageChange, version: AdapterVersion) -> None:
    """The holder first, since the database allows one at a time."""
    replaced = _displace(change)
    AdapterVersion.objects.filter(pk=version.pk).update(stage=change.to_stage)
    version.stage = change.to_stage
    change.save()
    listing.relist(adapter=change.adapter)
    verb = "adapter.rolled_back" if change.cause == StageChange.Cause.ROLLED_BACK else "adapter.moved"
    data = {"from": change.from_stage, "to": change.to_stage, "replaced": replaced.public_id if replaced else ""}
    audit.record(by=change.by, verb=verb, team=change.adapter.team, obj=version, data=data)
    asked_by = _close_reviews(version)
    _tell(change, version, also=asked_by)
    if replaced is not None:
        _tell(change, replaced, also=[])


def _displace(change: StageChange) -> AdapterVersion | None:
    to = stages.GIVES_WAY_TO.get(Stage(change.to_stage))
    held = standing.holder(change.adapter, change.to_stage) if to else None
    if held is None or to is None:
        return None
    AdapterVersion.objects.filter(pk=held.pk).update(stage=to)
    held.stage = to
    StageChange.objects.create(
        adapter=change.adapter,
        version=held,
        number=held.number,
        from_stage=change.to_stage,
        to_stage=to,
        cause=StageChange.Cause.DISPLACED,
        by=change.by,
        reason=change.reason,
        decision={"by_version": change.number},
    )
    data = {"from": change.to_stage, "to": to.value, "for": str(change.version)}
    audit.record(by=change.by, verb="adapter.displaced", team=change.adapter.team, obj=held, data=data)
    _close_reviews(held)
    return held


def _close_reviews(version: AdapterVersion) -> list[User]:
    """What was asked for has come, or cannot come any more; returns who asked."""
    asked_by = []
    for review in version.reviews.filter(outcome=Review.Outcome.OPEN).select_related("asked_by"):
        is_granted = review.stage == version.stage
        review.outcome = Review.Outcome.GRANTED if is_granted else Review.Outcome.DROPPED
        review.closed_at = timezone.now()
        review.save(update_fields=["outcome", "closed_at"])
        if review.asked_by is not None:
            asked_by.append(review.asked_by)
    return asked_by


def _tell(change: StageChange, version: AdapterVersion, *, also: list[User]) -> None:
    """The author and who asked, each once, and nobody about what they did themselves."""
    adapter = change.adapter
    url = reverse("adapters:version", args=[adapter.team.slug, adapter.public_id, version.number])
    people = {person.pk: person for person in [version.created_by, *also] if person is not None and person != change.by}
    for person in people.values():
        code = f"adapter_{version.stage}"
        notices.tell(user=person, team=adapter.team, code=code, data={"name": str(version)}, url=url)
