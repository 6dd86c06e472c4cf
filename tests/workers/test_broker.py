"""A real worker process and a real broker: bells, forged messages, and a broker that is away."""

import base64
import json
import os
import pickle
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis
from django.db import connection

from tests.fakes.orders import submit
from webapp.contract.spec import JobKind
from webapp.jobs import bell, recovery
from webapp.jobs.lifecycle import State
from webapp.jobs.models import Attempt, Job
from webapp.launch import broker as brokers

ROOT = Path(__file__).parents[2]
CHANNEL = "tunesmith:/0.bell/bell"


@dataclass
class Server:
    """A Valkey that can be stopped and started again."""

    broker: brokers.Broker
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(self.broker.argv, stdout=subprocess.DEVNULL)
        brokers.check(self.broker.url, wait_seconds=20)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    @property
    def client(self) -> Any:
        return redis.Redis.from_url(self.broker.url)


@pytest.fixture
def server(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Ours, not yet started; this process rings over it."""
    found = Server(brokers.choose(folder=tmp_path, redis_url=""))
    settings.REDIS_URL = found.broker.url
    celery_url = found.broker.url.replace("unix://", "redis+socket://")
    monkeypatch.setattr(bell.app.conf, "broker_url", celery_url)
    monkeypatch.setattr(bell, "_current", None)
    yield found
    found.stop()


@pytest.fixture
def start_worker(
    transactional_db: None, server: Server, tmp_path: Path
) -> Iterator[Callable[..., "subprocess.Popen[bytes]"]]:
    workers: list[subprocess.Popen[bytes]] = []

    def start(*, look_seconds: float) -> "subprocess.Popen[bytes]":
        more = {
            "TUNESMITH_STATE": str(tmp_path / "state"),
            "DATABASE_URL": database_url(),
            "REDIS_URL": server.broker.url,
            "LOOK_SECONDS": str(look_seconds),
            "LIGHT_SLOTS": "4",
        }
        command = [sys.executable, "-m", "celery", "--quiet", "-A", "tests.fakes.worker", "worker"]
        command += ["--pool", "threads", "--concurrency", "2", "--loglevel", "INFO", "-n", f"test-{os.getpid()}"]
        with (tmp_path / "worker.log").open("ab") as log:
            workers.append(subprocess.Popen(command, cwd=ROOT, env=os.environ | more, stdout=log, stderr=log))
        return workers[-1]

    yield start
    for worker in workers:
        worker.terminate()
    for worker in workers:
        assert worker.wait(30) == 0, (tmp_path / "worker.log").read_text()


def database_url() -> str:
    """That of the test database, for another process."""
    values = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{values['NAME']}"
    login = f"{values['USER']}:{values['PASSWORD']}@{values['HOST']}:{values['PORT'] or 5432}"
    return f"postgres://{login}/{values['NAME']}"


def all_are(state: State) -> bool:
    return not Job.objects.exclude(state=state).exists()


def listens(server: Server) -> bool:
    """A worker has subscribed to bells, to remote control and to gossip."""
    return server.client.pubsub_numpat() >= 3


@pytest.mark.row("F13")
@pytest.mark.row("F14")
@pytest.mark.row("S16")
def test_only_a_bell_wakes_a_worker_and_nothing_else_that_is_sent_does_harm(
    server: Server, start_worker: Callable[..., Any], team: Any, tmp_path: Path, until: Callable[..., Any]
) -> None:
    """The worker does not look by itself here, so what is done was rung for."""
    server.start()
    start_worker(look_seconds=3600)
    until(lambda: listens(server))
    job = submit(team)
    for _bell in range(5):
        assert bell.ring()
    until(lambda: all_are(State.SUCCEEDED))
    assert job.attempts.count() == 1

    marker = tmp_path / "marker"
    for message in forged(marker):
        server.client.publish(CHANNEL, message)
    submit(team)
    # A message without form makes Celery connect anew; what is rung in that moment is lost, so ring until it is heard.
    until(lambda: bell.ring() and all_are(State.SUCCEEDED))
    assert Attempt.objects.count() == 2
    assert not marker.exists()


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def forged(marker: Path) -> Iterator[str]:
    """What somebody who can write to the broker might send."""
    bomb = base64.b64encode(pickle.dumps(Bomb(marker))).decode()
    orders = base64.b64encode(json.dumps([["rm -rf /"], {"shell": True}, {}]).encode()).decode()
    empty = base64.b64encode(json.dumps([[], {}, {}]).encode()).decode()
    yield message("workers.bell", bomb, "application/x-python-serialize", "binary")
    yield message("workers.bell", orders)
    yield message("os.system", orders)
    yield message("celery.map", base64.b64encode(json.dumps([["workers.bell", [1]], {}, {}]).encode()).decode())
    yield message("workers.bell", empty, eta="not a time")
    yield "not json"
    yield json.dumps({"body": None})


def message(task: str, body: str, content_type: str = "application/json", encoding: str = "utf-8", **more: Any) -> str:
    number = str(uuid.uuid4())
    headers = {"lang": "py", "task": task, "id": number, "root_id": number, "parent_id": None, "group": None, **more}
    delivery = {"exchange": "bell", "routing_key": "bell"}
    properties = {"correlation_id": number, "delivery_mode": 2, "delivery_info": delivery, "priority": 0}
    properties |= {"body_encoding": "base64", "delivery_tag": number}
    return json.dumps(
        {"body": body, "content-encoding": encoding, "content-type": content_type, "headers": headers}
        | {"properties": properties}
    )


@pytest.mark.row("F20")
def test_a_worker_works_while_the_broker_is_away_and_hears_bells_when_it_is_back(
    server: Server, start_worker: Callable[..., Any], team: Any, until: Callable[..., Any]
) -> None:
    worker = start_worker(look_seconds=0.2)  # there is no broker yet
    submit(team)
    until(lambda: all_are(State.SUCCEEDED))
    server.start()
    until(lambda: listens(server))
    running = submit(team, JobKind.TRAIN, script={"seconds": 0.02, "steps": 100})
    until(lambda: Job.objects.get(pk=running.pk).step > 0)
    server.stop()
    submit(team)
    until(lambda: all_are(State.SUCCEEDED))
    assert Attempt.objects.count() == 3
    server.start()
    until(lambda: listens(server))
    assert worker.poll() is None


@pytest.mark.row("F21")
@pytest.mark.row("F22")
def test_a_broker_that_forgot_everything_costs_no_job(
    server: Server, start_worker: Callable[..., Any], team: Any, until: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Two run and fifty wait when all keys are lost; a bell of the housekeeping is enough."""
    server.start()
    start_worker(look_seconds=3600)
    until(lambda: listens(server))
    for _number in range(2):
        submit(team, script={"seconds": 1.0})
    bell.ring()
    until(lambda: Job.objects.filter(state=State.RUNNING).count() == 2)
    Job.objects.bulk_create(waiting_like(Job.objects.first(), 50))
    server.client.flushall()
    monkeypatch.setattr(recovery, "FORGOTTEN_AFTER", recovery.dt.timedelta(0))
    assert recovery.ring_for_forgotten()
    until(lambda: all_are(State.SUCCEEDED))
    assert Job.objects.count() == Attempt.objects.count() == 52


def waiting_like(job: Job | None, count: int) -> Iterator[Job]:
    assert job is not None
    for number in range(count):
        yield Job(
            team=job.team,
            kind=JobKind.READ,
            title=f"waiting {number}",
            spec=job.spec | {"file_name": "{}"},
            queued_at=job.created_at,
        )


@pytest.mark.row("F2")
def test_a_worker_that_was_killed_takes_its_program_with_it(
    server: Server, start_worker: Callable[..., Any], team: Any, tmp_path: Path, until: Callable[..., Any]
) -> None:
    """The fake asks for it as the real programs do."""
    worker = start_worker(look_seconds=0.2)
    job = submit(team, JobKind.TRAIN, script={"seconds": 0.1, "steps": 1000})
    until(lambda: Job.objects.get(pk=job.pk).step > 0)
    events = tmp_path / "state" / "work" / job.public_id / "1" / "events.jsonl"
    pid = json.loads(events.read_text().splitlines()[0])["pid"]
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    until(lambda: not is_alive(pid))
    worker.returncode = 0  # it did as it was told


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
