"""What can be done with people, teams and their keys."""

import datetime as dt
import secrets
from collections.abc import Sequence

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from webapp.accounts import access, names, tokens
from webapp.accounts.access import Permission
from webapp.accounts.models import ApiToken, Invitation, Membership, Name, Role, SetupLink, Team, User
from webapp.audit import actions as audit
from webapp.core.faults import UserFault

SETUP_LINK_LASTS = dt.timedelta(hours=24)
INVITATION_LASTS = dt.timedelta(days=7)
TITLE_LIMIT = 80


# The first start ---------------------------------------------------------------------------------


def make_setup_link() -> str:
    """A path that lets one person become the first administrator, within a day. Earlier links stop working."""
    if User.objects.exists():
        raise _already_set_up()
    secret = secrets.token_urlsafe(32)
    with transaction.atomic():
        SetupLink.objects.filter(used_at=None).delete()
        SetupLink.objects.create(secret_sha256=tokens.digest(secret), expires_at=timezone.now() + SETUP_LINK_LASTS)
    return reverse("accounts:setup", args=[secret])


@transaction.atomic
def use_setup_link(*, link: SetupLink, email: str, password: str, name: str, team_title: str) -> User:
    """Make the first administrator; of two people who press the button at once, one gets the installation."""
    now = timezone.now()
    if not SetupLink.objects.filter(pk=link.pk, used_at=None, expires_at__gt=now).update(used_at=now):
        raise _already_set_up()
    return create_first_administrator(email=email, password=password, name=name, team_title=team_title)


@transaction.atomic
def create_first_administrator(*, email: str, password: str, name: str = "", team_title: str = "") -> User:
    """The person who looks after a new installation, as owner of its first team."""
    if User.objects.exists():
        raise _already_set_up()
    user = _create_user(email=email, password=password, name=name, is_administrator=True)
    audit.record(by=user, verb="installation.set_up", obj=user)
    create_team(by=user, title=team_title or _("Workshop"))
    return user


def _already_set_up() -> UserFault:
    return UserFault(
        "already_set_up",
        _("This installation already has people. Ask its administrator for an invitation."),
        status=409,
    )


def _create_user(*, email: str, password: str, name: str, is_administrator: bool = False) -> User:
    try:
        validate_email(email.strip())
    except ValidationError as error:
        message = _("“%(email)s” is not an e-mail address. Write it like name@example.org.")
        raise UserFault("bad_email", message % {"email": email}, field="email") from error
    draft = User(email=email.strip().lower(), name=_one_line(name)[:100])
    try:
        validate_password(password, draft)
    except ValidationError as error:
        raise UserFault("weak_password", " ".join(error.messages), field="password") from error
    try:
        with transaction.atomic():
            return User.objects.create_user(draft.email, password, name=draft.name, is_administrator=is_administrator)
    except IntegrityError as error:
        message = _("%(email)s already has an account. Sign in with it instead.")
        raise UserFault("email_taken", message % {"email": draft.email}, field="email", status=409) from error


# Teams -------------------------------------------------------------------------------------------


@transaction.atomic
def create_team(*, by: User, title: str, slug: str = "") -> Team:
    """A new team with `by` as its owner. Without `slug` a free address is made from the title."""
    if not access.may_create_team(by):
        raise UserFault(
            "may_not_create_team",
            _("New teams are made by administrators and by who leads a team. Ask one of them."),
            status=403,
        )
    title = _good_title(title)
    name = names.claim(name=slug or names.suggest(title), kind=Name.Kind.TEAM)
    team = Team.objects.create(slug=name.key, title=title)
    Membership.objects.create(team=team, user=by, role=Role.OWNER)
    audit.record(by=by, verb="team.created", team=team, obj=team)
    return team


@transaction.atomic
def rename_team(*, by: User | None, team: Team, title: str) -> None:
    """Give the team another title. Its address stays, so that links go on working."""
    access.require(by=by, team=team, permission=Permission.MANAGE_TEAM)
    was, team.title = team.title, _good_title(title)
    if was != team.title:
        team.save(update_fields=["title"])
        audit.record(by=by, verb="team.renamed", team=team, obj=team, data={"from": was})


