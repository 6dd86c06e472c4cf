"""What a version's page says about its stage: who holds what, what the gates say, what can be done next."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.core.exceptions import PermissionDenied
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from webapp.accounts import access
from webapp.accounts.access import Permission
from webapp.accounts.models import Membership
from webapp.adapters import gates, scoretable, stages, standing
from webapp.adapters.models import AdapterVersion, Opinion, Review, Stage
from webapp.adapters.scoretable import ScoreRow

ACTS: dict[Stage, str | Promise] = {
    Stage.DRAFT: gettext_lazy("Back to draft"),
    Stage.CANDIDATE: gettext_lazy("Make it the candidate"),
    Stage.PRODUCTION: gettext_lazy("Put it into production"),
    Stage.RETIRED: gettext_lazy("Retire"),
}


@dataclass(frozen=True)
class Act:
    stage: Stage
    label: str


@dataclass(frozen=True)
class Asked:
    """An open review as one member sees it."""

    review: Review
    sentence: str
    opinions: Sequence[Opinion]
    can_answer: bool
    is_mine: bool


@dataclass(frozen=True)
class StageCard:
    holds: str
    next: Act | None
    others: list[Act]
    results: list[gates.Result]
    reviews: list[Asked]
    back_to: AdapterVersion | None
    can_move: bool
    can_ask: bool
    seen: str

    @property
    def is_ready(self) -> bool:
        return all(result.has_passed for result in self.results)

    @property
    def next_label(self) -> str:
        return str(self.next.stage.label) if self.next else ""


def of(version: AdapterVersion, membership: Membership) -> StageCard:
    """The card for one member; what they may not do is left out, what they could ask for is not."""
    to = stages.next_of(version.stage)
    reviews = [_asked(review, version, membership) for review in standing.open_reviews(version)]
    may_ask = any(access.role_can(membership.role, right) for right in (Permission.TRAIN, Permission.REVIEW))
    return StageCard(
        holds=_holds(version),
        next=_act(to) if to else None,
        others=[_act(stage) for stage in stages.others_of(version.stage)],
        results=standing.results(version, to) if to else [],
        reviews=reviews,
        back_to=standing.before_production(version.adapter) if version.stage == Stage.PRODUCTION else None,
        can_move=access.role_can(membership.role, Permission.REVIEW),
        can_ask=to is not None and may_ask and all(asked.review.stage != to for asked in reviews),
        seen=standing.last_change(version.adapter),
    )


@dataclass(frozen=True)
class ScoreTable:
    """`beside` is the number of another version that is in production, `gate_stage` the stage of the gates' column."""

    rows: list[ScoreRow]
    gate_stage: str
    beside: int | None


def score_table(version: AdapterVersion, rows: Sequence[ScoreRow], card: StageCard) -> ScoreTable:
    """The rows with what stands beside them; what the card has asked of the gates is not asked twice.

    A draft shows the gates of production where none stand before candidate: they are what it has to reach.
    """
    is_new = version.stage in {Stage.DRAFT, Stage.RETIRED}
    order = [Stage.CANDIDATE, Stage.PRODUCTION] if is_new else [Stage.PRODUCTION]
    gate_stage, results = _gates_before(version, order, card)
    held = standing.holder(version.adapter, Stage.PRODUCTION)
    other = held if held is not None and held.pk != version.pk else None
    beside = {row.name: row.value_text for row in scoretable.rows(other)} if other else {}
    told = [
        replace(row, gates=[one for one in results if one.score == row.name], beside_text=beside.get(row.name, ""))
        for row in rows
    ]
    return ScoreTable(rows=told, gate_stage=gate_stage, beside=other.number if other else None)


def _gates_before(version: AdapterVersion, order: Sequence[Stage], card: StageCard) -> tuple[str, list[gates.Result]]:
    """Those that read scores, before the first of these stages that has any."""
    for stage in order:
        is_known = card.next is not None and card.next.stage == stage
        found = card.results if is_known else standing.results(version, stage)
        results = [result for result in found if result.score]
        if results:
            return str(stage.label), results
    return "", []


def require_asker(membership: Membership) -> None:
    """Who trains, and who may move versions anyway."""
    if not any(access.role_can(membership.role, right) for right in (Permission.TRAIN, Permission.REVIEW)):
        raise PermissionDenied(access.why_not(Permission.TRAIN))


def require_answerer(membership: Membership, review: Review) -> None:
    """Who may move versions, and who asked: they can take it back."""
    if review.asked_by_id != membership.user_id and not access.role_can(membership.role, Permission.REVIEW):
        raise PermissionDenied(access.why_not(Permission.REVIEW))


def _act(stage: Stage) -> Act:
    return Act(stage, str(ACTS[stage]))


def _holds(version: AdapterVersion) -> str:
    """Who may be relied on, in one sentence."""
    held = standing.holder(version.adapter, Stage.PRODUCTION)
    if held is None:
        return _("No version of this adapter is in production.")
    if held.pk == version.pk:
        return _("This version is in production: it is what people rely on.")
    return _("v%(number)d is in production.") % {"number": held.number}


def _asked(review: Review, version: AdapterVersion, membership: Membership) -> Asked:
    is_author = version.created_by_id == membership.user_id
    return Asked(
        review=review,
        sentence=_sentence(review, version),
        opinions=list(review.opinions.all()),
        can_answer=access.role_can(membership.role, Permission.REVIEW) and not is_author,
        is_mine=review.asked_by_id == membership.user_id,
    )


def _sentence(review: Review, version: AdapterVersion) -> str:
    words = {"who": review.asked_by or _("Somebody"), "number": version.number}
    if review.stage == Stage.PRODUCTION:
        asks = _("%(who)s asks to put v%(number)d into production.") % words
    else:
        asks = _("%(who)s asks to make v%(number)d the candidate.") % words
    held = standing.holder(version.adapter, review.stage)
    if held is None or held.pk == version.pk:
        return asks
    takes = _("It would take the place of v%(number)d, which stays in the catalog.") % {"number": held.number}
    return f"{asks} {takes}"


def consequences(version: AdapterVersion, to: Stage) -> list[str]:
    """What a person should know before they move a version."""
    held = standing.holder(version.adapter, to) if to in stages.GIVES_WAY_TO else None
    lines = []
    if to is Stage.PRODUCTION:
        lines.append(_("Its files are read back and compared with their SHA-256 first."))
        if held is None:
            lines.append(_("No version is in production now."))
        else:
            lines.append(_("v%(number)d is in production now. It is retired and stays in the catalog; one click "
                           "brings it back.") % {"number": held.number})  # fmt: skip
    elif to is Stage.CANDIDATE:
        if held is None:
            lines.append(_("No version is the candidate now."))
        else:
            lines.append(_("v%(number)d is the candidate now. It becomes a draft again.") % {"number": held.number})
    if version.stage == Stage.PRODUCTION:
        lines.append(_("People rely on it: after this no version is in production."))
    elif to is Stage.RETIRED:
        lines.append(_("It stays in the catalog and can be tried again."))
    lines.append(_("Whoever made it is told."))
    return lines
