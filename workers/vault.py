"""Keeps a running training's newest checkpoint in storage, so that another machine can go on from it.

On one machine with its files in a folder the checkpoints lie on the same disk already, and nothing is stored twice.
"""

import logging
import shutil
import socket
import threading
import time
from pathlib import Path

from django.conf import settings
from django.db import connections, transaction

from webapp.artifacts import actions as artifacts
from webapp.artifacts import storage
from webapp.artifacts.models import Bundle
from webapp.contract.events import Checkpointed
from webapp.fleet import queries as fleet
from webapp.jobs import journal, leases
from webapp.jobs.leases import Claim
from webapp.jobs.lifecycle import State
from webapp.runs.models import Checkpoint
from workers import folder as folders

logger = logging.getLogger(__name__)

EVERY_SECONDS = 600.0
KIND = "checkpoint"


def is_needed() -> bool:
    """Files lie elsewhere, or there is another machine that could take over."""
    return bool(settings.S3_BUCKET) or fleet.live_workers().exclude(host=socket.gethostname()).exists()


class Vault:
    """For one attempt. `offer` returns at once; what cannot be stored is logged and tried again with the next."""

    def __init__(self, claim: Claim, folder: Path) -> None:
        self._claim, self._folder = claim, folder
        self._stored_step = 0
        self._looked_at = time.monotonic()
        self._thread: threading.Thread | None = None

    def offer(self, newest: Checkpointed | None) -> None:
        """Store the newest checkpoint in the background, if the last one stored is old enough."""
        is_busy = self._thread is not None and self._thread.is_alive()
        if newest is None or is_busy or time.monotonic() - self._looked_at < EVERY_SECONDS:
            return
        self._looked_at = time.monotonic()
        self._thread = threading.Thread(target=self._store_safely, args=[newest], name="vault", daemon=True)
        self._thread.start()

    def finish(self, newest: Checkpointed | None) -> None:
        """The worker is told to stop: what is newest has to be there before the job waits for another."""
        if self._thread is not None:
            self._thread.join()
        if newest is not None and newest.step > self._stored_step:
            self._store_safely(newest)

    def _store_safely(self, checkpoint: Checkpointed) -> None:
        try:
            if is_needed():
                self._store(checkpoint)
        except Exception:
            logger.exception("checkpoint %s of %s was not stored", checkpoint.folder, self._claim.job.public_id)
        finally:
            connections.close_all()

    def _store(self, checkpoint: Checkpointed) -> None:
        # The program removes old checkpoints when it writes new ones, so its files get a second name first.
        ours = self._folder / "vault" / checkpoint.folder
        shutil.rmtree(ours, ignore_errors=True)
        ours.parent.mkdir(exist_ok=True)
        folders.link_tree(self._folder / "checkpoints" / checkpoint.folder, ours)
        files = {path.relative_to(ours).as_posix(): path for path in ours.rglob("*") if path.is_file()}
        bundle = artifacts.make_bundle(team=self._claim.job.team, kind=KIND, files=files)
        shutil.rmtree(ours)
        with transaction.atomic():
            leases.lock(claim=self._claim)
            saved = Checkpoint.objects.filter(run__job=self._claim.job)
            older = Bundle.objects.filter(pk__in=list(saved.exclude(bundle=None).values_list("bundle", flat=True)))
            saved.filter(attempt=self._claim.attempt.number, step=checkpoint.step).update(bundle=bundle)
            for old in older:
                artifacts.drop_bundle(bundle=old)
        self._stored_step = checkpoint.step


def bring_back(claim: Claim, folder: Path) -> None:
    """Where no earlier attempt on this machine left a checkpoint, take the newest from storage."""
    if any((folder / "checkpoints").iterdir()):
        return
    stored = Checkpoint.objects.filter(run__job=claim.job, deleted_at=None).exclude(bundle=None)
    newest = stored.select_related("bundle").order_by("-step").first()
    if newest is None or newest.bundle is None:
        return
    target = folder / "checkpoints" / newest.folder
    for file in newest.bundle.files.select_related("blob"):
        path = target / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        folders.link_file(storage.local_copy(sha256=file.blob.sha256, cache_dir=folders.cache()), path)
    journal.note(claim.job, "checkpoint_brought", attempt=claim.attempt.number, data={"step": newest.step})


def forget_over() -> int:
    """Checkpoints in storage of jobs that need none any more."""
    done = {State.SUCCEEDED, State.CANCELLED}
    bundles = Bundle.objects.filter(
        pk__in=Checkpoint.objects.filter(run__job__state__in=done).exclude(bundle=None).values("bundle")
    )
    for bundle in bundles:
        artifacts.drop_bundle(bundle=bundle)
    return len(bundles)
