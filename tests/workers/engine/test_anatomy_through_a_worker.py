"""The road of a look inside and of a lower rank: the order, a supervisor, the engine as a program, the catalog."""

import json
import threading
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
import transformers

from tests.fakes.orders import must_claim, worker
from tests.webapp.workshop import Workshop
from tests.workers.engine.conftest import MakeTraining, conversations, write_rows
from webapp.accounts.models import Team
from webapp.adapters import actions, scoretable
from webapp.adapters.models import AdapterVersion, Anatomy, Compression
from webapp.artifacts import actions as artifacts
from webapp.artifacts import storage
from webapp.artifacts.models import Bundle
from webapp.jobs.models import Job, State
from workers import machine
from workers.engine import pairs
from workers.supervisor import Supervisor

pytestmark = pytest.mark.django_db(transaction=True)


def stored(team: Team | None, kind: str, folder: Path) -> Bundle:
    files = {path.name: path for path in folder.iterdir() if path.is_file() and path.name != "files.json"}
    return artifacts.make_bundle(team=team, kind=kind, files=files)


@pytest.fixture
def version(
    team: Team, trainer: Any, settings: Any, tmp_path: Path, base: Path, make_training: MakeTraining,
    monkeypatch: pytest.MonkeyPatch,
) -> AdapterVersion:  # fmt: skip
    """An adapter that was really trained, on a base and with held-out rows that lie in storage."""
    settings.STATE_DIR = tmp_path / "state"
    monkeypatch.setattr(machine, "_probe", lambda device: {"flops_float32": 1e9})
    trained = make_training(num_train_epochs=2).start()
    rows = tmp_path / "rows"
    rows.mkdir()
    write_rows(rows / "train.parquet", conversations(4))
    write_rows(rows / "validation.parquet", conversations(6, first=100))
    shop = Workshop(team=team, by=trainer)
    run = shop.run(
        "parcels",
        State.SUCCEEDED,
        base_model=shop.base("acme/tiny", bundle=stored(None, "base_model", base)),
        dataset_version=shop.version("parcels", bundle=stored(team, "dataset", rows), validation_rows=6),
        result=trained.ended.data,
        job={"needs_memory_bytes": 1},
    )
    bundle = stored(team, "adapter", trained.path / "result")
    return actions.register_from_run(run=run, bundle=bundle, facts=trained.document("training.json"))


def see_through(job: Job | None) -> Job:
    """The next job of a worker, which must be this one."""
    claim = must_claim(worker())
    assert job is not None and claim.job.pk == job.pk
    Supervisor(claim, threads=1, stopping=threading.Event()).run()
    job.refresh_from_db()
    return job


def unpacked(version: AdapterVersion, folder: Path) -> Path:
    folder.mkdir()
    for item in version.bundle.files.select_related("blob"):
        content = storage.local_copy(sha256=item.blob.sha256, cache_dir=folder.parent / "cache")
        (folder / item.path).write_bytes(content.read_bytes())
    return folder


def test_a_look_inside_and_a_lower_rank_go_their_whole_road(
    version: AdapterVersion, trainer: Any, base: Path, tmp_path: Path, client_as: Any
) -> None:
    look = see_through(actions.inspect(by=trainer, version=version).job)
    assert look.state == State.SUCCEEDED, look.fault_data
    known = Anatomy.objects.get(version=version)
    assert known.summary["rank"] == 4 and known.bundle is not None
    assert all(one["relative_change"] for one in known.modules)

    order = actions.compress(by=trainer, version=version, rank=2)
    cut = see_through(order.job)
    assert cut.state == State.SUCCEEDED, cut.fault_data
    order = Compression.objects.get(pk=order.pk)
    made = order.made
    assert made is not None and (made.number, made.facts["compression"]["rank"]) == (2, 2)
    assert order.facts["kept"] == pytest.approx(known.summary["kept"][1], abs=1e-4)
    (row,) = scoretable.rows(made)
    assert row.value == order.facts["validation_loss"]["compressed"]
    assert order.facts["validation_loss"]["original"] == pytest.approx(version.scores.get().value, abs=1e-6)
    # What follows by itself: a report and a look at the new version.
    assert set(Job.objects.filter(state=State.QUEUED).values_list("kind", flat=True)) == {"evaluate", "inspect"}

    adapter = unpacked(made, tmp_path / "made")
    assert json.loads((adapter / "adapter_config.json").read_text())["r"] == 2
    assert {pair.rank for pair in pairs.read(adapter).pairs.values()} == {2}
    model = peft.PeftModel.from_pretrained(transformers.AutoModelForCausalLM.from_pretrained(base), str(adapter))
    tokens = torch.arange(3, 30)[None]
    with torch.no_grad(), model.disable_adapter():
        alone = model(input_ids=tokens).logits
    assert not torch.allclose(model(input_ids=tokens).logits, alone)
    page = client_as(trainer).get(f"/t/acme/adapters/{version.adapter.public_id}/v1/anatomy/").content.decode()
    assert "v2, rank 2" in page and "Held-out loss" in page
