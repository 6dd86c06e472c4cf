"""Removing for good, row by row."""

import logging
from collections.abc import Callable, Iterable
from typing import TypeVar

from django.db import InterfaceError, OperationalError, models, transaction

logger = logging.getLogger(__name__)
Row = TypeVar("Row", bound=models.Model)


def each(rows: Iterable[Row], remove: Callable[[Row], bool]) -> int:
    """Remove each row in a transaction of its own; returns how many went. `remove` says whether it did.

    One that cannot go, since something still points to it, is logged and does not keep the others.
    """
    count = 0
    for row in rows:
        name = f"{row._meta.label} {row.pk}"  # a row that was deleted has no key any more, rolled back or not
        try:
            with transaction.atomic():
                count += remove(row)
        except (InterfaceError, OperationalError):
            raise  # the database is away
        except Exception:
            logger.exception("%s was not removed", name)
    return count
