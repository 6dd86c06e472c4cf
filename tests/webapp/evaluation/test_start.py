"""Ordering a report: what the engine gets, and when there is nothing fair to measure on."""

from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404

from tests.webapp.at_once import at_once
from tests.webapp.workshop import Workshop
from webapp.contract import codec
from webapp.contract.spec import EvaluateSpec, JobKind
from webapp.core.faults import UserFault
from webapp.evaluation import actions
from webapp.evaluation.models import Report
from webapp.jobs.models import Job, State
from webapp.lineage.models import Edge


def test_the_order_names_base_adapter_and_held_out_rows_at_the_places_that_its_spec_says(workshop: Workshop) -> None:
    version = workshop.adapter("tickets")
    report = actions.start(by=None, version=version)
    assert report is not None
    job = report.job
    spec = codec.from_dict(EvaluateSpec, job.spec)
    assert job.kind == JobKind.EVALUATE
    assert (spec.base.name, spec.base.revision) == (version.base_model.name, version.base_model.revision)
    assert spec.max_length == version.run.config["max_length"]
    hashes = {item["path"]: item["sha256"] for item in job.inputs}
    assert set(hashes) == {
        "inputs/base/model.safetensors",
        "inputs/adapter/adapter_model.safetensors",
        "inputs/adapter/adapter_config.json",
        "inputs/adapter/chat_template.jinja",
        "inputs/validation.parquet",
    }
    assert spec.dataset.validation_path == "inputs/validation.parquet"
    assert hashes["inputs/adapter/adapter_model.safetensors"] == version.sha256


def test_a_report_waits_behind_trainings_and_needs_the_device_of_its_run(workshop: Workshop) -> None:
    report = actions.start(by=None, version=workshop.adapter("tickets"))
    assert report is not None
    assert report.job.priority < 0
    assert (report.job.needs_devices, report.job.needs_memory_bytes) == (1, report.version.run.job.needs_memory_bytes)
    assert Edge.objects.filter(source=report.version.public_id, target=report.public_id, relation="measured").exists()


def test_a_run_that_held_no_rows_back_is_not_measured(workshop: Workshop) -> None:
    without = workshop.version("Short notes", validation_rows=0)
    version = workshop.adapter("blind", dataset_version=without)
    assert actions.start(by=None, version=version) is None
    assert not Report.objects.exists() and not Job.objects.filter(kind="evaluate").exists()
    with pytest.raises(UserFault, match="held"):
        actions.again(by=workshop.by, version=version)


def test_one_report_at_a_time_and_another_after_it(workshop: Workshop) -> None:
    version = workshop.adapter("tickets")
    first = actions.again(by=workshop.by, version=version)
    with pytest.raises(UserFault, match="being measured already"):
        actions.again(by=workshop.by, version=version)
    Job.objects.filter(pk=first.job_id).update(state=State.FAILED)
    assert actions.again(by=workshop.by, version=version).pk != first.pk


@pytest.mark.django_db(transaction=True)
def test_of_two_who_ask_at_once_one_gets_a_report(workshop: Workshop) -> None:
    version = workshop.adapter("tickets")
    done = at_once([lambda: actions.again(by=workshop.by, version=version)] * 2)
    assert sorted(type(one).__name__ for one in done) == ["Report", "UserFault"]
    assert Report.objects.count() == 1


def test_who_may_not_train_orders_no_report(workshop: Workshop, viewer: Any, stranger: Any) -> None:
    version = workshop.adapter("tickets")
    with pytest.raises(PermissionDenied):
        actions.start(by=viewer, version=version)
    with pytest.raises(Http404):
        actions.start(by=stranger, version=version)
