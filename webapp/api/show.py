"""Rows to documents. One function for each; none of them asks for permission, the routes did."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.urls import reverse

from webapp.adapters import cards, gains, imported, inside, scoretable, terms
from webapp.adapters import queries as adapter_queries
from webapp.adapters.models import AdapterImport, AdapterVersion, Compression, Listing
from webapp.artifacts import actions as artifacts
from webapp.artifacts.models import Upload
from webapp.basemodels.models import PretrainedModel
from webapp.contract.spec import JobKind
from webapp.datasets import faults as dataset_faults
from webapp.datasets.models import Dataset, DatasetVersion
from webapp.evaluation.models import Report
from webapp.jobs import queries as job_queries
from webapp.jobs import words
from webapp.jobs.models import Job, JobEvent, State
from webapp.lineage.picture import Line, Picture
from webapp.lineage.things import Thing
from webapp.runs import progress
from webapp.runs.models import Recipe, Run


def address(name: str, *args: Any) -> str:
    """The absolute address of a page."""
    return settings.PUBLIC_URL + reverse(name, args=args)


def upload(row: Upload) -> dict[str, Any]:
    return {
        "id": row.public_id,
        "file_name": row.file_name,
        "size_bytes": row.size_bytes,
        "offset": artifacts.received_bytes(row),
        "chunk_bytes": settings.UPLOAD_CHUNK_BYTES,
        "state": row.state,
    }


def job(row: Job) -> dict[str, Any]:
    return {
        "id": row.public_id,
        "kind": row.kind,
        "state": row.state,
        "asked": row.asked,
        "phase": row.phase,
        "step": row.step,
        "total_steps": row.total_steps,
        "done": row.progress_done,
        "total": row.progress_total,
        "unit": row.progress_unit,
        "queue_position": job_queries.position(row) if row.state == State.QUEUED else None,
        "fault": _fault(row) if row.state == State.FAILED else None,
        "created_at": row.created_at,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
    }


def _fault(row: Job) -> dict[str, Any]:
    said = dataset_faults.of(row) if row.kind == JobKind.READ else words.fault(row)
    text = {"title": str(said.title), "meaning": str(said.meaning), "remedy": str(said.remedy)}
    return {"code": row.fault, "is_ours": said.is_ours, "reference": said.reference, "data": row.fault_data} | text


def dataset(row: Dataset) -> dict[str, Any]:
    return {
        "id": row.public_id,
        "name": row.name,
        "description": row.description,
        "licence": row.licence,
        "versions": [dataset_version(version) for version in row.versions.select_related("job").order_by("-number")],
        "created_at": row.created_at,
        "url": address("datasets:detail", row.team.slug, row.public_id),
    }


def dataset_version(row: DatasetVersion) -> dict[str, Any]:
    return {
        "id": row.public_id,
        "number": row.number,
        "state": "ready" if row.bundle_id else (row.job.state if row.job else "failed"),
        "file_name": row.file_name,
        "format": row.format,
        "encoding": row.encoding,
        "rows_total": row.rows_total,
        "rows_good": row.rows_good,
        "rows_bad": row.rows_bad,
        "train_rows": row.train_rows,
        "validation_rows": row.validation_rows,
        "content_sha256": row.content_sha256,
        "problems": row.report.get("problem_counts", {}),
        "job": job(row.job) if row.job else None,
        "created_at": row.created_at,
    }


def base_model(row: PretrainedModel) -> dict[str, Any]:
    return {
        "id": row.public_id,
        "name": row.name,
        "revision": row.revision,
        "state": "ready" if row.bundle_id else (row.job.state if row.job else "failed"),
        "licence": row.licence,
        "architecture": row.architecture,
        "parameters": row.parameters,
        "size_bytes": row.size_bytes,
        "context_length": row.context_length,
        "has_chat_template": row.has_chat_template,
        "created_at": row.created_at,
    }


def recipe(row: Recipe) -> dict[str, Any]:
    return {
        "id": row.public_id,
        "name": str(row.name),
        "description": row.description,
        "is_built_in": row.team_id is None,
        "config": row.config,
    }


def run(row: Run) -> dict[str, Any]:
    made = adapter_queries.live_for_run(row.pk)
    return {
        "id": row.public_id,
        "name": row.name,
        "state": row.job.state,
        "dataset": row.dataset_version.dataset.public_id,
        "dataset_version": row.dataset_version.number,
        "base_model": row.base_model.public_id,
        "recipe": row.recipe.public_id if row.recipe else None,
        "config": row.config,
        "estimate": row.estimate,
        "planned": row.planned,
        "values": row.last_values,
        "result": row.result,
        "seconds_left": progress.seconds_left(row),
        "adapter": made.adapter.public_id if made else None,
        "adapter_version": made.number if made else None,
        "job": job(row.job),
        "created_at": row.created_at,
        "url": address("runs:detail", row.team.slug, row.public_id),
    }


def event(row: JobEvent) -> dict[str, Any]:
    return {
        "at": row.at,
        "code": row.code,
        "text": str(words.event_sentence(row)),
        "is_warning": row.is_warning,
        "data": row.data,
    }


def adapter_import(row: AdapterImport) -> dict[str, Any]:
    version = imported.live_version(row)
    return {
        "id": row.public_id,
        "name": row.name,
        "state": imported.state(row),
        "base_model": row.base_model.public_id,
        "repository": row.repository,
        "commit": row.commit,
        "adapter": version.adapter.public_id if version else None,
        "version": version.number if version else None,
        "was_known": row.was_known,
        "warnings": [item.text for item in imported.warnings(version) if item.is_warning] if version else [],
        "job": job(row.job) if row.job else None,
        "created_at": row.created_at,
        "url": address("adapters:import", row.team.slug, row.public_id),
    }


def adapter(row: Listing) -> dict[str, Any]:
    about, version = row.adapter, row.version
    gain = gains.of_losses(row.base_loss, row.loss)
    return {
        "id": about.public_id,
        "name": about.name,
        "description": about.description,
        "task": about.task,
        "tags": row.tags,
        "owner": row.owner.public_id if row.owner else None,
        "owner_name": str(row.owner) if row.owner else None,
        "base_model": row.base_model.public_id,
        "base_name": row.base_model.name,
        "base_revision": row.base_model.revision,
        "licence": row.licence,
        "newest_version": version.number,
        "stage": version.stage,
        "production": row.production,
        "candidate": row.candidate,
        "loss": row.loss,
        "base_loss": row.base_loss,
        "gain": -gain.share if gain else None,
        "created_at": about.created_at,
        "url": address("adapters:detail", row.team.slug, about.public_id),
    }


def adapter_version(row: AdapterVersion) -> dict[str, Any]:
    scores = scoretable.rows(row)
    report, licence = adapter_queries.measured(row).report, terms.of(row)
    own = f"{settings.PUBLIC_URL}/api/v1/adapters/{row.adapter.public_id}/versions/{row.number}"
    return {
        "id": row.public_id,
        "number": row.number,
        "stage": row.stage,
        "base_model": row.base_model.name,
        "base_revision": row.base_model.revision,
        "run": row.run.public_id if row.run else None,
        "sha256": row.sha256,
        "size_bytes": row.bundle.size_bytes,
        "licence": licence.expression,
        "licence_reason": licence.reason,
        "scores": [
            {"name": s.name, "label": s.label, "value": s.value, "base": s.base, "is_better": s.is_better}
            for s in scores
        ],
        "files": [
            {"path": item.path, "size_bytes": item.blob.size_bytes, "sha256": item.blob.sha256}
            for item in adapter_queries.files(row)
        ],
        "report": report.public_id if report else None,
        "created_at": row.created_at,
        "download_url": f"{own}/download",
    }


def card(row: AdapterVersion) -> dict[str, Any]:
    text = cards.text(row)
    return {"text": text, "revision": cards.revision(text), "is_edited": row.is_card_edited}


def anatomy(found: inside.Inside) -> dict[str, Any]:
    summary: dict[str, Any] = found.row.summary if found.row and found.is_known else {}
    state = "known" if summary else "under_way" if found.is_under_way else "failed" if found.fault else "unknown"
    return {
        "state": state,
        "verdict": str(found.verdict),
        "rank": summary.get("rank"),
        "behaves_as": summary.get("behaves_as"),
        "kept": summary.get("kept", []),
        "layers": summary.get("layers", []),
        "modules": found.row.modules if found.row else [],
        "job": job(found.row.job) if found.row and found.row.job else None,
    }


def compression(row: Compression) -> dict[str, Any]:
    told = ("from_rank", "kept", "error", "bytes_before", "bytes_after", "validation_loss")
    return {
        "id": row.public_id,
        "rank": row.rank,
        "state": row.job.state,
        "made": row.made.number if row.made else None,
        **{name: row.facts.get(name) for name in told},
        "job": job(row.job),
        "created_at": row.created_at,
    }


def lineage(found: Picture, affected: Sequence[str]) -> dict[str, Any]:
    return {
        "thing": _thing(found.thing),
        "made_from": [_line(line) for line in found.before],
        "came_of_it": [_line(line) for line in found.after],
        "withdrawals": [
            {"id": row.public_id, "thing": row.thing, "name": row.name, "reason": row.reason, "at": row.created_at}
            for row in found.withdrawals
        ],
        "affected": list(affected),
    }


def _thing(one: Thing) -> dict[str, Any]:
    url = settings.PUBLIC_URL + one.url if one.url else ""
    return {"id": one.public_id, "kind": one.kind, "name": one.name, "stage": one.stage, "url": url}


def _line(line: Line) -> dict[str, Any]:
    return _thing(line.thing) | {"relation": line.edge.relation, "of": line.near}


def report(row: Report) -> dict[str, Any]:
    return {
        "id": row.public_id,
        "state": row.job.state,
        "scores": row.scores,
        "samples": row.samples,
        "job": job(row.job),
        "created_at": row.created_at,
    }
