"""The trash: every kind is listed, comes back by its own form, and only for who may."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from tests.webapp.workshop import Workshop
from webapp.accounts.models import Team
from webapp.basemodels.models import PretrainedModel

TRASH = "/t/acme/trash/"
As = Callable[..., Client]


@pytest.fixture
def deleted(workshop: Workshop, team: Team) -> dict[str, Any]:
    """One thing of each kind, made by the trainer and thrown away."""
    from webapp.adapters import actions as adapters
    from webapp.contract.spec import LoraConfig
    from webapp.datasets import actions as datasets
    from webapp.runs import actions as runs

    version = workshop.adapter("old adapter", dataset_version=workshop.version("Old data"))
    adapters.delete(by=None, adapter=version.adapter)
    runs.delete(by=None, run=version.run)
    data = workshop.version("Old claims").dataset
    datasets.delete(by=None, dataset=data)
    recipe = runs.save_recipe(by=workshop.by, team=team, name="Old recipe", config=LoraConfig())
    runs.delete_recipe(by=None, recipe=recipe)
    base = PretrainedModel.objects.create(
        team=team, name="acme/old", source="folder", created_by=workshop.by, deleted_at=timezone.now()
    )
    return {"Adapter": version.adapter, "Run": version.run, "Dataset": data, "Recipe": recipe, "Base model": base}


def forms(client: Client) -> list[str]:
    said = client.get(TRASH).content.decode()
    return re.findall(r'<form method="post" action="([^"]+/restore/)"', said)


def test_each_kind_comes_back_by_its_own_form(client_as: As, trainer: Any, deleted: dict[str, Any]) -> None:
    client = client_as(trainer)
    addresses = forms(client)
    assert len(addresses) == len(deleted)
    for address in addresses:
        assert client.post(address).status_code == 302
    for kind, thing in deleted.items():
        thing.refresh_from_db()
        assert thing.deleted_at is None, kind
    assert forms(client) == []


def test_what_others_made_a_maintainer_brings_back_and_a_trainer_does_not(
    client_as: As, maintainer: Any, owner: Any, workshop: Workshop, team: Team
) -> None:
    from webapp.accounts.models import Membership, User

    other = User.objects.create_user("second@acme.test", "copper-and-steel-7", name="Second Trainer")
    Membership.objects.create(team=team, user=other, role="trainer")
    from webapp.datasets import actions as datasets

    data = workshop.version("Old claims").dataset
    datasets.delete(by=None, dataset=data)
    client = client_as(other)
    assert forms(client) == []
    assert "Its maker or a maintainer can" in client.get(TRASH).content.decode()
    assert client.post(f"/t/acme/datasets/{data.public_id}/restore/").status_code == 403
    assert len(forms(client_as(maintainer))) == 1


def test_a_viewer_sees_the_list_and_no_button(client_as: As, viewer: Any, deleted: dict[str, Any]) -> None:
    said = client_as(viewer).get(TRASH).content.decode()
    assert "Old claims" in said
    assert forms(client_as(viewer)) == []


def test_a_stranger_finds_no_trash_and_nothing_of_it_in_their_own(
    client_as: As, stranger: Any, deleted: dict[str, Any]
) -> None:
    client = client_as(stranger)
    assert client.get(TRASH).status_code == 404
    assert "Old claims" not in client.get("/t/globex/trash/").content.decode()


def test_it_says_how_many_and_until_when(client_as: As, trainer: Any, deleted: dict[str, Any]) -> None:
    said = client_as(trainer).get(TRASH).content.decode()
    assert "Five things <em>can come back.</em>" in said
    assert said.count("in 7 days") == 5
