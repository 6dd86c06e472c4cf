"""The threads that take jobs: two lanes, bells, draining, and leaving in order."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.orders import submit
from tests.workers.conftest import PATIENCE_SECONDS, Workshop
from webapp.contract.spec import JobKind
from webapp.fleet.actions import DeviceFacts
from webapp.fleet.models import Device, Worker
from webapp.jobs.lifecycle import State
from webapp.jobs.models import Job
from workers import crew as crews
from workers import machine
from workers.crew import Crew
from workers.machine import OnlyOne


@pytest.fixture
def crew(
    workshop: Workshop, settings: Any, monkeypatch: pytest.MonkeyPatch, until: Callable[..., Any]
) -> Iterator[Crew]:
    """It looks for work by itself only when it is rung for or after a job."""
    settings.IDLE_LOOK_SECONDS = 3600.0
    monkeypatch.setattr(machine, "_gpus", list)
    found = Crew()
    found.start()
    until(lambda: found._looked_at > 0)  # its first look is over
    yield found
    found.stop()
    assert found.join(PATIENCE_SECONDS)


def states(*jobs: Job) -> list[str]:
    return [Job.objects.get(pk=job.pk).state for job in jobs]


def test_a_machine_without_gpu_offers_its_processor(crew: Crew, until: Callable[..., Any]) -> None:
    here = Worker.objects.get()
    device = here.devices.get()
    assert (device.kind, device.memory_bytes) == (Device.Kind.CPU, here.memory_bytes)
    assert device.matmul_flops == 1e9
    assert here.disk_free_bytes > 0


@pytest.mark.row("F13")
def test_many_bells_for_one_job_make_one_attempt(crew: Crew, team: Any, until: Callable[..., Any]) -> None:
    job = submit(team)
    for _bell in range(5):
        crew.wake()
    until(lambda: states(job) == [State.SUCCEEDED])
    assert job.attempts.count() == 1


@pytest.mark.row("F14")
def test_a_bell_without_work_does_no_harm(crew: Crew, team: Any, until: Callable[..., Any]) -> None:
    submit(team).delete()
    crew.wake()
    job = submit(team)
    crew.wake()
    until(lambda: states(job) == [State.SUCCEEDED])


def test_the_next_job_is_taken_when_one_ends_without_another_bell(
    crew: Crew, team: Any, until: Callable[..., Any]
) -> None:
    jobs = [submit(team, JobKind.TRAIN) for _number in range(3)]
    crew.wake()
    until(lambda: states(*jobs) == [State.SUCCEEDED] * 3)


def test_readings_are_done_while_a_training_has_the_device(crew: Crew, team: Any, until: Callable[..., Any]) -> None:
    training = submit(team, JobKind.TRAIN, script={"seconds": 0.1, "steps": 1000})
    waiting = submit(team, JobKind.TRAIN)
    readings = [submit(team) for _number in range(3)]
    crew.wake()
    until(lambda: states(*readings) == [State.SUCCEEDED] * 3)
    assert Job.objects.get(pk=training.pk).is_held
    assert states(waiting) == [State.QUEUED]


def test_a_drained_worker_finishes_and_takes_nothing_new(
    crew: Crew, team: Any, until: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crews, "HEARTBEAT_SECONDS", 0.0)
    running = submit(team, script={"seconds": 0.5})
    crew.wake()
    until(lambda: Job.objects.get(pk=running.pk).is_held)
    Worker.objects.update(is_draining=True)
    until(lambda: crew._worker is not None and crew._worker.is_draining)
    late = submit(team)
    crew.wake()
    until(lambda: states(running) == [State.SUCCEEDED])
    assert states(late) == [State.QUEUED]
    Worker.objects.update(is_draining=False)
    until(lambda: crew.wake() or states(late) == [State.SUCCEEDED])


@pytest.mark.row("F25")
def test_a_worker_that_leaves_puts_its_jobs_back_and_says_goodbye(
    crew: Crew, team: Any, until: Callable[..., Any]
) -> None:
    jobs = [submit(team, JobKind.TRAIN, script={"seconds": 0.05, "steps": 1000}), submit(team, script={"seconds": 60})]
    crew.wake()
    until(lambda: states(*jobs) == [State.RUNNING] * 2)
    crew.stop()
    assert crew.join(PATIENCE_SECONDS)
    assert states(*jobs) == [State.QUEUED] * 2
    assert Worker.objects.get().stopped_at is not None


def test_a_worker_that_was_forgotten_registers_anew(
    crew: Crew, until: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = until(Worker.objects.first)
    monkeypatch.setattr(crews, "HEARTBEAT_SECONDS", 0.0)
    first.delete()
    crew.wake()
    assert until(Worker.objects.first).public_id != first.public_id


def test_a_crew_stumbles_over_a_fault_and_goes_on(
    crew: Crew, team: Any, until: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    stumbled = threading.Event()

    def stumble() -> None:
        stumbled.set()
        raise LookupError("a fault of ours")

    monkeypatch.setattr(crews, "PATIENCE_SECONDS", 0.05)
    with monkeypatch.context() as fault:
        fault.setattr(crews.leases, "claim", lambda **_arguments: stumble())
        job = submit(team)
        crew.wake()
        assert stumbled.wait(PATIENCE_SECONDS)
    until(lambda: crew.wake() or states(job) == [State.SUCCEEDED])


def test_two_workers_of_one_machine_do_not_share_a_device(tmp_path: Path) -> None:
    first, second = OnlyOne(tmp_path / "lock"), OnlyOne(tmp_path / "lock")
    assert first.hold() and first.hold()
    assert not second.hold()
    first.release()
    assert second.hold()


def test_a_worker_for_the_cards_trains_beside_one_for_the_processor(
    crew: Crew, settings: Any, team: Any, monkeypatch: pytest.MonkeyPatch, until: Callable[..., Any]
) -> None:
    card = DeviceFacts(index=0, kind=Device.Kind.CUDA, name="H200", memory_bytes=1, uuid="GPU-1")
    monkeypatch.setattr(machine, "devices", lambda: [card])
    beside, again = Crew(), Crew()
    for each in (beside, again):
        each._worker = each._register()
    assert crew._free_devices() and beside._free_devices()
    assert again._free_devices() == set()
    beside._leave()
    assert again._free_devices()
    again._leave()
