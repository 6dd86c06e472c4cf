"""Removes what jobs left on this machine's disk and nobody needs any more."""

import logging
import shutil
import time
from pathlib import Path

from django.utils import timezone

from webapp.jobs.lifecycle import FAILED_KEPT, State
from webapp.jobs.models import Job
from workers import folder as folders

logger = logging.getLogger(__name__)

KEEP_UNUSED_SECONDS = 24 * 3600.0  # inputs, for the next job that needs them
KEPT_ATTEMPTS = 2


def clean() -> None:
    """Folders of jobs that are over, of earlier attempts, and inputs that no job has used for a day."""
    if folders.root().is_dir():
        for folder in folders.root().iterdir():
            _clean_job(folder)
    _clean_cache()


def _clean_job(folder: Path) -> None:
    job = Job.objects.filter(public_id=folder.name).only("state", "finished_at").first()
    if job is None or _needs_nothing(job):
        logger.info("removing the work folder of %s", folder.name)
        shutil.rmtree(folder, ignore_errors=True)
        return
    attempts = sorted((path for path in folder.iterdir() if path.name.isdecimal()), key=lambda path: int(path.name))
    for attempt in attempts[:-KEPT_ATTEMPTS]:
        shutil.rmtree(attempt, ignore_errors=True)


def _needs_nothing(job: Job) -> bool:
    """The folder's own time would not do for a failed one: it is that of the attempt's beginning."""
    if job.state == State.FAILED:
        return job.finished_at is not None and job.finished_at < timezone.now() - FAILED_KEPT
    return job.is_over


def _clean_cache() -> None:
    """Using a file means to give it one more name, which its change time shows. Jobs keep the names they have."""
    horizon = time.time() - KEEP_UNUSED_SECONDS
    for path in folders.cache().glob("*/*"):
        if path.lstat().st_ctime < horizon:
            path.unlink(missing_ok=True)
