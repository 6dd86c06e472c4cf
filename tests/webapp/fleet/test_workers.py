"""What workers say about themselves."""

import datetime as dt
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from tests.fakes.orders import worker
from webapp.audit.models import Event
from webapp.fleet import actions, queries
from webapp.fleet.models import Device, Worker

pytestmark = pytest.mark.django_db


def test_a_new_process_with_the_number_of_an_old_one_is_another_worker() -> None:
    old, new = worker(pid=7), worker(pid=7)
    old.refresh_from_db()
    assert old.stopped_at is not None
    assert list(queries.live_workers()) == [new]


def test_a_worker_that_exited_is_not_live_and_its_neighbour_is() -> None:
    gone, here = worker(pid=7), worker(pid=8)
    assert actions.worker_exited(host=gone.host, pid=7) == 1
    assert actions.worker_exited(host="elsewhere", pid=8) == 0
    assert list(queries.live_workers()) == [here]
    assert set(queries.live_devices()) == set(here.devices.all())


def test_silence_ends_a_worker_and_a_heartbeat_brings_it_back() -> None:
    here = worker()
    Worker.objects.update(seen_at=timezone.now() - queries.SILENT_AFTER - dt.timedelta(seconds=1))
    assert actions.stop_silent() == 1
    assert list(queries.live_workers()) == []
    assert actions.heartbeat(worker=here, disk_free_bytes=5)
    assert list(queries.live_workers()) == [here]
    here.refresh_from_db()
    assert here.disk_free_bytes == 5


def test_a_worker_that_speaks_is_not_called_silent() -> None:
    worker()
    assert actions.stop_silent() == 0


def test_a_heartbeat_tells_the_worker_that_it_is_drained(administrator: Any) -> None:
    here = worker()
    actions.drain(by=administrator, worker=Worker.objects.get())
    actions.heartbeat(worker=here, disk_free_bytes=5)
    assert here.is_draining


def test_a_worker_whose_row_is_gone_is_told_so() -> None:
    here = worker()
    Worker.objects.all().delete()
    assert not actions.heartbeat(worker=here, disk_free_bytes=5)


def test_rows_of_ended_workers_are_forgotten_after_a_while() -> None:
    worker(pid=1), worker(pid=2), worker(pid=3)
    Worker.objects.filter(pid=1).update(stopped_at=timezone.now() - actions.KEEP_STOPPED - dt.timedelta(minutes=1))
    Worker.objects.filter(pid=2).update(stopped_at=timezone.now())
    actions.forget_stopped()
    assert set(Worker.objects.values_list("pid", flat=True)) == {2, 3}


def test_draining_is_for_administrators_and_on_record(administrator: Any, owner: Any) -> None:
    here = worker()
    with pytest.raises(PermissionDenied):
        actions.drain(by=owner, worker=here)
    actions.drain(by=administrator, worker=here)
    actions.drain(by=administrator, worker=here)
    actions.undrain(by=administrator, worker=here)
    verbs = Event.objects.filter(object_id=here.public_id).order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == ["worker.drained", "worker.undrained"]


def test_what_a_job_took_is_remembered_for_such_devices() -> None:
    worker()
    actions.measure(device_name="device 0", kind="train", features={"steps": 3}, seconds=1.5)
    actions.measure(device_name="device 1", kind="train", features={}, seconds=9.0)
    found = queries.measurements(device_name="device 0", kind="train")
    assert [(row.seconds, row.features) for row in found] == [(1.5, {"steps": 3})]
    assert Device.objects.count() == 1
