"""The threads of a worker that take jobs and see them through.

They stand beside Celery, not inside its tasks: a bell only wakes them, and they look for work by themselves as
well. So they work on while the broker is away, no task ever runs long, and the worker answers while it is busy.
"""

import logging
import threading
import time
from dataclasses import dataclass

from django.conf import settings
from django.db import DatabaseError, connections

from webapp.fleet import actions as fleet
from webapp.fleet.actions import DeviceFacts
from webapp.fleet.models import Device, Worker
from webapp.jobs import leases
from webapp.jobs.leases import Claim
from workers import cleaning, machine
from workers.machine import OnlyOne
from workers.supervisor import Supervisor

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 5.0
CLEAN_SECONDS = 60.0
PATIENCE_SECONDS = 2.0  # between two tries while the database is away
STOP_SECONDS = 58.0


@dataclass
class _Hand:
    """One job in work."""

    claim: Claim
    thread: threading.Thread


class Crew:
    """`start`, then `wake` whenever there may be work, then `stop` and `join`."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self._woken = threading.Event()
        self._hands: list[_Hand] = []
        self._worker: Worker | None = None
        self._found: list[DeviceFacts] = []
        self._devices: list[Device] = []
        self._locks: dict[int, OnlyOne] = {}  # by the device's index
        self._thread = threading.Thread(target=self._run, name="crew", daemon=True)
        self._beat_at = self._looked_at = self._cleaned_at = float("-inf")

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """There may be work; looked at once if there is room."""
        self._looked_at = float("-inf")
        self._woken.set()

    def stop(self) -> None:
        """Take nothing new, and ask every program for a checkpoint. Returns at once; may be called from a signal."""
        self.stopping.set()
        self._woken.set()

    def join(self, timeout: float = STOP_SECONDS) -> bool:
        """Wait until every job is over or put back; False when some are not."""
        if self._thread.ident is None:
            return True  # never started, as when Celery is only asked something
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self.stopping.is_set():
            try:
                self._turn()
                pause = self._seconds_to_next()
            except DatabaseError as error:
                logger.warning("the database is away, so no new work is taken: %s", error)
                pause = PATIENCE_SECONDS
            except Exception:
                logger.exception("the crew stumbled and goes on")
                pause = PATIENCE_SECONDS
            finally:
                connections.close_all()
            self._woken.wait(pause)
            self._woken.clear()
        self._leave()

    def _turn(self) -> None:
        worker = self._worker = self._worker or self._register()
        self._hands = [hand for hand in self._hands if hand.thread.is_alive()]
        now = time.monotonic()
        if now - self._beat_at >= HEARTBEAT_SECONDS:
            if not fleet.heartbeat(worker=worker, disk_free_bytes=machine.disk_free_bytes()):
                self._worker = None  # forgotten while this machine slept; be a new one
                self._woken.set()
                return
            self._beat_at = now
        if now - self._looked_at >= settings.IDLE_LOOK_SECONDS:
            self._looked_at = now
            self._take_work(worker)
        if now - self._cleaned_at >= CLEAN_SECONDS:
            self._cleaned_at = now
            cleaning.clean()

    def _register(self) -> Worker:
        self._found = self._found or machine.devices()
        self._locks = self._locks or {device.index: OnlyOne(machine.lock_file(device)) for device in self._found}
        worker = fleet.register_worker(facts=machine.worker_facts(), devices=self._found)
        self._devices = list(worker.devices.all())
        logger.info("registered as %s with %s", worker.public_id, [device.name for device in self._found])
        return worker

    def _seconds_to_next(self) -> float:
        due = min(self._beat_at + HEARTBEAT_SECONDS, self._looked_at + settings.IDLE_LOOK_SECONDS)
        return max(0.05, due - time.monotonic())

    def _take_work(self, worker: Worker) -> None:
        while not self.stopping.is_set() and not worker.is_draining:
            light_slots = settings.LIGHT_SLOTS - sum(not hand.claim.devices for hand in self._hands)
            free = self._free_devices()
            if not free and light_slots <= 0:
                return
            claim = leases.claim(worker=worker, free_devices=free, light_slots=light_slots)
            if claim is None:
                return
            self._begin(claim)

    def _free_devices(self) -> set[int]:
        """Without those that another worker of this machine still holds, as during a change of versions."""
        busy = {device.pk for hand in self._hands for device in hand.claim.devices}
        return {device.pk for device in self._devices if device.pk not in busy and self._locks[device.index].hold()}

    def _begin(self, claim: Claim) -> None:
        share = machine.cpu_count() * len(claim.devices) // max(1, len(self._devices))
        supervisor = Supervisor(claim, threads=max(1, share), stopping=self.stopping)
        thread = threading.Thread(target=self._see_through, args=[supervisor], name=claim.job.public_id, daemon=True)
        self._hands.append(_Hand(claim, thread))
        thread.start()

    def _see_through(self, supervisor: Supervisor) -> None:
        try:
            supervisor.run()
        finally:
            self.wake()

    def _leave(self) -> None:
        """Wait for the jobs to be let go of, then say goodbye."""
        for hand in self._hands:
            hand.thread.join()
        try:
            if self._worker is not None:
                fleet.worker_stopped(worker=self._worker)
        except DatabaseError as error:
            logger.warning("could not say goodbye: %s", error)
        finally:
            connections.close_all()
            for lock in self._locks.values():
                lock.release()
