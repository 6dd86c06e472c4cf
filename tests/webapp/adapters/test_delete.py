import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.test import Client
from django.utils import timezone

from webapp.adapters import actions
from webapp.adapters.models import Adapter, AdapterVersion
from webapp.artifacts.models import Bundle
from webapp.core.faults import UserFault


def test_a_deleted_adapter_leaves_the_catalog_and_comes_back(
    version: AdapterVersion, trainer: Any, client_as: Callable[..., Client]
) -> None:
    client, slug, id = client_as(trainer), version.adapter.team.slug, version.adapter.public_id
    asked = client.get(f"/t/{slug}/adapters/{id}/delete/")
    assert "It goes to the trash" in asked.content.decode()
    client.post(f"/t/{slug}/adapters/{id}/delete/")
    assert client.get(f"/t/{slug}/adapters/{id}/v1/").status_code == 404
    client.post(f"/t/{slug}/adapters/{id}/restore/")
    assert client.get(f"/t/{slug}/adapters/{id}/v1/").status_code == 200


def test_an_adapter_in_production_is_not_deleted_and_the_fault_says_what_to_do(
    version: AdapterVersion, owner: Any
) -> None:
    AdapterVersion.objects.filter(pk=version.pk).update(stage="production")
    with pytest.raises(UserFault, match="Retire it first"):
        actions.delete(by=owner, adapter=version.adapter)
    assert Adapter.objects.live().exists()


def test_a_trainer_may_not_delete_what_another_made(version: AdapterVersion, trainer: Any, maintainer: Any) -> None:
    Adapter.objects.update(created_by=maintainer)
    version.adapter.refresh_from_db()
    with pytest.raises(PermissionDenied):
        actions.delete(by=trainer, adapter=version.adapter)


def test_a_stranger_learns_nothing_of_an_adapter(version: AdapterVersion, stranger: Any) -> None:
    with pytest.raises(Http404):
        actions.delete(by=stranger, adapter=version.adapter)


def test_a_name_given_away_meanwhile_is_not_taken_from_its_new_holder(version: AdapterVersion, trainer: Any) -> None:
    adapter = version.adapter
    actions.delete(by=trainer, adapter=adapter)
    Adapter.objects.create(team=adapter.team, name=adapter.name)
    actions.restore(by=trainer, adapter=adapter)
    assert adapter.name == "workshop (2)"


def test_after_seven_days_the_trash_is_emptied_and_the_files_are_let_go(version: AdapterVersion, trainer: Any) -> None:
    actions.delete(by=trainer, adapter=version.adapter)
    assert actions.purge() == 0
    Adapter.objects.update(deleted_at=timezone.now() - dt.timedelta(days=8))
    assert actions.purge() == 1
    assert not Adapter.objects.exists()
    assert not Bundle.objects.filter(pk=version.bundle_id).exists()
