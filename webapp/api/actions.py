"""What the API does besides answering."""

import datetime as dt

from django.utils import timezone

from webapp.api.models import IdempotencyKey

KEEP_KEYS = dt.timedelta(days=1)


def forget_keys() -> int:
    """Answers that were kept for a day; returns how many."""
    return IdempotencyKey.objects.filter(created_at__lt=timezone.now() - KEEP_KEYS).delete()[0]
