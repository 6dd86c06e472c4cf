"""Writes down what happened to a job, as codes with data; words.py turns them into sentences."""

from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from webapp.jobs.models import Job, JobEvent


def note(
    job: Job, code: str, *, attempt: int = 0, data: Mapping[str, Any] | None = None, is_warning: bool = False
) -> JobEvent:
    """Something that the web tier or a worker did, in contrast to what the program said."""
    return JobEvent.objects.create(
        job=job, attempt=attempt, at=timezone.now(), code=code, data=dict(data or {}), is_warning=is_warning
    )
