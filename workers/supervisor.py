"""One job from claim to end: prepare its folder, run its program, and say how it ended."""

import errno
import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from django.db import InterfaceError, OperationalError, connections

from webapp.contract.events import Fault, Outcome
from webapp.contract.spec import JobKind
from webapp.jobs import leases, seal
from webapp.jobs.leases import Claim, LeaseLost
from webapp.jobs.lifecycle import Asked
from workers import folder as folders
from workers import machine, results, vault
from workers.keeper import GIVE_UP_SECONDS, Keeper
from workers.logs import Log
from workers.relay import Babble, Relay
from workers.settle import BadResult, settle
from workers.vault import Vault
from workers.watch import Watch

logger = logging.getLogger(__name__)

AGAIN_SECONDS = 1.0
NO_ROOM = {errno.ENOSPC, errno.EDQUOT}


class Stopped(Exception):
    """The worker is told to stop, and the program has not begun."""


class Supervisor:
    """Holds a claim until the job is over, put back or lost. `threads` is the program's share of the processor."""

    def __init__(self, claim: Claim, *, threads: int, stopping: threading.Event) -> None:
        self.claim = claim
        self._threads, self._stopping = threads, stopping
        self._folder = folders.path_of(claim)
        self._keeper = Keeper(claim)
        self._relay = Relay(claim, self._folder / "events.jsonl")
        self._log = Log(self._folder / "log.txt", claim.attempt)
        self._vault = Vault(claim, self._folder)
        self._oom_kills = machine.oom_kills()

    def run(self) -> None:
        """Never raises. What goes wrong here is a fault of ours and ends the job as such."""
        self._keeper.start()
        try:
            self._work()
        except LeaseLost:
            logger.info("%s is in other hands; nothing more is written about it", self.claim.job.public_id)
        except Exception as error:
            logger.exception("the supervision of %s failed", self.claim.job.public_id)
            is_full = isinstance(error, OSError) and error.errno in NO_ROOM
            self._fail(Fault.DISK_FULL if is_full else Fault.INTERNAL, {"reason": "supervision"})
        finally:
            self._keeper.stop()
            connections.close_all()

    def _work(self) -> None:
        try:
            self._keeper.cancel_without_asking(True)
            secret = seal.unseal(self.claim.job.sealed_secret)
            self._patiently(self._prepare)
        except folders.CannotPrepare as error:
            self._fail(error.fault, error.data)
        except seal.CannotUnseal as error:
            logger.error("%s: %s", self.claim.job.public_id, error)
            self._fail(Fault.INTERNAL, {"reason": "sealed"})
        except Stopped:
            self._patiently(lambda: leases.put_back(claim=self.claim))
        else:
            self._keeper.cancel_without_asking(False)
            self._run_programs(secret)

    def _prepare(self) -> None:
        folders.prepare(self.claim, threads=self._threads, check=self._check)
        vault.bring_back(self.claim, self._folder)

    def _check(self) -> None:
        self._keeper.check()
        if self._stopping.is_set():
            raise Stopped

    def _run_programs(self, secret: str) -> None:
        """Usually one. To stop and keep, a second trains no more but makes the last checkpoint into a result."""
        self._log = Log(self._folder / "log.txt", self.claim.attempt, secret=secret)
        try:
            is_last = self._keeper.asked is Asked.STOP_AND_KEEP and folders.end_at_checkpoint(self._folder)
            exit_code, was_stopped = self._run(secret, is_last=is_last)
            if not is_last and was_stopped and self._is_to_be_kept() and folders.end_at_checkpoint(self._folder):
                exit_code, was_stopped = self._run(secret, is_last=True)
        except Babble as error:
            logger.error("%s: %s", self.claim.job.public_id, error)
            self._fail(Fault.INTERNAL, {"reason": "babble"})
        else:
            self._patiently(lambda: self._conclude(exit_code, was_stopped))

    def _run(self, secret: str, *, is_last: bool) -> tuple[int, bool]:
        """Run the program to its end: its exit code, and whether it was told to stop."""
        self._relay.ended = None
        watch = Watch(
            claim=self.claim,
            folder=self._folder,
            keeper=self._keeper,
            relay=self._relay,
            log=self._log,
            vault=self._vault,
            stopping=self._stopping,
            heeds={Asked.PAUSE} if is_last else {Asked.PAUSE, Asked.STOP_AND_KEEP},
        )
        exit_code = watch.run(threads=self._threads, secret=secret)
        self._patiently(self._hear_all)
        return exit_code, watch.was_stopped

    def _hear_all(self) -> None:
        while self._relay.pump():
            pass
        self._log.store(now=True)

    def _is_to_be_kept(self) -> bool:
        """It was stopped for that and nothing else, and did not reach its end meanwhile."""
        is_wanted = self._keeper.asked is Asked.STOP_AND_KEEP and not self._stopping.is_set()
        ended = self._relay.ended
        return is_wanted and (ended is None or ended.outcome is Outcome.STOPPED)

    def _conclude(self, exit_code: int, was_stopped: bool) -> None:
        """Say how it ended. May be called again when the database went away in the midst of it."""
        ended = self._relay.ended
        asked = leases.look(claim=self.claim)
        if asked is Asked.CANCEL:
            leases.cancel(claim=self.claim)
        elif ended is None or ended.outcome is Outcome.STOPPED:
            self._rest(asked, exit_code, was_stopped)
        elif ended.outcome is Outcome.FAILED:
            self._fail(ended.fault or Fault.INTERNAL, ended.data, exit_code=exit_code)
        else:
            self._settle()

    def _rest(self, asked: Asked, exit_code: int, was_stopped: bool) -> None:
        """It ended without a result."""
        if was_stopped and asked is Asked.PAUSE:
            leases.pause(claim=self.claim)
        elif was_stopped and self._stopping.is_set():
            self._vault.finish(self._relay.checkpoint)
            leases.put_back(claim=self.claim)
        elif was_stopped and asked is Asked.STOP_AND_KEEP:
            leases.cancel(claim=self.claim)  # it was stopped before there was anything to keep
        else:
            fault, data = self._why_it_died(exit_code)
            logger.warning("%s: the program died: %s %s", self.claim.job.public_id, fault, data)
            leases.interrupt(claim=self.claim, fault=fault, data=data, exit_code=exit_code)

    def _why_it_died(self, exit_code: int) -> tuple[Fault, dict[str, Any]]:
        data: dict[str, Any] = {"signal": -exit_code} if exit_code < 0 else {"exit_code": exit_code}
        if exit_code == -9 and machine.oom_kills() > self._oom_kills:
            return Fault.OUT_OF_MEMORY, data | {"reason": "killed_by_kernel"}
        if self.claim.job.kind in {JobKind.READ, JobKind.IMPORT}:
            return Fault.BAD_FILE, data | {"cause": "reader_died"}
        return Fault.INTERNAL, data | {"reason": "program_died"}

    def _settle(self) -> None:
        """While files are stored no program runs, so a cancel is carried out by the keeper."""
        assert self._relay.ended is not None
        self._keeper.cancel_without_asking(True)
        try:
            settle(self.claim, self._folder, self._relay.ended)
        except BadResult as error:
            logger.error("%s: its result is refused: %s %s", self.claim.job.public_id, error.fault, error.data)
            self._fail(error.fault, error.data)

    def _fail(self, fault: Fault, data: Mapping[str, Any], *, exit_code: int | None = None) -> None:
        def write() -> None:
            leases.fail(claim=self.claim, fault=fault, data=data, exit_code=exit_code)
            results.tell_failed(self.claim.job)

        try:
            self._patiently(write)
        except LeaseLost:
            logger.info("%s is in other hands; its failure is not written", self.claim.job.public_id)

    def _patiently(self, act: Callable[[], None]) -> None:
        """Do it as soon as the database is there. Raises LeaseLost when it is away for too long."""
        give_up_at = time.monotonic() + GIVE_UP_SECONDS
        while True:
            try:
                return act()
            except (OperationalError, InterfaceError) as error:
                logger.warning("%s waits for the database: %s", self.claim.job.public_id, error)
                connections.close_all()
                if time.monotonic() > give_up_at:
                    raise LeaseLost(self.claim.job.public_id) from error
                self._keeper.check()
                time.sleep(AGAIN_SECONDS)
