"""Writing an order down, whether or not anybody can be told of it."""

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction

from tests.fakes.orders import spec, submit
from webapp.contract import codec
from webapp.contract.spec import SPEC_VERSION, SPECS, JobKind, ReadSpec
from webapp.jobs import actions as jobs
from webapp.jobs import bell, seal
from webapp.jobs.actions import InputFile
from webapp.jobs.lifecycle import State
from webapp.jobs.models import Job

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("kind", JobKind)
def test_the_order_is_written_as_the_contract_says(kind: JobKind, team: Any, owner: Any) -> None:
    wanted = spec(kind, {})
    inputs = [InputFile(path="inputs/train.parquet", sha256="a" * 64, size_bytes=3)]
    job = jobs.submit(by=owner, team=team, kind=kind, title="a title", spec=wanted, inputs=inputs)
    job.refresh_from_db()
    assert (job.state, job.created_by, job.team, job.spec_version) == (State.QUEUED, owner, team, SPEC_VERSION)
    assert codec.from_dict(SPECS[kind], job.spec) == wanted
    assert job.inputs == [{"path": "inputs/train.parquet", "sha256": "a" * 64, "size_bytes": 3}]
    assert [event.code for event in job.events.all()] == ["queued"]


def test_an_order_of_another_kind_is_refused(team: Any) -> None:
    with pytest.raises(TypeError):
        jobs.submit(by=None, team=team, kind=JobKind.TRAIN, title="a", spec=ReadSpec())


def test_a_secret_is_not_readable_in_the_row(team: Any) -> None:
    job = submit(team, JobKind.FETCH, secret="hf_canary")
    assert "hf_canary" not in str(Job.objects.filter(pk=job.pk).values().get())
    assert seal.unseal(job.sealed_secret) == "hf_canary"


def test_the_bell_is_rung_after_the_commit_and_not_for_what_was_rolled_back(
    team: Any, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    rung: list[int] = []
    monkeypatch.setattr(bell, "ring", lambda: rung.append(Job.objects.count()))
    with django_capture_on_commit_callbacks(execute=True):
        try:
            with transaction.atomic():
                submit(team)
                raise LookupError
        except LookupError:
            pass
    assert rung == []
    with django_capture_on_commit_callbacks(execute=True):
        submit(team)
        assert rung == []
    assert rung == [1]


@pytest.fixture
def silent_broker() -> Iterator[str]:
    """Takes the connection and never answers, as a stopped server does."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"


@pytest.fixture
def absent_broker() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return f"redis://127.0.0.1:{port}/0"


@pytest.mark.row("F20")
@pytest.mark.parametrize("broker", ["silent_broker", "absent_broker"])
def test_submitting_works_and_does_not_wait_while_the_broker_is_away(
    broker: str, team: Any, settings: Any, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest,
    django_capture_on_commit_callbacks: Any,
) -> None:  # fmt: skip
    settings.REDIS_URL = url = request.getfixturevalue(broker)
    monkeypatch.setattr(bell.app.conf, "broker_url", url)
    waits: list[float | None] = []
    wait_for = threading.Condition.wait_for

    def watched(self: threading.Condition, predicate: Any, timeout: float | None = None) -> Any:
        if threading.current_thread() is threading.main_thread():
            waits.append(timeout)
        return wait_for(self, predicate, timeout)

    monkeypatch.setattr(threading.Condition, "wait_for", watched)
    monkeypatch.setattr(bell, "_current", None)
    with django_capture_on_commit_callbacks(execute=True):
        for _number in range(3):
            submit(team)
    assert Job.objects.filter(state=State.QUEUED).count() == 3
    assert waits == [bell.WAIT_SECONDS]  # once; after that the broker is known to be away
    assert bell.WAIT_SECONDS <= 0.5
