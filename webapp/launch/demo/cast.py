"""Who the demo plays: a person with a team and a token, made through the same actions as anybody."""

import datetime as dt
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.utils import timezone

from webapp.accounts import actions as accounts
from webapp.accounts.models import Invitation, Membership, Role, Team, User

EMAIL = "demo@example.org"
TITLE = "Demo workshop"
TOKEN_NAME = "make demo"  # noqa: S105 - its name on the page, not the token
SCOPES = ["read", "write", "train"]


@dataclass(frozen=True)
class Cast:
    email: str
    password: str
    team: str
    token: str


def sign_up() -> Cast:
    """The demo's person with a new random password, and a token for a day. An earlier demo's person is met again."""
    password = secrets.token_urlsafe(12)
    user = User.objects.filter(email=EMAIL).first()
    if user is None:
        user = _join(password)
    else:
        user.set_password(password)
        user.save(update_fields=["password"])
    team = _own_team(user) or _new_team(user)
    return Cast(email=EMAIL, password=password, team=team.slug, token=_new_token(user, team))


def _join(password: str) -> User:
    """As first administrator of a new installation, else by an invitation into a team of its own."""
    if _administrator() is None:
        return accounts.create_first_administrator(email=EMAIL, password=password, name="Demo", team_title=TITLE)
    with _invitation() as invitation:
        return accounts.join_as_new_person(invitation=invitation, password=password, name="Demo")


def _own_team(user: User) -> Team | None:
    return Team.objects.filter(memberships__user=user, memberships__role=Role.OWNER).order_by("pk").first()


def _new_team(user: User) -> Team:
    """For somebody who was taken out of the team of an earlier demo, or may no longer train there."""
    if _administrator() in {None, user}:
        return accounts.create_team(by=user, title=TITLE)
    with _invitation() as invitation:
        return accounts.accept_invitation(by=user, invitation=invitation).team


def _administrator() -> User | None:
    return User.objects.filter(is_administrator=True, is_active=True).order_by("pk").first()


@contextmanager
def _invitation() -> Iterator[Invitation]:
    """Into a new team, which an administrator makes and leaves when the demo's person has joined."""
    administrator = _administrator()
    assert administrator is not None
    team = accounts.create_team(by=administrator, title=TITLE)
    invitation, _path = accounts.invite(by=administrator, team=team, email=EMAIL, role=Role.OWNER)
    yield invitation
    accounts.remove_member(by=administrator, membership=Membership.objects.get(team=team, user=administrator))


def _new_token(user: User, team: Team) -> str:
    for token in team.tokens.filter(user=user, name=TOKEN_NAME, revoked_at=None):
        accounts.revoke_token(by=user, token=token)
    expires_at = timezone.now() + dt.timedelta(days=1)
    _token, text = accounts.create_token(by=user, team=team, name=TOKEN_NAME, scopes=SCOPES, expires_at=expires_at)
    return text
