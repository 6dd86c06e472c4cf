"""Everything on the team's home, gathered in a number of queries that does not grow with what is there."""

import hashlib
from dataclasses import dataclass

from webapp.accounts.models import Membership, Team
from webapp.adapters import queries as adapters
from webapp.adapters.models import Adapter
from webapp.core.findings import Finding
from webapp.core.verdict import Verdict
from webapp.dashboard import aside, needs, verdict, work
from webapp.datasets import queries as datasets
from webapp.datasets.models import Dataset
from webapp.jobs.models import State
from webapp.runs.models import Run

NEWEST = 5


@dataclass(frozen=True)
class Home:
    running: list[work.Running]
    waiting: list[work.Waiting]
    others: list[work.Other]
    needs: list[Finding]
    workers: list[aside.WorkerLine]
    newest: list[adapters.Row]
    storage: aside.Storage
    lately: list[aside.Line]
    road: "Road"

    @property
    def is_moving(self) -> bool:
        return bool(self.moving or any(other.job.is_held for other in self.others))

    @property
    def moving(self) -> int:
        """Of the runs that are shown as running, those that nobody paused."""
        return sum(item.run.job.state != State.PAUSED for item in self.running)

    @property
    def verdict(self) -> Verdict:
        return verdict.of_home(
            running=self.moving,
            paused=len(self.running) - self.moving,
            waiting=len(self.waiting),
            others=len(self.others),
            needs=len(self.needs),
            has_data=self.road.has_data,
            has_worker=bool(self.workers),
        )

    @property
    def seen(self) -> str:
        """Another one whenever something came, went, or changed its state. Ticking numbers do not change it."""
        parts = [
            [(item.run.pk, item.run.job.state, item.run.job.asked) for item in self.running],
            [(item.run.pk, item.place, item.why) for item in self.waiting],
            [(other.job.pk, other.job.state) for other in self.others],
            [str(finding.title) for finding in self.needs],
            [(line.worker.pk, line.state, line.doing) for line in self.workers],
            [row.version.pk for row in self.newest],
            [line.at for line in self.lately[:1]],
        ]
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]

    @property
    def interval(self) -> int:
        """Seconds until the page asks again."""
        return 3 if self.is_moving else 5 if self.waiting or self.others else 15


@dataclass(frozen=True)
class Road:
    """How far a team has come on its first way from a file to an adapter."""

    has_data: bool
    has_rows: bool
    has_runs: bool
    has_adapters: bool

    @property
    def step(self) -> int:
        """1: bring examples, 2: train on them, 3: take the adapter; 0 once it has been walked."""
        if self.has_adapters:
            return 0
        return 3 if self.has_runs else 2 if self.has_rows else 1


def of_member(membership: Membership) -> Home:
    """The team's home as this member sees it: reviews need those who can answer them."""
    team = membership.team
    lines = aside.workers(team)
    return Home(
        running=work.running(team),
        waiting=work.waiting(team, [line.worker for line in lines]),
        others=work.others(team),
        needs=needs.of_member(membership),
        workers=lines,
        newest=adapters.newest(team, most=NEWEST),
        storage=aside.storage(team),
        lately=aside.lately(team),
        road=_road(team),
    )


def _road(team: Team) -> Road:
    return Road(
        has_data=Dataset.objects.live().filter(team=team).exists(),
        has_rows=datasets.ready_count(team) > 0,
        has_runs=Run.objects.live().filter(team=team).exists(),
        has_adapters=Adapter.objects.live().filter(team=team).exists(),
    )
