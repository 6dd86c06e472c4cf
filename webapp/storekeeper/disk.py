"""The disk on which stored files lie."""

import shutil
from dataclasses import dataclass

from django.conf import settings

from webapp.storekeeper import forecast
from webapp.storekeeper.forecast import Forecast, Outlook
from webapp.storekeeper.models import DiskSample

WARN_DAYS = 14
WARN_SHARE = 0.1  # of the disk


@dataclass(frozen=True)
class Disk:
    """None in its numbers where files lie in a bucket."""

    total_bytes: int | None
    free_bytes: int | None
    forecast: Forecast

    @property
    def used_bytes(self) -> int:
        return (self.total_bytes or 0) - (self.free_bytes or 0)

    @property
    def is_worrying(self) -> bool:
        """Full, nearly full, or soon."""
        if self.total_bytes is None or self.free_bytes is None:
            return False
        days = self.forecast.days_left
        is_soon = days is not None and days <= WARN_DAYS
        return is_soon or self.forecast.outlook is Outlook.FULL or self.free_bytes < WARN_SHARE * self.total_bytes


def look() -> Disk:
    if settings.S3_BUCKET:
        return Disk(None, None, forecast.of([], room_bytes=None))
    folder = settings.FILES_DIR if settings.FILES_DIR.exists() else settings.STATE_DIR
    usage = shutil.disk_usage(folder)
    newest = DiskSample.objects.order_by("-day")[: forecast.DAYS_LOOKED_BACK]
    points = [forecast.Point(sample.day, sample.used_bytes) for sample in newest]
    room_bytes = usage.free - settings.DISK_RESERVE_BYTES
    return Disk(usage.total, usage.free, forecast.of(points, room_bytes=room_bytes))
