"""When the disk will be full, from how it filled so far. Pure."""

import datetime as dt
import enum
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from webapp.core import units

DAYS_LOOKED_BACK = 30
DAYS_NEEDED = 7
FAR_DAYS = 730  # beyond that a pace says nothing


class Outlook(enum.StrEnum):
    FULL = "full"
    FILLING = "filling"
    STEADY = "steady"
    TOO_SHORT = "too_short"
    UNKNOWN = "unknown"  # files lie in a bucket, whose size nobody told


@dataclass(frozen=True)
class Forecast:
    outlook: Outlook
    days_left: int | None = None
    bytes_per_day: float = 0.0
    days_known: int = 0


@dataclass(frozen=True)
class Point:
    day: dt.date
    used_bytes: int


def of(points: Sequence[Point], *, room_bytes: int | None) -> Forecast:
    """`room_bytes` is what is still free for use, the reserve taken off; None where nobody knows.

    The pace in bytes a day is the median of the slopes between all pairs of days (Theil 1950, Sen 1968): one large
    model that came or went bends it little, where it would turn a straight line through all points.
    """
    if room_bytes is None:
        return Forecast(Outlook.UNKNOWN)
    if room_bytes <= 0:
        return Forecast(Outlook.FULL, days_left=0)
    known = sorted(points, key=lambda point: point.day)[-DAYS_LOOKED_BACK:]
    days = (known[-1].day - known[0].day).days + 1 if known else 0
    if days < DAYS_NEEDED or len(known) < DAYS_NEEDED:
        return Forecast(Outlook.TOO_SHORT, days_known=len(known))
    pace = median((b.used_bytes - a.used_bytes) / (b.day - a.day).days for a, b in combinations(known, 2))
    if pace <= 0 or room_bytes / pace > FAR_DAYS:
        return Forecast(Outlook.STEADY, bytes_per_day=pace, days_known=len(known))
    return Forecast(Outlook.FILLING, days_left=int(room_bytes / pace), bytes_per_day=pace, days_known=len(known))


def sentence(found: Forecast) -> str:
    """The forecast in one sentence, with one *…* for what matters in it."""
    match found.outlook:
        case Outlook.FULL:
            return _("The disk is full: *nothing new is accepted until there is room.*")
        case Outlook.FILLING:
            pace = units.filesize(found.bytes_per_day)
            days = found.days_left or 0
            words = ngettext(
                "At this pace, %(pace)s a day, *the disk is full in %(days)s day.*",
                "At this pace, %(pace)s a day, *the disk is full in %(days)s days.*",
                days,
            )
            return words % {"pace": pace, "days": units.number(days)} if days else _("*The disk is full today*")
        case Outlook.STEADY:
            return _("The disk is not filling up: *no end in sight.*")
        case Outlook.TOO_SHORT:
            words = ngettext(
                "*It is too early for a forecast:* %(known)s of %(needed)s days are known.",
                "*It is too early for a forecast:* %(known)s of %(needed)s days are known.",
                found.days_known,
            )
            return words % {"known": found.days_known, "needed": DAYS_NEEDED}
        case Outlook.UNKNOWN:
            return _("Files lie in a bucket, *whose size only its keeper knows.*")
