"""Reports go with the adapter that they measured."""

import datetime as dt

import pytest
from django.utils import timezone

from webapp.adapters import actions as adapters
from webapp.adapters.models import Adapter
from webapp.artifacts.models import Bundle
from webapp.evaluation import actions
from webapp.evaluation.models import Report
from webapp.jobs.models import Job, State

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(workshop):
    return workshop.adapter("tone")


def lie_in_trash(days=8):
    Adapter.objects.update(deleted_at=timezone.now() - dt.timedelta(days=days))


def test_a_purged_adapter_takes_its_reports_their_files_and_their_jobs_along(workshop, version):
    workshop.report(version)
    workshop.report(version, State.FAILED)
    lie_in_trash(days=6)
    assert actions.purge() == 0
    lie_in_trash()
    assert adapters.purge() == 0  # the reports would leave their files and jobs behind
    assert (actions.purge(), adapters.purge()) == (2, 1)
    assert not Report.objects.exists() and not Job.objects.filter(kind="evaluate").exists()
    assert not Bundle.objects.filter(kind__in=["report", "adapter"]).exists()


def test_a_report_that_is_still_being_made_is_cancelled_first(workshop, version):
    report = workshop.report(version, State.RUNNING)
    lie_in_trash()
    assert (actions.purge(), adapters.purge()) == (0, 0)
    report.job.refresh_from_db()
    assert report.job.asked == "cancel"
    Job.objects.filter(pk=report.job_id).update(state=State.CANCELLED)
    assert (actions.purge(), adapters.purge()) == (1, 1)
