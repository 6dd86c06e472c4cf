"""One run of a program: start it, listen to it, stop it when that is asked."""

import logging
import threading
import time
from collections.abc import Collection
from pathlib import Path

from django.db import DatabaseError, connections

from webapp.contract.spec import JobKind
from webapp.jobs.actions import CAN_PAUSE
from webapp.jobs.leases import Claim
from webapp.jobs.lifecycle import Asked
from workers.child import Child
from workers.keeper import Keeper
from workers.logs import Log
from workers.relay import Relay
from workers.vault import Vault

logger = logging.getLogger(__name__)

TICK_SECONDS = 0.2
RELAY_SECONDS = 1.0  # between two transactions, once the first moments are over
FIRST_MOMENTS_SECONDS = 10.0
CANCEL_GRACE_SECONDS = 0.8
CHECKPOINT_GRACE_SECONDS = 50.0
STOP_GRACE_SECONDS = 5.0  # for programs that leave no checkpoint


class Watch:
    """`heeds` are the wishes for which the program is stopped. `was_stopped` says afterwards whether it was."""

    def __init__(
        self,
        *,
        claim: Claim,
        folder: Path,
        keeper: Keeper,
        relay: Relay,
        log: Log,
        vault: Vault,
        stopping: threading.Event,
        heeds: Collection[Asked],
    ) -> None:
        self.was_stopped = False
        self._claim, self._folder = claim, folder
        self._keeper, self._relay, self._log, self._vault = keeper, relay, log, vault
        self._stopping, self._heeds = stopping, heeds
        self._deadline = float("inf")
        self._started = self._relayed = time.monotonic()

    def run(self, *, threads: int, secret: str) -> int:
        """Returns the exit code. Raises LeaseLost, Babble; the program has ended in any case."""
        kind = JobKind(self._claim.job.kind)
        child = Child(kind=kind, folder=self._folder, devices=self._claim.devices, threads=threads, secret=secret)
        logger.info("%s: attempt %d runs as process %d", self._claim.job, self._claim.attempt.number, child.pid)
        try:
            while (exit_code := child.exit_code()) is None:
                self._keeper.check()
                self._stop_if_asked(child)
                self._listen()
                self._keeper.changed.wait(TICK_SECONDS)
                self._keeper.changed.clear()
        finally:
            child.kill()
        return exit_code

    def _stop_if_asked(self, child: Child) -> None:
        grace = self._grace()
        if grace is None:
            return
        now = time.monotonic()
        if not self.was_stopped:
            self.was_stopped = True
            child.ask_to_stop()
        self._deadline = min(self._deadline, now + grace)
        if now >= self._deadline:
            child.kill()

    def _grace(self) -> float | None:
        """How long the program may take to stop; None while nobody wants it to."""
        asked = self._keeper.asked
        if asked is Asked.CANCEL:
            return CANCEL_GRACE_SECONDS
        if self._stopping.is_set() or asked in self._heeds:
            return CHECKPOINT_GRACE_SECONDS if self._claim.job.kind in CAN_PAUSE else STOP_GRACE_SECONDS
        return None

    def _listen(self) -> None:
        """Relay what is new. While the database is away it waits in the file."""
        now = time.monotonic()
        is_early = now - self._started < FIRST_MOMENTS_SECONDS
        if not is_early and now - self._relayed < RELAY_SECONDS:
            return
        self._relayed = now
        try:
            while self._relay.pump():
                pass
            self._log.store()
            self._vault.offer(self._relay.checkpoint)
        except DatabaseError as error:
            logger.warning("%s: its events wait until the database is back: %s", self._claim.job, error)
        finally:
            connections.close_all()
