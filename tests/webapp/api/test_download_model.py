import asyncio
import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from django.test import AsyncClient

from webapp.accounts import actions as accounts
from webapp.accounts.models import Team
from webapp.artifacts import actions as artifacts
from webapp.basemodels.models import PretrainedModel

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def base(team: Team, make_base: Callable[..., PretrainedModel], tmp_path: Any) -> PretrainedModel:
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(b"the exact weights")
    bundle = artifacts.make_bundle(team=team, kind="base", files={weights.name: weights})
    model = make_base(team=team, name="acme/tiny")
    PretrainedModel.objects.filter(pk=model.pk).update(bundle=bundle)
    return model


def ask(token: str, model: PretrainedModel) -> tuple[int, bytes]:
    async def whole() -> tuple[int, bytes]:
        headers = {"authorization": f"Bearer {token}"}
        response = await AsyncClient().get(f"/api/v1/models/{model.public_id}/download", headers=headers)
        pieces = [piece async for piece in response] if response.streaming else [response.content]
        return response.status_code, b"".join(pieces)

    return asyncio.run(whole())


def test_the_base_of_an_adapter_can_be_had_with_a_token(team: Team, trainer: Any, base: PretrainedModel) -> None:
    _row, token = accounts.create_token(by=trainer, team=team, name="x", scopes=["read"])
    status, body = ask(token, base)
    assert status == 200
    archive = zipfile.ZipFile(io.BytesIO(body))
    weights = next(name for name in archive.namelist() if name.endswith("model.safetensors"))
    assert archive.read(weights) == b"the exact weights"


@pytest.mark.row("S2")
def test_the_base_of_another_team_is_not_found(stranger: Any, base: PretrainedModel, other_team: Team) -> None:
    _row, token = accounts.create_token(by=stranger, team=other_team, name="x", scopes=["read"])
    assert ask(token, base)[0] == 404
