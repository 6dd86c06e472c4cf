"""Writing down who did what. Lines are only ever added."""

from collections.abc import Mapping
from typing import Any, Protocol

from django.db.models import Model
from django.http import HttpRequest

from webapp.audit import context
from webapp.audit.models import Event


class HasId(Protocol):
    """A user or a team: they stand above this app, and only their ids and names are kept."""

    public_id: str


def record(
    *,
    by: HasId | None,
    verb: str,
    team: HasId | None = None,
    obj: Model | None = None,
    data: Mapping[str, Any] | None = None,
    request: HttpRequest | None = None,
) -> None:
    """Add a line, in the caller's transaction: what was rolled back was not done.

    `verb` is `<thing>.<what was done to it>`, as "dataset.deleted". `by=None` is the system. `data` is plain JSON and
    never holds a secret. Address and request id are those of the current request unless one is given.
    """
    origin = context.of(request) if request is not None else context.current()
    Event.objects.create(
        actor_id=by.public_id if by else "",
        actor_name=str(by)[:254] if by else "",
        team_id=team.public_id if team else "",
        verb=verb,
        object_type=obj._meta.model_name or "" if obj is not None else "",
        object_id=getattr(obj, "public_id", ""),
        object_name=str(obj)[:200] if obj is not None else "",
        data=dict(data or {}),
        ip=origin.ip,
        request_id=origin.request_id,
    )
