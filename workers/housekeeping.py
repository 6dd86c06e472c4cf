"""`python -m workers.housekeeping`: looks every few seconds for what went wrong or lies about.

A loop of its own and not a schedule in Celery: it has to work while the broker is away, and a row in the database
sees to it that of several such processes one works at a time (docs/decisions/).
"""

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
django.setup()

from django.conf import settings  # noqa: E402 - models can be imported only now
from django.core.management import call_command  # noqa: E402
from django.db import DatabaseError, InterfaceError, OperationalError, connections  # noqa: E402

from webapp.adapters import actions as adapters  # noqa: E402
from webapp.api import actions as api  # noqa: E402
from webapp.artifacts import actions as artifacts  # noqa: E402
from webapp.basemodels import actions as basemodels  # noqa: E402
from webapp.datasets import actions as datasets  # noqa: E402
from webapp.datasets import removing  # noqa: E402
from webapp.evaluation import actions as evaluation  # noqa: E402
from webapp.fleet import actions as fleet  # noqa: E402
from webapp.jobs import queries as job_queries  # noqa: E402
from webapp.jobs import recovery  # noqa: E402
from webapp.jobs.lifecycle import State  # noqa: E402
from webapp.runs import actions as runs  # noqa: E402
from webapp.storekeeper import actions as storekeeper  # noqa: E402
from workers import results, vault  # noqa: E402

logger = logging.getLogger(__name__)

DUTY = "housekeeping"
DUTY_SECONDS = 20.0
SWEEPING = "sweeping"
SWEEPING_SECONDS = 3600.0  # longer than any one sweep takes; who leaves in order hands it over at once
SWEEP_SECONDS = 600.0
LEAVE_SECONDS = 5.0


def _holder() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


class Housekeeper:
    """`turn` is one look. It judges no worker before it saw the database for one whole lease without a break."""

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._holder = _holder()
        self._watching_since = self._last_turn = float("-inf")

    def turn(self) -> bool:
        """False when another process is on duty."""
        now = self._clock()
        if not recovery.hold_duty(name=DUTY, holder=self._holder, seconds=DUTY_SECONDS):
            self._last_turn = float("-inf")
            return False
        if now - self._last_turn > settings.LEASE_SECONDS or now < self._last_turn:
            # The database, this process or the whole machine was away: workers get a chance to renew first.
            self._watching_since = now
        self._last_turn = now
        self._find_lost(is_sure=now - self._watching_since >= settings.LEASE_SECONDS)
        self._settle_interrupted()
        recovery.ring_for_forgotten()
        return True

    def _find_lost(self, *, is_sure: bool) -> None:
        stopped = fleet.stop_silent() if is_sure else 0
        if stopped:
            logger.warning("%d workers were silent for too long and are called stopped", stopped)
        for job in recovery.interrupt_lost(judge_leases=is_sure):
            logger.warning("%s lost its worker", job.public_id)
        recovery.free_devices()

    def _settle_interrupted(self) -> None:
        for job in recovery.settle_interrupted():
            logger.info("%s was interrupted and is %s now", job.public_id, job.state)
            if job.state == State.FAILED:
                results.tell_failed(job)

    def leave(self) -> None:
        recovery.leave_duty(name=DUTY, holder=self._holder)


class Sweeper:
    """Does what is due once in a while in a thread of its own, under a duty of its own.

    Removing much from a distant storage takes long, and lost jobs are not to wait for it.
    """

    def __init__(self, stopping: threading.Event) -> None:
        self._stopping, self._holder = stopping, _holder()
        self._thread = threading.Thread(target=self._go_on, name="sweeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def leave(self) -> None:
        """Every sweep can be broken off and begun anew, so a long one is not waited for."""
        self._thread.join(LEAVE_SECONDS)

    def _go_on(self) -> None:
        while not self._stopping.is_set():
            self._guarded(self.turn)
            self._stopping.wait(SWEEP_SECONDS)
        self._guarded(lambda: recovery.leave_duty(name=SWEEPING, holder=self._holder))

    def _guarded(self, step: Callable[[], object]) -> None:
        try:
            step()
        except DatabaseError as error:
            logger.warning("sweeping waits, the database is away: %s", error)
        except Exception:
            logger.exception("sweeping stumbled and goes on")
        finally:
            connections.close_all()

    def turn(self) -> bool:
        """Sweep once. False when another process is on duty; what fails does not keep the others from being done."""
        for task in SWEEPS:
            if not recovery.hold_duty(name=SWEEPING, holder=self._holder, seconds=SWEEPING_SECONDS):
                return False
            if self._stopping.is_set():
                break
            try:
                task()
            except (InterfaceError, OperationalError):
                raise
            except Exception:
                logger.exception("%s failed", task.__qualname__)
        return True


def collect_unused() -> None:
    """What a job that has not ended reads stays, whatever became of the rows that named it."""
    artifacts.collect_unused(needed=job_queries.needed_contents())


def clear_sessions() -> None:
    call_command("clearsessions")


# What uses something comes before what is used.
SWEEPS: tuple[Callable[[], object], ...] = (
    vault.forget_over,
    storekeeper.apply_rules,
    evaluation.purge,
    adapters.purge,
    adapters.purge_imports,
    runs.purge_checkpoints,
    runs.purge,
    runs.purge_recipes,
    removing.purge_versions,
    datasets.purge,
    basemodels.purge,
    artifacts.expire_uploads,
    artifacts.drop_orphans,
    collect_unused,
    storekeeper.take_sample,
    fleet.forget_stopped,
    api.forget_keys,
    clear_sessions,
)


def run(stopping: threading.Event) -> None:
    keeper, sweeper = Housekeeper(), Sweeper(stopping)
    sweeper.start()
    while not stopping.is_set():
        try:
            keeper.turn()
        except DatabaseError as error:
            logger.warning("the database is away: %s", error)
        except Exception:
            logger.exception("housekeeping stumbled and goes on")
        finally:
            connections.close_all()
        stopping.wait(settings.HOUSEKEEPING_SECONDS)
    sweeper.leave()
    try:
        keeper.leave()
    except DatabaseError as error:
        logger.warning("could not hand the duty over: %s", error)


if __name__ == "__main__":
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    run(stop)
