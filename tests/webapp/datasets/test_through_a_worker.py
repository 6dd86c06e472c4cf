"""The whole road of a file: the order, a real supervisor, the reader as a program of its own, the page."""

import threading
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse

from tests.fakes.orders import must_claim, worker
from webapp.artifacts.models import Bundle
from webapp.datasets.models import DatasetVersion
from webapp.jobs.lifecycle import State
from webapp.notices.models import Notice
from webapp.runs import estimate, places
from workers import machine
from workers.supervisor import Supervisor

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def supervise(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    settings.STATE_DIR = tmp_path
    monkeypatch.setattr(machine, "_probe", lambda device: {"flops_float32": 1e9})

    def call(version: DatasetVersion) -> DatasetVersion:
        Supervisor(must_claim(worker()), threads=1, stopping=threading.Event()).run()
        return DatasetVersion.objects.get(pk=version.pk)

    return call


def test_a_worker_reads_a_file_and_its_page_shows_it(
    bring: Any, supervise: Any, chat_file: Any, client_as: Any, viewer: Any, trainer: Any
) -> None:
    version = supervise(bring(chat_file(80)))
    assert (version.job.state, version.is_ready, version.rows_good) == (State.SUCCEEDED, True, 80)
    assert {file.path for file in version.bundle.files.all()} >= {"train.parquet", "validation.parquet", "report.json"}
    page = client_as(viewer).get(reverse("datasets:version", args=["acme", version.dataset.public_id, 1]))
    assert "Question 1?" in page.content.decode()
    assert Notice.objects.get(user=trainer).code == "dataset_ready"


def test_what_the_reader_counted_reaches_the_estimate_of_a_run(bring: Any, supervise: Any, chat_file: Any) -> None:
    version = supervise(bring(chat_file(80)))
    counted = version.report["characters"]["mean"]
    rows = places.rows_of(version)
    assert rows.mean_tokens == pytest.approx(counted / estimate.CHARACTERS_PER_TOKEN + estimate.TEMPLATE_TOKENS)
    assert rows.longest_tokens > rows.mean_tokens > estimate.TEMPLATE_TOKENS


def test_a_file_that_cannot_be_read_leaves_words_and_no_files(
    bring: Any, supervise: Any, client_as: Any, viewer: Any, trainer: Any
) -> None:
    version = supervise(bring(b"spalte a|spalte b\n" + b"Frage|Antwort\n" * 30, "x.csv"))
    assert (version.job.state, version.job.fault, version.is_ready) == (State.FAILED, "unknown_format", False)
    assert version.job.fault_data["columns"] == ["spalte a", "spalte b"]
    page = client_as(viewer).get(reverse("datasets:version", args=["acme", version.dataset.public_id, 1]))
    assert "Nearly there." in page.content.decode()
    assert Notice.objects.get(user=trainer).code == "dataset_failed"
    assert not Bundle.objects.exists()
