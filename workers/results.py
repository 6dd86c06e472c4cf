"""Hands what a program left to the app that ordered it. Called inside the transaction in which the job succeeds."""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from webapp.adapters import actions as adapters
from webapp.artifacts.models import Bundle
from webapp.basemodels import actions as basemodels
from webapp.contract.events import Ended
from webapp.contract.spec import JobKind
from webapp.core.storable import storable_json
from webapp.datasets import actions as datasets
from webapp.evaluation import actions as evaluation
from webapp.jobs.models import Job
from webapp.runs import actions as runs

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Result:
    """What is left of a job that ended well: the stored files, the folder they came from, the last word."""

    job: Job
    bundle: Bundle
    folder: Path
    ended: Ended

    def document(self, name: str) -> Any:
        return storable_json(json.loads((self.folder / name).read_text(encoding="utf-8")))


BUNDLE_KINDS = {
    JobKind.READ: "dataset",
    JobKind.IMPORT: "adapter",
    JobKind.FETCH_ADAPTER: "adapter_files",
    JobKind.FETCH: "base_model",
    JobKind.TRAIN: "adapter",
    JobKind.EVALUATE: "report",
    JobKind.INSPECT: "anatomy",
    JobKind.COMPRESS: "adapter",
}


def hand_over(result: Result) -> None:
    """Register the result; what this writes is kept only if the job is still the caller's to finish."""
    _TAKERS[JobKind(result.job.kind)](result)


def _read(result: Result) -> None:
    datasets.finish_read(job=result.job, bundle=result.bundle, report=result.document("report.json"))


def _fetched(result: Result) -> None:
    basemodels.finish_fetch(job=result.job, bundle=result.bundle, facts=result.document("model.json"))


def _imported(result: Result) -> None:
    version = adapters.finish_import(job=result.job, bundle=result.bundle, facts=result.document("import.json"))
    if version is not None and not hasattr(version, "anatomy"):
        adapters.inspect(by=None, version=version)


def _adapter_fetched(result: Result) -> None:
    adapters.check_fetched(job=result.job, bundle=result.bundle, facts=result.document("fetched.json"))


def _trained(result: Result) -> None:
    run = runs.finish(job=result.job, result=result.ended.data)
    version = adapters.register_from_run(run=run, bundle=result.bundle, facts=result.document("training.json"))
    evaluation.start(by=None, version=version)
    adapters.inspect(by=None, version=version)


def _inspected(result: Result) -> None:
    adapters.finish_inspection(job=result.job, bundle=result.bundle, found=result.document("anatomy.json"))


def _compressed(result: Result) -> None:
    version = adapters.finish_compression(
        job=result.job, bundle=result.bundle, facts=result.document("compression.json")
    )
    evaluation.start(by=None, version=version)
    adapters.inspect(by=None, version=version)


def _evaluated(result: Result) -> None:
    evaluation.finish(
        job=result.job,
        bundle=result.bundle,
        scores=result.document("scores.json"),
        answers_path=result.folder / "answers.jsonl",
    )


_TAKERS: dict[JobKind, Callable[[Result], None]] = {
    JobKind.READ: _read,
    JobKind.IMPORT: _imported,
    JobKind.FETCH_ADAPTER: _adapter_fetched,
    JobKind.FETCH: _fetched,
    JobKind.TRAIN: _trained,
    JobKind.EVALUATE: _evaluated,
    JobKind.INSPECT: _inspected,
    JobKind.COMPRESS: _compressed,
}


def tell_failed(job: Job) -> None:
    """The job failed for good: the app that ordered it tells who waits for it."""
    try:
        if tell := _TELLERS.get(JobKind(job.kind)):
            tell(job)
    except Exception:
        logger.exception("nobody could be told that %s failed", job.public_id)


_TELLERS: dict[JobKind, Callable[[Job], None]] = {
    JobKind.IMPORT: lambda job: adapters.fail_import(job=job),
    JobKind.FETCH_ADAPTER: lambda job: adapters.fail_import(job=job),
    JobKind.READ: lambda job: datasets.fail(job=job),
    JobKind.FETCH: lambda job: basemodels.fail(job=job),
    JobKind.TRAIN: lambda job: runs.fail(job=job),
}
