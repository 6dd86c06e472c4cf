"""One version of a dataset alone: to the trash and back, and never under a job that reads it."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests.webapp.workshop import Workshop
from webapp.accounts.models import Team
from webapp.artifacts.models import Bundle
from webapp.core.faults import UserFault
from webapp.datasets import actions, queries, removing
from webapp.datasets.models import DatasetVersion
from webapp.jobs.models import State
from webapp.runs import actions as runs

As = Callable[..., Client]


@pytest.fixture
def workshop(team: Team, trainer: Any) -> Workshop:
    return Workshop(team=team, by=trainer)


@pytest.fixture
def versions(workshop: Workshop) -> list[DatasetVersion]:
    """v1 and v2 of one dataset."""
    return [workshop.version("Tickets", file_name=f"tickets-{n}.jsonl") for n in (1, 2)]


def reading(workshop: Workshop, version: DatasetVersion, state: State) -> Any:
    blobs = queries.files(version.bundle) if version.bundle else {}
    inputs = [{"path": name, "sha256": blob.sha256, "size_bytes": 1} for name, blob in blobs.items()]
    return workshop.run("learning tickets", state, dataset_version=version, job={"inputs": inputs})


def test_a_deleted_version_leaves_every_list_and_comes_back(
    versions: list[DatasetVersion], trainer: Any, team: Team, client_as: As
) -> None:
    client, dataset = client_as(trainer), versions[1].dataset
    at = f"/t/acme/datasets/{dataset.public_id}"
    assert "can come back for 7 days" in client.get(f"{at}/v2/delete/").content.decode()
    client.post(f"{at}/v2/delete/")
    assert client.get(f"{at}/").headers["Location"] == f"{at}/v1/"
    assert client.get(f"{at}/v2/").status_code == 404
    found = queries.of_team(team).get(pk=dataset.pk)
    assert (found.version_count, found.newest_number) == (1, 1)
    assert f"{at}/v2/restore/" in client.get("/t/acme/trash/").content.decode()
    client.post(f"{at}/v2/restore/")
    assert queries.of_team(team).get(pk=dataset.pk).newest_number == 2


@pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING, State.PAUSED])
def test_what_a_run_reads_is_not_deleted_and_the_run_is_named(
    versions: list[DatasetVersion], owner: Any, workshop: Workshop, state: State
) -> None:
    reading(workshop, versions[0], state)
    with pytest.raises(UserFault, match="learning tickets"):
        removing.delete_version(by=owner, version=versions[0])
    assert DatasetVersion.objects.count() == 2


def test_a_run_that_failed_is_not_tried_again_on_a_deleted_version(
    versions: list[DatasetVersion], owner: Any, workshop: Workshop
) -> None:
    run = reading(workshop, versions[0], State.FAILED)
    removing.delete_version(by=owner, version=versions[0])
    run.refresh_from_db()
    with pytest.raises(UserFault, match="Bring it back first"):
        runs.retry(by=owner, run=run)


def test_the_only_version_goes_only_with_its_dataset(workshop: Workshop, owner: Any) -> None:
    with pytest.raises(UserFault, match="Delete the whole dataset instead"):
        removing.delete_version(by=owner, version=workshop.version("Alone"))


def test_a_version_comes_back_only_after_its_dataset_and_not_too_late(
    versions: list[DatasetVersion], owner: Any
) -> None:
    removing.delete_version(by=owner, version=versions[0])
    actions.delete(by=owner, dataset=versions[0].dataset)
    gone = DatasetVersion.everything.select_related("dataset__team").get(pk=versions[0].pk)
    with pytest.raises(UserFault, match="Bring it back first"):
        removing.restore_version(by=owner, version=gone)
    actions.restore(by=owner, dataset=gone.dataset)
    gone.deleted_at = timezone.now() - dt.timedelta(days=8)
    with pytest.raises(UserFault, match="cannot come back"):
        removing.restore_version(by=owner, version=gone)


def test_after_seven_days_its_rows_go_and_its_name_stays_with_the_runs(
    versions: list[DatasetVersion], owner: Any, workshop: Workshop
) -> None:
    run = reading(workshop, versions[0], State.SUCCEEDED)
    removing.delete_version(by=owner, version=versions[0])
    assert removing.purge_versions() == 0
    DatasetVersion.everything.filter(pk=versions[0].pk).update(deleted_at=timezone.now() - dt.timedelta(days=8))
    assert removing.purge_versions() == 1
    run.refresh_from_db()
    assert (run.dataset_version.bundle, run.dataset_version.source) == (None, None)
    assert not Bundle.objects.filter(pk=versions[0].bundle_id).exists()
    assert Bundle.objects.filter(pk=versions[1].bundle_id).exists()
    assert removing.purge_versions() == 0


def test_an_unused_version_goes_for_good_and_its_number_is_not_given_again(
    versions: list[DatasetVersion], owner: Any, bring: Callable[..., DatasetVersion], chat_file: Callable[..., bytes]
) -> None:
    removing.delete_version(by=owner, version=versions[1])
    made = bring(chat_file(), by=owner, dataset=versions[0].dataset)
    assert made.number == 3
    DatasetVersion.everything.filter(pk=versions[1].pk).update(deleted_at=timezone.now() - dt.timedelta(days=8))
    assert removing.purge_versions() == 1
    assert [row.number for row in DatasetVersion.everything.order_by("number")] == [1, 3]
