"""Who may do what. The one table of rights, and the gate that stands before every page of a team."""

import enum
import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

from asgiref.sync import sync_to_async
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils.functional import Promise
from django.utils.text import format_lazy, get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from webapp.accounts.models import Membership, Role, Team, User
from webapp.core.request import Request

LAST_TEAM = "last_team"  # session key; where "/" leads
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Permission(enum.StrEnum):
    VIEW = "view"
    DOWNLOAD = "download"
    UPLOAD = "upload"
    TRAIN = "train"
    MANAGE = "manage"  # change or delete what others made
    REVIEW = "review"  # move an adapter through its stages
    MANAGE_TEAM = "manage_team"  # members, invitations, the team's name
    OWN_TEAM = "own_team"  # make and unmake owners
    SET_GATES = "set_gates"  # say what a version must fulfil before it gets a stage
    USE_API = "use_api"  # hold tokens


_LOOK = frozenset({Permission.VIEW})
_REVIEWER = _LOOK | {Permission.DOWNLOAD, Permission.REVIEW, Permission.USE_API}
_TRAINER = _LOOK | {Permission.DOWNLOAD, Permission.UPLOAD, Permission.TRAIN, Permission.USE_API}
_MAINTAINER = _REVIEWER | _TRAINER | {Permission.MANAGE, Permission.MANAGE_TEAM}

RIGHTS: dict[Role, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.MAINTAINER: _MAINTAINER,
    Role.TRAINER: _TRAINER,
    Role.REVIEWER: _REVIEWER,
    Role.VIEWER: _LOOK,
}

WORDS: dict[Permission, str | Promise] = {
    Permission.VIEW: gettext_lazy("Looking at the team's work"),
    Permission.DOWNLOAD: gettext_lazy("Downloading"),
    Permission.UPLOAD: gettext_lazy("Adding datasets and base models"),
    Permission.TRAIN: gettext_lazy("Starting and steering runs"),
    Permission.MANAGE: gettext_lazy("Changing what others made"),
    Permission.REVIEW: gettext_lazy("Moving adapters through their stages"),
    Permission.MANAGE_TEAM: gettext_lazy("Managing the team"),
    Permission.OWN_TEAM: gettext_lazy("Deciding who owns the team"),
    Permission.SET_GATES: gettext_lazy("Setting the gates of the stages"),
    Permission.USE_API: gettext_lazy("Using the API"),
}

ROLE_WORDS: dict[Role, str | Promise] = {
    Role.OWNER: gettext_lazy("May do everything, and decides who else is an owner."),
    Role.MAINTAINER: gettext_lazy("Looks after the team: people, everybody's datasets, runs and adapters, stages."),
    Role.TRAINER: gettext_lazy("Adds datasets and base models, starts runs, downloads adapters."),
    Role.REVIEWER: gettext_lazy("Looks at everything, downloads adapters and moves them through their stages."),
    Role.VIEWER: gettext_lazy("Looks at everything in the browser. Takes nothing out and changes nothing."),
}


def role_can(role: str, permission: Permission) -> bool:
    return permission in RIGHTS[Role(role)]


def roles_with(permission: Permission) -> list[Role]:
    """The roles that have the right, strongest first."""
    return [role for role in Role if permission in RIGHTS[role]]


def why_not(permission: Permission) -> str:
    """A sentence for who lacks the right: what it is and which roles have it."""
    names = get_text_list([str(role.label).lower() for role in roles_with(permission)], _("or"))
    return str(format_lazy(_("{what} needs the role {roles}"), what=WORDS[permission], roles=names))


def require(*, by: User | None, team: Team, permission: Permission) -> None:
    """Pass, or raise Http404 for a stranger and PermissionDenied for a member without the right.

    `by=None` is the system itself and always passes.
    """
    if by is None:
        return
    membership = Membership.objects.filter(user=by, team=team, user__is_active=True).only("role").first()
    if membership is None:
        raise Http404
    _check(membership, permission)


def require_change(*, by: User | None, team: Team, made_by_id: int | None, permission: Permission) -> None:
    """As `require` for a thing that somebody made: who made it needs `permission`, everybody else MANAGE."""
    is_own = by is not None and made_by_id == by.pk
    require(by=by, team=team, permission=permission if is_own else Permission.MANAGE)


def may_create_team(user: User) -> bool:
    """Whoever runs the installation or helps to run a team; a guest who may only look makes no new ones."""
    leads = roles_with(Permission.MANAGE_TEAM)
    return user.is_administrator or Membership.objects.filter(user=user, role__in=leads).exists()


def _check(membership: Membership, permission: Permission) -> None:
    if not role_can(membership.role, permission):
        raise PermissionDenied(why_not(permission))


def _enter(request: Request, slug: str, permission: Permission) -> None:
    """Put team and membership on the request. An unknown team and a team of others cost and answer the same."""
    membership = None
    if request.user.is_authenticated:
        membership = (
            Membership.objects.select_related("team", "user").filter(team__slug=slug, user_id=request.user.pk).first()
        )
    if membership is None:
        raise Http404
    _check(membership, permission)
    request.team, request.membership = membership.team, membership
    if request.session.get(LAST_TEAM) != slug:
        request.session[LAST_TEAM] = slug


def team_view(permission: Permission, *, unsafe: Permission | None = None) -> Callable[[Callable[..., Any]], Any]:
    """The gate of a page under /t/<slug:team>/: sets `request.team` and `request.membership`.

    The view, sync or async, does not get the slug. `unsafe` is what methods that change something need,
    where that is more than `permission`.
    """

    def needed(request: Request) -> Permission:
        return permission if unsafe is None or request.method in SAFE_METHODS else unsafe

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.iscoroutinefunction(view):

            @wraps(view)
            async def async_gate(request: Request, *args: Any, team: str, **kwargs: Any) -> Any:
                await sync_to_async(_enter)(request, team, needed(request))
                return await view(request, *args, **kwargs)

            return async_gate

        @wraps(view)
        def gate(request: Request, *args: Any, team: str, **kwargs: Any) -> Any:
            _enter(request, team, needed(request))
            return view(request, *args, **kwargs)

        return gate

    return decorate