@transaction.atomic
def delete_team(*, by: User | None, team: Team) -> None:
    """Delete a team that holds nothing any more. Its name is free again; its audit lines stay."""
    access.require(by=by, team=team, permission=Permission.OWN_TEAM)
    left = things_left(team)
    if left:
        message = _("%(team)s still holds %(things)s. Delete these first; the team can go when the trash is empty too.")
        raise UserFault("team_not_empty", message % {"team": team, "things": _some(left)}, status=409)
    audit.record(by=by, verb="team.deleted", team=team, obj=team)
    try:
        team.delete()
    except ProtectedError as error:
        message = _("Files of %(team)s are still in use by work that ends soon. Try again in a few minutes.")
        raise UserFault("team_in_use", message % {"team": team}, status=409) from error
    Name.objects.filter(key=team.slug).delete()


def things_left(team: Team) -> list[str]:
    """The names of what people made in the team and would lose with it, in the trash or not."""
    left: list[str] = []
    for relation in Team._meta.get_fields(include_hidden=True):
        model = relation.related_model if relation.auto_created and relation.is_relation else None
        # The apps above are not known here; but what people make can go to the trash, and so has this field.
        if isinstance(model, type) and any(field.name == "deleted_at" for field in model._meta.fields):
            left += [str(thing) for thing in model._default_manager.filter(team=team).order_by("pk")]
    return left


def _some(things: Sequence[str]) -> str:
    shown, more = ", ".join(f"“{name}”" for name in things[:3]), len(things) - 3
    return shown if more <= 0 else _("%(shown)s and %(more)d more") % {"shown": shown, "more": more}


def _good_title(title: str) -> str:
    title = _one_line(title)
    if not title or len(title) > TITLE_LIMIT:
        message = _("A team's name has 1 to %(limit)d characters. Choose another one.")
        raise UserFault("bad_title", message % {"limit": TITLE_LIMIT}, field="title")
    return title


def _one_line(text: str) -> str:
    return " ".join(text.replace("\0", "").split())


# Members -----------------------------------------------------------------------------------------


@transaction.atomic
def invite(*, by: User | None, team: Team, email: str, role: str) -> tuple[Invitation, str]:
    """An invitation and the path of its link, which cannot be shown again. An earlier one for the address ends."""
    access.require(by=by, team=team, permission=_right_to_give(role))
    email = email.strip().lower()
    if team.memberships.filter(user__email=email).exists():
        message = _("%(email)s is in the team already. Change the role in the list of members.")
        raise UserFault("already_member", message % {"email": email}, field="email", status=409)
    team.invitations.filter(email=email, accepted_at=None).delete()
    secret = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        team=team,
        email=email,
        role=role,
        secret_sha256=tokens.digest(secret),
        created_by=by,
        expires_at=timezone.now() + INVITATION_LASTS,
    )
    path = reverse("accounts:join", args=[secret])
    audit.record(by=by, verb="member.invited", team=team, obj=invitation, data={"email": email, "role": role})
    if settings.EMAIL_CONFIG:
        transaction.on_commit(lambda: _mail_invitation(invitation, path))
    return invitation, path


def _mail_invitation(invitation: Invitation, path: str) -> None:
    """The link is on the inviter's page as well, so a mail that cannot be sent holds nobody up."""
    text = render_to_string("accounts/invitation.txt", {"invitation": invitation, "link": settings.PUBLIC_URL + path})
    subject = _("Join %(team)s on Tunesmith") % {"team": _one_line(invitation.team.title)}
    send_mail(subject, text, None, [invitation.email], fail_silently=True)


@transaction.atomic
def revoke_invitation(*, by: User | None, invitation: Invitation) -> None:
    access.require(by=by, team=invitation.team, permission=Permission.MANAGE_TEAM)
    if Invitation.objects.filter(pk=invitation.pk, accepted_at=None).delete()[0]:
        audit.record(
            by=by, verb="invitation.revoked", team=invitation.team, obj=invitation, data={"email": invitation.email}
        )


@transaction.atomic
def accept_invitation(*, by: User, invitation: Invitation) -> Membership:
    """Join the team. The link is used up; who is a member already keeps the role they have."""
    now = timezone.now()
    is_mine = Invitation.objects.filter(pk=invitation.pk, accepted_at=None, expires_at__gt=now).update(accepted_at=now)
    if not is_mine:
        raise UserFault(
            "invitation_over",
            _("This invitation was used, taken back or is older than a week. Ask for a new one."),
            status=409,
        )
    membership, is_new = Membership.objects.get_or_create(
        team=invitation.team, user=by, defaults={"role": invitation.role}
    )
    if is_new:
        data = {"role": membership.role, "invited": invitation.email}
        audit.record(by=by, verb="member.joined", team=invitation.team, obj=by, data=data)
        _tell_inviter(invitation, by)
    return membership


