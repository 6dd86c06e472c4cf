"""A report alone: to the trash and back; what it measured stays."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.utils import timezone

from tests.webapp.workshop import Workshop
from webapp.accounts.models import Team
from webapp.adapters import queries
from webapp.adapters.models import Score
from webapp.artifacts.models import Bundle
from webapp.core.faults import UserFault
from webapp.evaluation import actions
from webapp.evaluation.models import Report
from webapp.jobs.models import State

As = Callable[..., Client]


@pytest.fixture
def workshop(team: Team, trainer: Any) -> Workshop:
    return Workshop(team=team, by=trainer)


def test_a_deleted_report_leaves_its_page_keeps_its_scores_and_comes_back(
    workshop: Workshop, trainer: Any, client_as: As
) -> None:
    version = workshop.adapter("letters")
    report, client = workshop.report(version), client_as(trainer)
    scores, at = Score.objects.count(), f"/t/acme/adapters/reports/{report.public_id}/"
    assert "The scores stay with the version" in client.get(f"{at}delete/").content.decode()
    client.post(f"{at}delete/")
    assert client.get(at).status_code == 404
    assert queries.measured(version).report is None
    assert Score.objects.count() == scores
    assert f"{at}restore/" in client.get("/t/acme/trash/").content.decode()
    client.post(f"{at}restore/")
    assert client.get(at).status_code == 200


def test_a_report_under_way_is_cancelled_with_its_deletion_and_another_can_be_made(
    workshop: Workshop, trainer: Any
) -> None:
    version = workshop.adapter("letters")
    report = workshop.report(version, State.QUEUED)
    actions.delete(by=trainer, report=report)
    report.job.refresh_from_db()
    assert report.job.state == State.CANCELLED


def test_who_may_not_change_the_adapter_deletes_no_report(workshop: Workshop, reviewer: Any) -> None:
    report = workshop.report(workshop.adapter("letters"))
    with pytest.raises(PermissionDenied):
        actions.delete(by=reviewer, report=report)


def test_after_seven_days_its_files_go_and_the_version_stays(workshop: Workshop, trainer: Any) -> None:
    version = workshop.adapter("letters")
    report = workshop.report(version)
    actions.delete(by=trainer, report=report)
    assert actions.purge() == 0
    Report.everything.update(deleted_at=timezone.now() - dt.timedelta(days=8))
    assert actions.purge() == 1
    assert not Bundle.objects.filter(pk=report.bundle_id).exists()
    version.refresh_from_db()


def test_a_report_comes_back_only_after_its_version(workshop: Workshop, trainer: Any) -> None:
    report = workshop.report(workshop.adapter("letters"))
    actions.delete(by=trainer, report=report)
    report.version.deleted_at = timezone.now()
    with pytest.raises(UserFault, match="Bring that back first"):
        actions.restore(by=trainer, report=report)
