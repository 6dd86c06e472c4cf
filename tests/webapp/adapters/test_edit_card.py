from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client

from webapp.adapters import actions
from webapp.adapters.models import Adapter, AdapterVersion


@pytest.mark.row("W1")
def test_a_trainer_may_not_rewrite_the_card_of_another_s_adapter(
    version: AdapterVersion, trainer: Any, maintainer: Any, client_as: Callable[..., Client]
) -> None:
    Adapter.objects.update(created_by=maintainer)
    version.adapter.refresh_from_db()
    with pytest.raises(PermissionDenied):
        actions.edit_card(by=trainer, version=version, text="mine now")
    page = f"/t/{version.adapter.team.slug}/adapters/{version.adapter.public_id}/v1/card/"
    assert "/card/edit/" not in client_as(trainer).get(page).content.decode()
    assert "/card/edit/" in client_as(maintainer).get(page).content.decode()
