"""The rows around a run are made as in the tests of runs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.webapp.runs.conftest import bundle_of, make_base, make_run, make_version  # noqa: F401
from webapp.accounts.models import Team
from webapp.adapters import actions
from webapp.adapters.models import AdapterVersion
from webapp.artifacts import actions as artifacts
from webapp.jobs.lifecycle import State
from webapp.runs.models import Run

WEIGHTS = b"these stand for safetensors"


@pytest.fixture
def finished_run(make_run: Callable[..., Run], team: Team, trainer: Any) -> Run:
    result = {"validation_loss_before": 2.0, "validation_loss_after": 0.5, "steps": 60}
    return make_run(team=team, state=State.SUCCEEDED, name="workshop", created_by=trainer, result=result)


@pytest.fixture
def make_adapter_version(tmp_path: Path) -> Callable[..., AdapterVersion]:
    """Registers what a run left; `content` tells one run's weights from another's."""

    def make(run: Run, *, content: bytes = WEIGHTS) -> AdapterVersion:
        weights, config = tmp_path / "adapter_model.safetensors", tmp_path / "adapter_config.json"
        weights.unlink(missing_ok=True)
        weights.write_bytes(content)
        config.unlink(missing_ok=True)
        config.write_text("{}")
        files = {weights.name: weights, config.name: config}
        bundle = artifacts.make_bundle(team=run.team, kind="adapter", files=files)
        return actions.register_from_run(run=run, bundle=bundle, facts={"steps": 60})

    return make


@pytest.fixture
def version(make_adapter_version: Callable[..., AdapterVersion], finished_run: Run) -> AdapterVersion:
    return make_adapter_version(finished_run)


@pytest.fixture
def make_next(
    make_run: Callable[..., Run], make_adapter_version: Callable[..., AdapterVersion], team: Team, trainer: Any
) -> Callable[..., AdapterVersion]:
    """The next version of the adapter “workshop”, with weights of its own and this held-out loss (base 2.0)."""

    def make(*, loss: float = 0.5, stage: str = "draft", **facts: Any) -> AdapterVersion:
        result = {"validation_loss_before": 2.0, "validation_loss_after": loss, "steps": 60}
        known = {"created_by": trainer, "result": result} | facts
        run = make_run(team=team, state=State.SUCCEEDED, name="workshop", **known)
        made = make_adapter_version(run, content=f"weights of {run.public_id}".encode())
        AdapterVersion.objects.filter(pk=made.pk).update(stage=stage)
        made.refresh_from_db()
        return made

    return make
