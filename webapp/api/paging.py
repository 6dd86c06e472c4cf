"""Lists by cursor: `?limit=50&cursor=…`; the answer's `next` is the cursor of the following page, or null."""

from collections.abc import Callable
from typing import Annotated, Any

from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _
from ninja import Query, Schema
from pydantic import Field

from webapp.core.faults import UserFault

CURSOR = r"^[a-z]+_[0-9a-z_-]{1,30}$"


class Paging(Schema):
    """A cursor is the public id of the last row seen; it opens nothing that the token may not see."""

    limit: Annotated[int, Field(ge=1, le=200)] = 50
    cursor: Annotated[str, Field(pattern=CURSOR)] | None = None


PagingQuery = Annotated[Paging, Query()]


def page(queryset: QuerySet[Any], *, paging: Paging, show: Callable[[Any], Any]) -> dict[str, Any]:
    """Newest first. Raises a 400 fault for a cursor that is not of this list."""
    rows = queryset.order_by("-pk")
    if paging.cursor:
        start: Model | None = queryset.filter(public_id=paging.cursor).first()
        if start is None:
            raise bad_cursor()
        rows = rows.filter(pk__lt=start.pk)
    items = list(rows[: paging.limit + 1])
    more = len(items) > paging.limit
    items = items[: paging.limit]
    return {"items": [show(item) for item in items], "next": items[-1].public_id if more else None}


def bad_cursor() -> UserFault:
    return UserFault("bad_cursor", _("This cursor is not of this list. Start without one."), "cursor", status=400)
