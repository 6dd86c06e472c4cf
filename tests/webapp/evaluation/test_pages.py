"""A report's page in each state, for who may order another and for who may not."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.webapp.workshop import Workshop
from webapp.evaluation.models import Report
from webapp.jobs.models import Job, State

As = Callable[..., Client]


def address(report: Report) -> str:
    return f"/t/acme/adapters/reports/{report.public_id}/"


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (State.QUEUED, "Waits for its turn"),
        (State.RUNNING, "Being measured"),
        (State.SUCCEEDED, "keeps the expected form"),
        (State.FAILED, "The adapter itself is not affected"),
        (State.CANCELLED, "The adapter itself is not affected"),
    ],
)
def test_each_state_has_its_sentence(state: State, words: str, client_as: As, viewer: Any, workshop: Workshop) -> None:
    report = workshop.report(workshop.adapter("tickets"), state, fault="out_of_memory")
    said = client_as(viewer).get(address(report)).content.decode()
    assert words in said
    assert ("hx-get" in said.split('id="report-live"')[1].split(">")[0]) == (state in {State.QUEUED, State.RUNNING})


def test_a_report_that_ran_out_of_memory_speaks_of_measuring_and_not_of_training(
    client_as: As, viewer: Any, workshop: Workshop
) -> None:
    report = workshop.report(workshop.adapter("tickets"), State.FAILED, fault="out_of_memory")
    said = client_as(viewer).get(address(report)).content.decode()
    assert "did not fit into the memory of the device that was to measure them" in said
    assert "checkpoint" not in said


def test_polls_bring_the_count_and_at_the_end_everything_and_stop(
    client_as: As, viewer: Any, workshop: Workshop
) -> None:
    going = {"phase": "answering", "progress_done": 3, "progress_total": 90}
    report = workshop.report(workshop.adapter("tickets"), State.RUNNING, **going)
    client, headers = client_as(viewer), {"HX-Request": "true"}
    response = client.get(f"{address(report)}?seen=running", headers=headers)
    assert response.status_code == 200
    assert "<b>3</b> of 90" in response.content.decode() and 'id="report"' not in response.content.decode()
    Job.objects.filter(pk=report.job_id).update(state=State.CANCELLED)
    response = client.get(f"{address(report)}?seen=running", headers=headers)
    assert response.status_code == 286
    assert 'id="report"' in response.content.decode() and "hx-get" not in response.content.decode()


def test_only_who_may_train_is_offered_another_report(
    client_as: As, viewer: Any, trainer: Any, workshop: Workshop
) -> None:
    report = workshop.report(workshop.adapter("tickets"))
    order = f"/t/acme/adapters/reports/of/{report.version.public_id}/"
    assert "Measure again" not in client_as(viewer).get(address(report)).content.decode()
    assert client_as(viewer).post(order).status_code == 403
    assert "Measure again" in client_as(trainer).get(address(report)).content.decode()
    response = client_as(trainer).post(order)
    made = Report.objects.latest("pk")
    assert made.pk != report.pk
    assert response.headers["Location"] == address(made)


def test_a_second_order_while_one_is_under_way_leads_back_with_a_word(
    client_as: As, trainer: Any, workshop: Workshop
) -> None:
    report = workshop.report(workshop.adapter("tickets"), State.QUEUED)
    client = client_as(trainer)
    response = client.post(f"/t/acme/adapters/reports/of/{report.version.public_id}/", follow=True)
    assert "being measured already" in response.content.decode()
    assert Report.objects.count() == 1


def test_a_report_of_another_team_or_on_a_deleted_adapter_is_not_found(
    client_as: As, stranger: Any, viewer: Any, workshop: Workshop
) -> None:
    from webapp.adapters import actions as adapters

    report = workshop.report(workshop.adapter("tickets"))
    assert client_as(stranger).get(address(report)).status_code == 404
    assert client_as(stranger).get(f"/t/globex/adapters/reports/{report.public_id}/").status_code == 404
    adapters.delete(by=None, adapter=report.version.adapter)
    assert client_as(viewer).get(address(report)).status_code == 404
