"""Writing down what was made from what, and what is not to be used any more."""

from django.conf import settings
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from webapp.accounts import access
from webapp.accounts.models import Team, User
from webapp.audit import actions as audit
from webapp.core.faults import UserFault
from webapp.lineage import queries, things
from webapp.lineage.models import Edge, Withdrawal
from webapp.lineage.things import Thing

REASON_CHARACTERS = 500


def connect(*, team: Team, source: str, target: str, relation: str) -> None:
    """`target` was made from `source` (public ids), in the way that `relation` names. Repeating it changes nothing."""
    if source == target:
        raise ValueError("nothing is made from itself")
    Edge.objects.get_or_create(team=team, source=source, target=target, relation=relation)


@transaction.atomic
def withdraw(*, by: User | None, team: Team, thing: Thing, reason: str) -> Withdrawal:
    """Say that a thing is not to be used any more, and tell who made something of it or took it. Raises UserFault.

    Nothing is deleted and nothing is stopped: new runs on it are refused, what was made of it says so, and a version
    that descends from it cannot go to production.
    """
    require(by=by, team=team, thing=thing)
    reason = " ".join(reason.split())
    if not reason or len(reason) > REASON_CHARACTERS:
        message = _("Say in 1 to %(limit)s characters why: people who used it will read this.")
        raise UserFault("bad_reason", message % {"limit": REASON_CHARACTERS}, field="reason")
    try:
        with transaction.atomic():
            row = Withdrawal.objects.create(
                team=team, thing=thing.public_id, name=thing.name, reason=reason, created_by=by
            )
    except IntegrityError as error:
        message = _("%(name)s is withdrawn already.") % {"name": thing.name}
        raise UserFault("withdrawn_already", message, status=409) from error
    audit.record(by=by, verb="lineage.withdrawn", team=team, obj=row, data={"thing": thing.public_id, "reason": reason})
    _tell(row, "withdrawn", thing=thing)
    return row


@transaction.atomic
def reinstate(*, by: User | None, team: Team, thing: Thing) -> None:
    """Take a withdrawal back, and tell the same people. Raises UserFault when there is none."""
    require(by=by, team=team, thing=thing)
    row = queries.withdrawal_of(team, thing.public_id)
    if row is None or not Withdrawal.objects.filter(pk=row.pk, ended_at=None).update(ended_at=timezone.now()):
        message = _("%(name)s is not withdrawn.") % {"name": thing.name}
        raise UserFault("not_withdrawn", message, status=409)
    audit.record(by=by, verb="lineage.reinstated", team=team, obj=row, data={"thing": thing.public_id})
    _tell(row, "reinstated", thing=thing, by=by)


def require(*, by: User | None, team: Team, thing: Thing) -> None:
    """Who made it may withdraw it, and who may change what others made. Raises UserFault, PermissionDenied, Http404."""
    if thing.right is None:
        message = _("Only dataset versions, base models and adapter versions can be withdrawn.")
        raise UserFault("cannot_be_withdrawn", message, status=409)
    made_by = thing.made_by.pk if thing.made_by else None
    access.require_change(by=by, team=team, made_by_id=made_by, permission=thing.right)


def people(team: Team, thing: Thing) -> list[User]:
    """Who made the thing or something of it, and who took any of it away; each once."""
    touched = [thing, *things.find(team, queries.affected(team, thing.public_id)).values()]
    users = [user for one in touched for user in (one.made_by, *one.takers) if user is not None]
    return list(dict.fromkeys(users))


def _tell(row: Withdrawal, code: str, *, thing: Thing, by: User | None = None) -> None:
    tell = import_string(settings.TELL)
    url = reverse("lineage:show", args=[row.team.slug, row.thing])
    actor = by or row.created_by
    for user in people(row.team, thing):
        if user != actor:
            tell(user=user, team=row.team, code=code, data={"name": thing.name, "reason": row.reason}, url=url)