def _tell_inviter(invitation: Invitation, who: User) -> None:
    """Notices stand above this app, so the settings name who tells."""
    tell = import_string(settings.TELL)
    url = reverse("accounts:members", args=[invitation.team.slug])
    tell(user=invitation.created_by, team=invitation.team, code="invitation_accepted", data={"name": str(who)}, url=url)


@transaction.atomic
def join_as_new_person(*, invitation: Invitation, password: str, name: str) -> User:
    """An account for the invited address, and its membership."""
    user = _create_user(email=invitation.email, password=password, name=name)
    accept_invitation(by=user, invitation=invitation)
    return user


@transaction.atomic
def set_role(*, by: User | None, membership: Membership, role: str) -> None:
    """Change what a member may do. Owners are made and unmade by owners, and one always stays."""
    team = membership.team
    for touched in (membership.role, role):
        access.require(by=by, team=team, permission=_right_to_give(touched))
    if membership.role == Role.OWNER and role != Role.OWNER:
        _keep_one_owner(membership)
    was, membership.role = membership.role, Role(role)
    if was != role:
        membership.save(update_fields=["role"])
        audit.record(by=by, verb="member.role_changed", team=team, obj=membership.user, data={"from": was, "to": role})


@transaction.atomic
def remove_member(*, by: User | None, membership: Membership) -> None:
    """Take somebody out, or leave. Their tokens for the team end; what they made stays with the team."""
    team, user = membership.team, membership.user
    if by != user:
        access.require(by=by, team=team, permission=_right_to_give(membership.role))
    if membership.role == Role.OWNER:
        _keep_one_owner(membership)
    membership.delete()
    team.tokens.filter(user=user, revoked_at=None).update(revoked_at=timezone.now())
    audit.record(by=by, verb="member.left" if by == user else "member.removed", team=team, obj=user)


def _right_to_give(role: str) -> Permission:
    return Permission.OWN_TEAM if Role(role) == Role.OWNER else Permission.MANAGE_TEAM


def _keep_one_owner(membership: Membership) -> None:
    """Locks the owners, so that two who leave at once cannot both be "not the last"."""
    owners = list(membership.team.memberships.select_for_update().filter(role=Role.OWNER).values_list("pk", flat=True))
    if owners == [membership.pk]:
        message = _("%(person)s is the last owner of %(team)s. Make somebody else an owner first.")
        raise UserFault("last_owner", message % {"person": membership.user, "team": membership.team}, status=409)


# Oneself -----------------------------------------------------------------------------------------


@transaction.atomic
def rename_self(*, by: User, name: str) -> None:
    by.name = _one_line(name)[:100]
    by.save(update_fields=["name"])
    audit.record(by=by, verb="person.renamed", obj=by)


# Tokens ------------------------------------------------------------------------------------------


@transaction.atomic
def create_token(
    *, by: User, team: Team, name: str, scopes: Sequence[str], expires_at: dt.datetime | None = None
) -> tuple[ApiToken, str]:
    """A token of `by` for one team and its text, which is shown this once and never kept."""
    access.require(by=by, team=team, permission=Permission.USE_API)
    name = _one_line(name)
    if not name or len(name) > 80:
        raise UserFault("bad_name", _("A token's name has 1 to 80 characters. Say what it is for."), field="name")
    usable = tokens.usable_scopes(team.memberships.get(user=by).role)
    if not scopes or not set(scopes) <= set(usable):
        message = _("A token needs at least one scope, and only such as your role can use: %(usable)s.")
        raise UserFault("bad_scopes", message % {"usable": ", ".join(usable)}, field="scopes")
    if expires_at is not None and expires_at <= timezone.now():
        raise UserFault("bad_expiry", _("This day is over. Choose one to come."), field="expires_at")
    secret = tokens.new_secret()
    token = ApiToken.objects.create(
        team=team,
        user=by,
        name=name,
        scopes=sorted(set(scopes)),
        secret_sha256=tokens.digest(secret),
        expires_at=expires_at,
    )
    audit.record(by=by, verb="token.created", team=team, obj=token, data={"scopes": token.scopes})
    return token, tokens.plain(token, secret)


@transaction.atomic
def revoke_token(*, by: User | None, token: ApiToken) -> None:
    """End a token at once. Everybody their own; who manages the team also those of others."""
    own = by is not None and token.user_id == by.pk
    access.require(by=by, team=token.team, permission=Permission.VIEW if own else Permission.MANAGE_TEAM)
    if ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now()):
        audit.record(by=by, verb="token.revoked", team=token.team, obj=token)
