"""Tokens for programs: made once, shown once, checked on every request of the API."""

import datetime as dt
import enum
import hashlib
import hmac
import secrets

from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from webapp.accounts import access
from webapp.accounts.access import Permission
from webapp.accounts.models import ApiToken, Membership
from webapp.core.ids import MAX_LENGTH

PREFIX = "ts"
USE_IS_NOTED_EVERY = dt.timedelta(minutes=1)
_NOBODY = hashlib.sha256(b"no such token").hexdigest()


class Scope(enum.StrEnum):
    READ = "read"
    WRITE = "write"
    TRAIN = "train"
    PROMOTE = "promote"
    ADMIN = "admin"


SCOPE_WORDS: dict[Scope, str | Promise] = {
    Scope.READ: gettext_lazy("See everything in the team and download it"),
    Scope.WRITE: gettext_lazy("Add datasets and base models, change and delete things"),
    Scope.TRAIN: gettext_lazy("Start runs and steer them"),
    Scope.PROMOTE: gettext_lazy("Move adapters through their stages"),
    Scope.ADMIN: gettext_lazy("Manage members, the team's name and its gates"),
}

RIGHTS: dict[Scope, frozenset[Permission]] = {
    Scope.READ: frozenset({Permission.VIEW, Permission.DOWNLOAD}),
    Scope.WRITE: frozenset({Permission.VIEW, Permission.UPLOAD, Permission.MANAGE}),
    Scope.TRAIN: frozenset({Permission.VIEW, Permission.TRAIN}),
    Scope.PROMOTE: frozenset({Permission.VIEW, Permission.REVIEW}),
    Scope.ADMIN: frozenset({Permission.VIEW, Permission.MANAGE_TEAM, Permission.OWN_TEAM, Permission.SET_GATES}),
}


def usable_scopes(role: str) -> list[Scope]:
    """The scopes that give a member of this role anything beyond looking."""
    return [
        scope
        for scope in Scope
        if scope == Scope.READ or any(access.role_can(role, right) for right in RIGHTS[scope] - {Permission.VIEW})
    ]


def digest(secret: str) -> str:
    """What is kept of a secret. It is long and random, so that a plain hash cannot be guessed back."""
    return hashlib.sha256(secret.encode()).hexdigest()


def new_secret() -> str:
    """160 bits without punctuation, so that a double click takes all of it."""
    return secrets.token_hex(20)


def plain(token: ApiToken, secret: str) -> str:
    """What a program presents: `ts_<the id without its prefix>_<secret>`."""
    return f"{PREFIX}_{token.public_id.partition('_')[2]}_{secret}"


def authenticate(text: str) -> ApiToken | None:
    """The token, with its user and team, if it is right, alive, and of a member who may use the API."""
    public_id, secret = _parts(text)
    token = (
        ApiToken.objects.select_related("user", "team")
        .filter(public_id=public_id, revoked_at=None, user__is_active=True)
        .first()
    )
    # Compared also for an unknown id, so that time tells nothing.
    is_right = hmac.compare_digest(digest(secret), token.secret_sha256 if token else _NOBODY)
    if token is None or not is_right or token.is_expired or not _may_use_api(token):
        return None
    _note_use(token)
    return token


def _parts(text: str) -> tuple[str, str]:
    """The id and the secret; an id that cannot exist for text that is no token of ours."""
    prefix, _first, rest = text.strip().partition("_")
    public_part, _second, secret = rest.partition("_")
    is_ours = prefix == PREFIX and public_part.isascii() and public_part.isalnum() and len(public_part) <= MAX_LENGTH
    return (f"tok_{public_part}" if is_ours else "", secret)


def _may_use_api(token: ApiToken) -> bool:
    membership = Membership.objects.filter(user_id=token.user_id, team_id=token.team_id).only("role").first()
    return membership is not None and access.role_can(membership.role, Permission.USE_API)


def _note_use(token: ApiToken) -> None:
    """Once a minute is enough to see that a token is alive; a write for each request would cost more than it."""
    now = timezone.now()
    if token.last_used_at is not None and token.last_used_at > now - USE_IS_NOTED_EVERY:
        return
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - USE_IS_NOTED_EVERY)
    ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)


def covers(token: ApiToken, permission: Permission) -> bool:
    """Whether one of the token's scopes includes the right. What its owner's role allows is asked by each action."""
    return any(permission in RIGHTS[Scope(name)] for name in token.scopes)


def require(*, token: ApiToken, permission: Permission) -> None:
    """Raise PermissionDenied when neither scope nor role give the right, naming the scope that would."""
    if not covers(token, permission):
        wanted = next((scope for scope in Scope if permission in RIGHTS[scope]), Scope.ADMIN)
        message = _("This token lacks the scope “%(scope)s”. Make one that has it on the page API tokens.")
        raise PermissionDenied(message % {"scope": wanted.value})
    access.require(by=token.user, team=token.team, permission=permission)
