"""One version alone: to the trash and back, never one that people or jobs rely on, and no list forgets it."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.utils import timezone

from tests.webapp.workshop import Workshop
from webapp.accounts import actions as accounts
from webapp.accounts.models import Team
from webapp.adapters import actions, queries
from webapp.adapters.models import Adapter, AdapterVersion
from webapp.artifacts.models import Bundle
from webapp.core.faults import UserFault
from webapp.jobs.models import State
from webapp.lineage import actions as lineage

As = Callable[..., Client]


@pytest.fixture
def workshop(team: Team, trainer: Any) -> Workshop:
    return Workshop(team=team, by=trainer)


@pytest.fixture
def versions(workshop: Workshop) -> list[AdapterVersion]:
    """v1, v2 and v3 of one adapter."""
    return [workshop.adapter("letters") for _ in range(3)]


def test_a_deleted_version_leaves_every_list_and_comes_back(
    versions: list[AdapterVersion], trainer: Any, team: Team, client_as: As
) -> None:
    client, newest = client_as(trainer), versions[2]
    at = f"/t/acme/adapters/{newest.adapter.public_id}"
    assert "goes to the trash" in client.get(f"{at}/v3/delete/").content.decode()
    assert client.post(f"{at}/v3/delete/").headers["Location"] == f"{at}/"
    assert client.get(f"{at}/").headers["Location"] == f"{at}/v2/"
    assert client.get(f"{at}/v3/").status_code == 404
    assert f'{at}/v3/"' not in client.get(f"{at}/v2/").content.decode()
    assert [row.version.number for row in queries.newest(team, most=5)] == [2]
    assert f"{at}/v3/restore/" in client.get("/t/acme/trash/").content.decode()
    client.post(f"{at}/v3/restore/")
    assert client.get(f"{at}/v3/").status_code == 200
    assert [row.version.number for row in queries.newest(team, most=5)] == [3]


def test_a_number_is_not_given_twice(versions: list[AdapterVersion], trainer: Any, workshop: Workshop) -> None:
    actions.delete_version(by=trainer, version=versions[2])
    assert workshop.adapter("letters").number == 4


@pytest.mark.parametrize("stage", ["production", "candidate"])
def test_what_people_rely_on_is_not_deleted(versions: list[AdapterVersion], owner: Any, stage: str) -> None:
    AdapterVersion.objects.filter(pk=versions[0].pk).update(stage=stage)
    with pytest.raises(UserFault, match="Retire it first"):
        actions.delete_version(by=owner, version=versions[0])
    assert AdapterVersion.objects.count() == 3


def test_a_version_that_was_promoted_since_it_was_looked_at_stays(versions: list[AdapterVersion], owner: Any) -> None:
    stale = AdapterVersion.objects.get(pk=versions[1].pk)
    AdapterVersion.objects.filter(pk=stale.pk).update(stage="production")
    assert stale.stage == "draft"
    with pytest.raises(UserFault):
        actions.delete_version(by=owner, version=stale)


@pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING, State.PAUSED, State.INTERRUPTED])
def test_what_an_open_job_reads_is_not_deleted_and_the_job_is_named(
    versions: list[AdapterVersion], owner: Any, workshop: Workshop, state: State
) -> None:
    inputs = [{"path": "inputs/adapter/adapter_model.safetensors", "sha256": versions[0].sha256, "size_bytes": 1}]
    job = workshop.job("evaluate", "Measure the letters", state, inputs=inputs)
    with pytest.raises(UserFault, match="Measure the letters"):
        actions.delete_version(by=owner, version=versions[0])
    job.state = State.SUCCEEDED
    job.save()
    actions.delete_version(by=owner, version=versions[0])
    assert AdapterVersion.objects.count() == 2


def test_the_only_version_goes_only_with_its_adapter(workshop: Workshop, owner: Any) -> None:
    with pytest.raises(UserFault, match="Delete the whole adapter instead"):
        actions.delete_version(by=owner, version=workshop.adapter("alone"))


def test_a_trainer_may_not_delete_a_version_of_what_another_made(
    versions: list[AdapterVersion], trainer: Any, maintainer: Any
) -> None:
    Adapter.objects.update(created_by=maintainer)
    with pytest.raises(PermissionDenied):
        actions.delete_version(by=trainer, version=AdapterVersion.objects.all()[0])


def test_who_deletes_one_learns_what_was_made_from_it(versions: list[AdapterVersion], team: Team) -> None:
    lineage.connect(team=team, source=versions[0].public_id, target=versions[1].public_id, relation="compressed")
    assert any("1 other version was made from it" in line for line in queries.consequences_of_deleting(versions[0]))


def test_a_version_comes_back_only_after_its_adapter(versions: list[AdapterVersion], owner: Any) -> None:
    actions.delete_version(by=owner, version=versions[0])
    actions.delete(by=owner, adapter=versions[0].adapter)
    gone = AdapterVersion.everything.select_related("adapter").get(pk=versions[0].pk)
    with pytest.raises(UserFault, match="Bring it back first"):
        actions.restore_version(by=owner, version=gone)


def test_after_seven_days_it_is_gone_with_its_files_and_the_others_stay(
    versions: list[AdapterVersion], owner: Any
) -> None:
    actions.delete_version(by=owner, version=versions[0])
    assert actions.purge() == 0
    AdapterVersion.everything.filter(pk=versions[0].pk).update(deleted_at=timezone.now() - dt.timedelta(days=8))
    assert actions.purge() == 1
    assert AdapterVersion.everything.count() == 2
    assert not Bundle.objects.filter(pk=versions[0].bundle_id).exists()
    assert Bundle.objects.filter(pk=versions[1].bundle_id).exists()


def test_an_adapter_is_purged_with_the_versions_that_lay_in_the_trash_alone(
    versions: list[AdapterVersion], owner: Any
) -> None:
    actions.delete_version(by=owner, version=versions[0])
    actions.delete(by=owner, adapter=versions[0].adapter)
    long_ago = timezone.now() - dt.timedelta(days=8)
    Adapter.objects.update(deleted_at=long_ago)
    assert actions.purge() == 1
    assert not AdapterVersion.everything.exists()
    assert not Bundle.objects.filter(kind="adapter").exists()


def test_a_program_deletes_a_version_and_is_refused_in_words(
    versions: list[AdapterVersion], trainer: Any, team: Team
) -> None:
    _row, token = accounts.create_token(by=trainer, team=team, name="x", scopes=["read", "write", "train"])
    at = f"/api/v1/adapters/{versions[0].adapter.public_id}/versions"
    headers = {"authorization": f"Bearer {token}"}
    assert Client().delete(f"{at}/1", headers=headers).status_code == 204
    assert Client().get(f"{at}/1", headers=headers).status_code == 404
    AdapterVersion.objects.filter(number=2).update(stage="production")
    refused = Client().delete(f"{at}/2", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "in_use")
