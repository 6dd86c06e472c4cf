"""A checkpoint that another machine can go on from."""

import shutil
from collections.abc import Callable
from typing import Any

import pytest
from model_bakery import baker

from tests.fakes.orders import must_claim, submit, worker
from tests.workers.conftest import Workshop
from webapp.artifacts.models import Bundle
from webapp.contract.events import Checkpointed
from webapp.contract.spec import JobKind
from webapp.jobs import recovery
from webapp.jobs.lifecycle import State
from webapp.jobs.models import Job
from webapp.runs.models import Checkpoint, Run
from workers import vault
from workers.vault import Vault


@pytest.fixture
def job(workshop: Workshop, team: Any) -> Job:
    """It saves a checkpoint at each step and dies once, long after the first was relayed."""
    script = {"seconds": 0.1, "steps": 18, "checkpoint_every": 1, "die_at": [16]}
    made = submit(team, JobKind.TRAIN, script=script)
    baker.make(Run, job=made, team=team, dataset_version__dataset__team=team, base_model__team=team)
    return made


@pytest.fixture
def _stores_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault, "EVERY_SECONDS", 0.0)
    monkeypatch.setattr(vault, "is_needed", lambda: True)


@pytest.mark.usefixtures("_stores_often")
def test_another_machine_goes_on_from_the_checkpoint_in_storage(
    workshop: Workshop, job: Job, until: Callable[..., Any]
) -> None:
    job = workshop.see_through(must_claim(worker()))
    stored = until(lambda: Checkpoint.objects.exclude(bundle=None).order_by("-step").first())
    shutil.rmtree(workshop.state / "work")  # the other machine has none of it
    recovery.settle_interrupted()
    job = workshop.see_through(must_claim(worker(pid=2, host="another")))
    assert job.state == State.SUCCEEDED
    assert job.attempts.get(number=2).from_step == stored.step
    assert job.events.get(code="checkpoint_brought").data == {"step": stored.step}


@pytest.mark.usefixtures("_stores_often")
def test_only_the_newest_is_kept_in_storage_and_none_after_the_end(workshop: Workshop, job: Job) -> None:
    workshop.see_through(must_claim(worker()))
    recovery.settle_interrupted()
    workshop.see_through(must_claim(worker(pid=2)))
    assert Bundle.objects.filter(kind=vault.KIND).count() <= 1
    vault.forget_over()
    assert not Bundle.objects.filter(kind=vault.KIND).exists()
    assert Checkpoint.objects.filter(run__job=job).count() > 1


@pytest.mark.row("F25")
def test_a_worker_that_stops_leaves_its_newest_checkpoint_in_storage(
    workshop: Workshop, job: Job, until: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vault, "is_needed", lambda: True)
    end = workshop.begin(must_claim(worker()))
    until(lambda: Job.objects.get(pk=job.pk).checkpoint_step > 0)
    workshop.stopping.set()
    ended = end()
    assert ended.state == State.QUEUED
    assert Checkpoint.objects.exclude(bundle=None).get().step == ended.checkpoint_step


def test_one_machine_with_its_files_in_a_folder_stores_no_checkpoint(workshop: Workshop, settings: Any) -> None:
    assert not vault.is_needed()
    worker(host=vault.socket.gethostname())
    assert not vault.is_needed()
    worker(host="another", pid=2)
    assert vault.is_needed()
    settings.S3_BUCKET = "a-bucket"
    assert vault.is_needed()


@pytest.mark.usefixtures("_stores_often")
def test_a_checkpoint_that_cannot_be_stored_does_not_stop_the_training(
    workshop: Workshop, team: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def full(self: Vault, checkpoint: Checkpointed) -> None:
        tried.append(checkpoint)
        raise OSError("no space left on device")

    monkeypatch.setattr(Vault, "_store", full)
    monkeypatch.setattr(
        "workers.settle.artifacts", __import__("types").SimpleNamespace(make_bundle=lambda **_: baker.make(Bundle))
    )
    submit(team, JobKind.TRAIN, script={"seconds": 0.1, "steps": 12, "checkpoint_every": 1})
    assert workshop.see_through(must_claim(worker())).state == State.SUCCEEDED
    assert tried
