"""Pages by cursor: what is new does not push rows onto the next page, and page 1,000 costs what page 1 costs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Model, Q, QuerySet

M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Page(Generic[M]):
    """`next` is the cursor of the page after this one, empty on the last."""

    items: Sequence[M]
    next: str
    is_first: bool

    def __iter__(self) -> Any:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


def page(queryset: QuerySet[M], *, after: str = "", size: int = 50, order: str = "-id") -> Page[M]:
    """The `size` rows after the row whose public id is `after`, ordered by one field and then by age.

    The cursor is looked up in the same set, so it opens nothing; one that is unknown, or deleted since, starts again.
    """
    is_descending, field = order.startswith("-"), order.lstrip("-")
    ordering = [order] if field in {"id", "pk"} else [order, "-id" if is_descending else "id"]
    rows = queryset.order_by(*ordering)
    start = queryset.filter(public_id=after).first() if after else None
    if start is not None:
        rows = rows.filter(_beyond(start, field=field, is_descending=is_descending))
    items = list(rows[: size + 1])
    cursor = str(getattr(items[size - 1], "public_id")) if len(items) > size else ""  # noqa: B009 - no base class has it
    return Page(items=items[:size], next=cursor, is_first=start is None)


def _beyond(row: Model, *, field: str, is_descending: bool) -> Q:
    side = "lt" if is_descending else "gt"
    if field in {"id", "pk"}:
        return Q(**{f"pk__{side}": row.pk})
    value = getattr(row, field)
    return Q(**{f"{field}__{side}": value}) | Q(**{field: value, f"pk__{side}": row.pk})
