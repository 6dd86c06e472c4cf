"""From a hub's id to a version: the engine brings the files, the reader checks them, the hub is one on loopback."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import adapters as files_of
from tests.fakes.orders import must_claim, worker
from tests.workers.engine import hub as fake
from webapp.accounts.models import Team
from webapp.adapters import actions, imported
from webapp.adapters.models import AdapterImport, AdapterVersion
from webapp.artifacts.models import Bundle
from webapp.basemodels import actions as basemodels
from webapp.jobs import words
from webapp.jobs.lifecycle import State
from webapp.jobs.models import Job
from workers import machine
from workers.supervisor import Supervisor

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def hub(tmp_path: Path, settings: Any) -> Iterator[fake.Hub]:
    """Holds an adapter, and beside it what is never asked for."""
    settings.STATE_DIR = tmp_path / "state"
    settings.STATE_DIR.mkdir()
    source = tmp_path / "hub"
    source.mkdir()
    extra = {"README.md": b"# Tone", "tokenizer.json": b"{}", "training_args.bin": b"\x80\x02."}
    for name, data in (files_of.files() | extra).items():
        (source / name).write_bytes(data)
    with fake.serving(source) as server:
        settings.HUB_ENDPOINT = server.endpoint
        yield server


@pytest.fixture
def order(team: Team, trainer: Any, make_base: Callable[..., Any]) -> Callable[..., AdapterImport]:
    base = make_base(name="acme/base", config=files_of.BASE_CONFIG)

    def call(**options: Any) -> AdapterImport:
        return actions.import_from_hub(
            **({"by": trainer, "team": team, "base_model": base, "repository": fake.NAME} | options)
        )

    return call


@pytest.fixture
def supervise(monkeypatch: pytest.MonkeyPatch) -> Callable[..., AdapterImport]:
    monkeypatch.setattr(machine, "_probe", lambda device: {"flops_float32": 1e9})
    monkeypatch.setenv("HUB_TIMEOUT", "5")

    def call(found: AdapterImport) -> AdapterImport:
        Supervisor(must_claim(worker()), threads=1, stopping=threading.Event()).run()
        return imported.of_team(found.team).get(pk=found.pk)

    return call


def test_an_id_becomes_a_version_at_the_commit_that_was_found(
    hub: fake.Hub, order: Any, supervise: Any, maintainer: Any, team: Team
) -> None:
    basemodels.set_hub_token(by=maintainer, team=team, token="hf_secret_of_the_team")
    found = supervise(order())
    assert (found.commit, found.job.kind, found.job.state) == (fake.COMMIT, "import", State.QUEUED)
    assert not Bundle.objects.filter(kind="adapter_files").exists()
    found = supervise(found)
    version = AdapterVersion.objects.get()
    assert (found.version, str(version), version.card) == (version, "tiny v1", "# Tone")
    assert version.facts["import"] == {"source": "hub", "repository": fake.NAME, "commit": fake.COMMIT}
    asked = {path.rpartition("/")[2] for path, _range, _token in hub.asked if "/resolve/" in path}
    assert asked == {"adapter_model.safetensors", "adapter_config.json", "README.md"}
    assert {token for _path, _range, token in hub.asked} == {"Bearer hf_secret_of_the_team"}
    assert not Job.objects.exclude(sealed_secret="").exists()


def test_the_same_id_again_is_the_same_version(hub: fake.Hub, order: Any, supervise: Any) -> None:
    for is_known in (False, True):
        found = supervise(supervise(order()))
        assert found.was_known is is_known
    assert AdapterVersion.objects.count() == 1


@pytest.mark.row("A1")
def test_a_repository_that_holds_only_a_pickle_is_refused_before_anything_is_fetched(
    hub: fake.Hub, order: Any, supervise: Any
) -> None:
    (hub.folder / "adapter_model.safetensors").rename(hub.folder / "adapter_model.bin")
    found = supervise(order())
    assert (found.job.state, found.job.fault) == (State.FAILED, "damaged_input")
    assert "acme/tiny holds no adapter_model.safetensors" in words.fault(found.job).meaning
    assert not [path for path, _range, _token in hub.asked if "/resolve/" in path]


@pytest.mark.row("A1")
@pytest.mark.row("S8")
def test_a_pickle_called_safetensors_is_brought_and_never_opened(hub: fake.Hub, order: Any, supervise: Any) -> None:
    (hub.folder / "adapter_model.safetensors").write_bytes(b"\x80\x04K\x01.")
    found = supervise(supervise(order()))
    assert (found.job.fault, AdapterVersion.objects.exists()) == ("unsafe_file", False)


@pytest.mark.row("A9")
def test_a_hub_that_refuses_can_be_asked_again(hub: fake.Hub, order: Any, supervise: Any, trainer: Any) -> None:
    hub.refuses, hub.headers_of_refusal = 403, {"X-Error-Code": "GatedRepo"}
    found = supervise(order())
    assert (found.job.state, found.job.fault) == (State.FAILED, "hub_gated")
    hub.refuses = 0
    actions.retry_import(by=trainer, found=found)
    assert found.job.kind == "fetch_adapter"
    assert supervise(supervise(found)).version == AdapterVersion.objects.get()


def test_an_adapter_above_the_limit_is_not_fetched(hub: fake.Hub, order: Any, supervise: Any, settings: Any) -> None:
    settings.UPLOAD_LIMIT_BYTES = 100
    found = supervise(order())
    assert found.job.fault == "too_large"
    assert not [path for path, _range, _token in hub.asked if "/resolve/" in path]
