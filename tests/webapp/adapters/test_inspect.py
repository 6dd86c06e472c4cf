"""Looking inside: who may order it, what the order names, what is kept of it, and what goes with the version."""

import datetime as dt
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils import timezone

from tests.webapp.workshop import Workshop, inside
from webapp.accounts.models import Team
from webapp.adapters import actions
from webapp.adapters.actions import inspecting
from webapp.adapters.models import Adapter, AdapterVersion, Anatomy, Compression
from webapp.artifacts.models import Bundle
from webapp.contract import codec
from webapp.contract.spec import InspectSpec
from webapp.core.faults import UserFault
from webapp.jobs.models import Job, State


@pytest.fixture
def workshop(team: Team, trainer: Any) -> Workshop:
    return Workshop(team=team, by=trainer)


@pytest.fixture
def tickets(workshop: Workshop) -> AdapterVersion:
    return workshop.adapter("tickets")


def bundle(team: Team) -> Bundle:
    return Bundle.objects.create(team=team, kind="anatomy", manifest_sha256="f" * 64, size_bytes=1)


def test_a_look_needs_no_device_and_brings_adapter_and_base(tickets: AdapterVersion, trainer: Any) -> None:
    job = actions.inspect(by=trainer, version=tickets).job
    assert job is not None
    assert (job.kind, job.needs_devices, job.state) == ("inspect", 0, State.QUEUED)
    assert codec.from_dict(InspectSpec, job.spec).base is not None
    paths = [item["path"] for item in job.inputs]
    assert "inputs/adapter/adapter_model.safetensors" in paths and "inputs/base/model.safetensors" in paths


def test_a_base_too_large_to_bring_is_left_where_it_is(tickets: AdapterVersion, trainer: Any) -> None:
    tickets.base_model.size_bytes = inspecting.BASE_LIMIT_BYTES + 1
    job = actions.inspect(by=trainer, version=tickets).job
    assert job is not None and job.spec["base"] is None
    assert not [item for item in job.inputs if "base" in item["path"]]


def test_a_second_look_waits_for_the_first_and_takes_its_place_after_that(
    tickets: AdapterVersion, trainer: Any
) -> None:
    first = actions.inspect(by=trainer, version=tickets)
    with pytest.raises(UserFault, match="under way"):
        actions.inspect(by=trainer, version=tickets)
    Job.objects.filter(pk=first.job_id).update(state=State.FAILED)
    second = actions.inspect(by=trainer, version=tickets)
    assert (second.pk, second.job_id != first.job_id) == (first.pk, True)
    assert not Job.objects.filter(pk=first.job_id).exists()


def test_what_was_found_is_kept_and_an_older_finding_s_file_goes(tickets: AdapterVersion, team: Team) -> None:
    summary, modules = inside(layers=2)
    look = actions.inspect(by=None, version=tickets)
    assert look.job is not None
    old, new = bundle(team), bundle(team)
    Anatomy.objects.update(bundle=old)
    actions.finish_inspection(job=look.job, bundle=new, found=summary | {"modules": modules})
    found = Anatomy.objects.get(version=tickets)
    assert (found.summary["behaves_as"], len(found.modules)) == (4, 14)
    assert "modules" not in found.summary
    assert list(Bundle.objects.filter(kind="anatomy")) == [new]


def test_only_who_may_train_orders_a_look(tickets: AdapterVersion, viewer: Any, stranger: Any) -> None:
    with pytest.raises(PermissionDenied):
        actions.inspect(by=viewer, version=tickets)
    with pytest.raises(Http404):
        actions.inspect(by=stranger, version=tickets)
    assert not Anatomy.objects.exists()


def test_looks_and_orders_go_for_good_with_the_adapter(workshop: Workshop, tickets: AdapterVersion) -> None:
    look = workshop.look_inside(tickets)
    cut = workshop.compression(tickets, State.RUNNING)
    actions.delete(by=None, adapter=tickets.adapter)
    Adapter.objects.update(deleted_at=timezone.now() - dt.timedelta(days=30))
    assert actions.purge() == 0  # one is under way, and is cancelled first
    cut.job.refresh_from_db()
    assert cut.job.asked == "cancel"
    Job.objects.filter(pk=cut.job_id).update(state=State.CANCELLED)
    assert actions.purge() == 1
    assert not Anatomy.objects.exists() and not Compression.objects.exists()
    assert not Job.objects.filter(pk__in=[look.job_id, cut.job_id]).exists()
