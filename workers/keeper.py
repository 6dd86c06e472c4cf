"""Holds on to a job while something else works on it: renews the lease, and looks what was asked."""

import logging
import threading
import time

from django.conf import settings
from django.db import DatabaseError, connections

from webapp.jobs import leases
from webapp.jobs.leases import Claim, LeaseLost
from webapp.jobs.lifecycle import Asked

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.4
GIVE_UP_SECONDS = 600.0  # without the database


class Keeper:
    """A thread beside the one that does the work, so that no long copy and no slow storage costs the lease."""

    def __init__(self, claim: Claim) -> None:
        self.asked = Asked(claim.job.asked)
        self.is_lost = False
        self.changed = threading.Event()
        self._claim = claim
        self._cancels_itself = threading.Event()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"keeper of {claim.job.public_id}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._done.set()
        self._thread.join()

    def cancel_without_asking(self, may: bool) -> None:
        """While no program runs there is nobody to stop first, so a cancel is carried out here and at once."""
        (self._cancels_itself.set if may else self._cancels_itself.clear)()

    def check(self) -> None:
        """Raises LeaseLost when the job is no longer ours."""
        if self.is_lost:
            raise LeaseLost(self._claim.job.public_id)

    def _run(self) -> None:
        last_contact, renewed = time.monotonic(), 0.0
        while not self.is_lost and not self._done.wait(LOOK_SECONDS):
            try:
                is_due = time.monotonic() - renewed >= settings.LEASE_RENEWAL_SECONDS
                asked = (leases.renew if is_due else leases.look)(claim=self._claim)
                last_contact = time.monotonic()
                renewed = last_contact if is_due else renewed
                self._heed(asked)
            except LeaseLost:
                self._lose("it is in other hands")
            except DatabaseError as error:
                silent_seconds = time.monotonic() - last_contact
                logger.warning(
                    "%s: no contact with the database for %.0f s: %s", self._claim.job, silent_seconds, error
                )
                if silent_seconds > GIVE_UP_SECONDS:
                    self._lose("the database is away for too long")
            finally:
                connections.close_all()

    def _heed(self, asked: Asked) -> None:
        if asked is Asked.CANCEL and self._cancels_itself.is_set():
            leases.cancel(claim=self._claim)
            self._lose("it was cancelled")
        elif asked is not self.asked:
            self.asked = asked
            self.changed.set()

    def _lose(self, why: str) -> None:
        logger.info("letting go of %s: %s", self._claim.job.public_id, why)
        self.is_lost = True
        self.changed.set()
