"""Asking for a stage, and what reviewers answer."""

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from webapp.accounts import access
from webapp.accounts.access import Permission
from webapp.accounts.models import Membership, User
from webapp.adapters import refusals, stages
from webapp.adapters.models import AdapterVersion, Opinion, Review, Stage
from webapp.audit import actions as audit
from webapp.core.faults import UserFault
from webapp.notices import actions as notices

WORD_LIMIT = 1000


@transaction.atomic
def ask(*, by: User, version: AdapterVersion, stage: str, word: str = "") -> Review:
    """Ask the team's reviewers that a version gets a stage; who asks again gets the review that is open."""
    team = version.adapter.team
    _require_asker(by, version)
    if stage not in {Stage.CANDIDATE, Stage.PRODUCTION}:
        raise refusals.unknown_stage(stage)
    version = _locked(version)
    if version.stage == stage:
        raise refusals.already_there(version)
    if not stages.can_move(version.stage, stage):
        raise refusals.no_way(version, Stage(stage))
    review, is_new = Review.objects.get_or_create(
        version=version, stage=stage, outcome=Review.Outcome.OPEN, defaults={"asked_by": by, "word": _clean(word)}
    )
    if is_new:
        audit.record(by=by, verb="adapter.review_asked", team=team, obj=version, data={"to": stage})
        reviewers = Membership.objects.filter(team=team, role__in=access.roles_with(Permission.REVIEW))
        for membership in reviewers.exclude(user=by).exclude(user=version.created_by_id).select_related("user"):
            _tell(membership.user, version, "review_asked")
    return review


@transaction.atomic
def approve(*, by: User, review: Review, word: str = "") -> Opinion:
    """A second pair of eyes: whoever made the version cannot approve it."""
    access.require(by=by, team=review.version.adapter.team, permission=Permission.REVIEW)
    review = _open(review)
    if review.version.created_by_id == by.pk:
        raise PermissionDenied(_("You made this version, so somebody else has to approve it."))
    return _answer(by, review, is_approval=True, word=word)


@transaction.atomic
def send_back(*, by: User, review: Review, word: str = "") -> Review:
    """Close the review without the stage; approvals given until now count no more. Who asked can take it back."""
    version = review.version
    is_own = review.asked_by_id == by.pk
    access.require(by=by, team=version.adapter.team, permission=Permission.VIEW if is_own else Permission.REVIEW)
    review = _open(review)
    if is_own:
        review.outcome = Review.Outcome.DROPPED
        audit.record(by=by, verb="adapter.review_dropped", team=version.adapter.team, obj=version)
    else:
        review.outcome = Review.Outcome.SENT_BACK
        _answer(by, review, is_approval=False, word=word)
    review.closed_at = timezone.now()
    review.save(update_fields=["outcome", "closed_at"])
    return review


def _require_asker(by: User, version: AdapterVersion) -> None:
    """Who trains, and who may move versions anyway."""
    team = version.adapter.team
    try:
        access.require(by=by, team=team, permission=Permission.TRAIN)
    except PermissionDenied:
        access.require(by=by, team=team, permission=Permission.REVIEW)


def _locked(version: AdapterVersion) -> AdapterVersion:
    rows = AdapterVersion.objects.select_for_update(of=("self",)).select_related("adapter__team")
    found = rows.filter(pk=version.pk, adapter__deleted_at=None).first()
    if found is None:
        raise refusals.gone(version)
    return found


def _open(review: Review) -> Review:
    rows = Review.objects.select_for_update(of=("self",)).select_related("version__adapter__team", "asked_by")
    found = rows.filter(pk=review.pk).first()
    versions = AdapterVersion.objects.filter(adapter__deleted_at=None)
    if found is None or not found.is_open or not versions.filter(pk=found.version_id).exists():
        message = _("This review is closed: the version got its stage, or it was sent back. Look again.")
        raise UserFault("review_closed", message, status=409)
    return found


def _answer(by: User, review: Review, *, is_approval: bool, word: str) -> Opinion:
    opinion, _made = Opinion.objects.update_or_create(
        review=review, by=by, defaults={"is_approval": is_approval, "word": _clean(word)}
    )
    version = review.version
    verb = "adapter.approved" if is_approval else "adapter.sent_back"
    audit.record(by=by, verb=verb, team=version.adapter.team, obj=version, data={"to": review.stage})
    people = {person.pk: person for person in (review.asked_by, version.created_by) if person is not None}
    for person in people.values():
        if person != by:
            _tell(person, version, "review_approved" if is_approval else "review_sent_back")
    return opinion


def _tell(person: User, version: AdapterVersion, code: str) -> None:
    adapter = version.adapter
    url = reverse("adapters:version", args=[adapter.team.slug, adapter.public_id, version.number])
    notices.tell(user=person, team=adapter.team, code=code, data={"name": str(version)}, url=url)


def _clean(word: str) -> str:
    word = word.strip()
    if len(word) > WORD_LIMIT:
        raise refusals.too_long("word", WORD_LIMIT)
    return word
