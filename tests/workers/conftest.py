"""A workshop: a state folder, programs that are played, and apps that only remember what they were handed."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from webapp.contract.spec import JobKind
from webapp.jobs.leases import Claim
from webapp.jobs.models import Job
from workers import child, machine, results
from workers.results import Result
from workers.supervisor import Supervisor

PATIENCE_SECONDS = 60.0


@dataclass
class Workshop:
    """`handed_over` are the results that apps were given, `told` the jobs whose failure they heard of."""

    state: Path
    handed_over: list[Result] = field(default_factory=list)
    told: list[Job] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)

    def folder(self, job: Job, attempt: int = 1) -> Path:
        return self.state / "work" / job.public_id / str(attempt)

    def see_through(self, claim: Claim) -> Job:
        """Supervise a job to its end, in this thread."""
        Supervisor(claim, threads=1, stopping=self.stopping).run()
        claim.job.refresh_from_db()
        return claim.job

    def begin(self, claim: Claim) -> Callable[[], Job]:
        """Supervise a job in a thread; the answer waits for its end."""
        supervisor = Supervisor(claim, threads=1, stopping=self.stopping)
        thread = threading.Thread(target=supervisor.run)
        self.threads.append(thread)
        thread.start()

        def end() -> Job:
            thread.join(PATIENCE_SECONDS)
            assert not thread.is_alive(), "the supervisor did not end"
            claim.job.refresh_from_db()
            return claim.job

        return end


@pytest.fixture
def workshop(
    transactional_db: None, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Workshop]:
    settings.STATE_DIR = tmp_path
    shop = Workshop(tmp_path)
    monkeypatch.setattr(child, "PROGRAMS", dict.fromkeys(JobKind, "tests.fakes.engine"))
    monkeypatch.setattr(results, "hand_over", shop.handed_over.append)
    monkeypatch.setattr(results, "tell_failed", shop.told.append)
    monkeypatch.setattr(machine, "_probe", lambda device: {"flops_float32": 1e9})
    yield shop
    shop.stopping.set()
    for thread in shop.threads:
        thread.join(PATIENCE_SECONDS)


@pytest.fixture
def until() -> Callable[[Callable[[], Any]], Any]:
    """Look again and again until something is so, and return it; fail when it takes unreasonably long."""

    def wait(condition: Callable[[], Any]) -> Any:
        pause = threading.Event()
        for _look in range(int(PATIENCE_SECONDS / 0.02)):
            if found := condition():
                return found
            pause.wait(0.02)
        raise AssertionError("it did not come to be")

    return wait


@pytest.fixture(autouse=True)
def _leave_no_connection() -> Iterator[None]:
    yield
    connections.close_all()
