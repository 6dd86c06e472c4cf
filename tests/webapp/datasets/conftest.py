"""Datasets as they come to be: a file is uploaded, the real reader reads it, its result is settled."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from webapp.artifacts import actions as artifacts
from webapp.artifacts import storage
from webapp.contract import codec, events
from webapp.contract.spec import SPEC_VERSION, JobKind, Order
from webapp.datasets import actions
from webapp.datasets.models import DatasetVersion
from webapp.jobs.models import Job, State
from workers.reader import job as reader
from workers.reader.faults import Stop


def _line(question: str, answer: str) -> str:
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return json.dumps({"messages": messages}, ensure_ascii=False)


def _file(count: int = 60) -> bytes:
    return "".join(_line(f"Question {n}?", f"Answer {n}.") + "\n" for n in range(1, count + 1)).encode()


@pytest.fixture
def chat_line() -> Callable[[str, str], str]:
    """One conversation as a line of JSON."""
    return _line


@pytest.fixture
def chat_file() -> Callable[..., bytes]:
    """A file of so many good conversations."""
    return _file


@pytest.fixture
def bring(team: Any, trainer: Any, tmp_path: Path) -> Callable[..., DatasetVersion]:
    """Upload a content; its reading is ordered, and has not happened yet."""

    def call(content: bytes, file_name: str = "rows.jsonl", *, by: Any = None, **options: Any) -> DatasetVersion:
        path = tmp_path / "incoming"
        path.write_bytes(content)
        by = by or trainer
        upload = artifacts.receive_path(by=by, team=options.get("team", team), path=path, file_name=file_name)
        return actions.import_upload(**{"by": by, "team": team, "upload": upload} | options)

    return call


@pytest.fixture
def read(tmp_path: Path) -> Callable[[DatasetVersion], DatasetVersion]:
    """Do what a worker does with a READ job, the reader's program included."""

    def call(version: DatasetVersion) -> DatasetVersion:
        job = version.job
        assert job is not None
        folder = tmp_path / job.public_id
        (folder / "inputs").mkdir(parents=True)
        for item in job.inputs:
            copy = storage.local_copy(sha256=item["sha256"], cache_dir=tmp_path / "cache")
            (folder / item["path"]).hardlink_to(copy)
        order = Order(version=SPEC_VERSION, job=job.public_id, attempt=1, kind=JobKind.READ, spec=job.spec)
        (folder / "spec.json").write_text(codec.dumps(order))
        reader.run(folder, stop=Stop())
        last = events.parse((folder / "events.jsonl").read_bytes().splitlines()[-1]).event
        assert isinstance(last, events.Ended)
        if last.outcome is events.Outcome.SUCCEEDED:
            _succeed(job, folder / "result")
        else:
            Job.objects.filter(pk=job.pk).update(
                state=State.FAILED, fault=last.fault or "", fault_data=last.data, finished_at=timezone.now()
            )
            actions.fail(job=Job.objects.get(pk=job.pk))
        return DatasetVersion.objects.get(pk=version.pk)

    return call


def _succeed(job: Job, result: Path) -> None:
    manifest = json.loads((result / "files.json").read_bytes())
    files = {item["path"]: result / item["path"] for item in manifest}
    expected = {item["path"]: item["sha256"] for item in manifest}
    bundle = artifacts.make_bundle(team=job.team, kind="dataset", files=files, expected=expected)
    Job.objects.filter(pk=job.pk).update(state=State.SUCCEEDED, finished_at=timezone.now())
    report = json.loads((result / "report.json").read_bytes())
    actions.finish_read(job=job, bundle=bundle, report=report)


@pytest.fixture
def ready(bring: Any, read: Any) -> Callable[..., DatasetVersion]:
    """A version that was uploaded and read."""

    def call(content: bytes | None = None, file_name: str = "rows.jsonl", **options: Any) -> DatasetVersion:
        return read(bring(_file() if content is None else content, file_name, **options))

    return call
