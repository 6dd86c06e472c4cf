"""The pages of one version: rows and report, columns, problems, versions, who used it."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from webapp.accounts.access import Permission, team_view
from webapp.core import charts, findings, htmx, paging, units
from webapp.core.request import Request
from webapp.core.verdict import Verdict
from webapp.datasets import faults, lengths, queries, rows, showing, verdict, words
from webapp.datasets import findings as dataset_findings
from webapp.datasets.formats import Problem
from webapp.datasets.forms import ColumnsForm
from webapp.datasets.models import Dataset, DatasetVersion
from webapp.datasets.views import scope
from webapp.jobs import queries as jobs
from webapp.jobs import words as job_words
from webapp.jobs.lifecycle import State

ROWS_SHOWN = 3
PROBLEMS_SHOWN = 50
VALUES_SHOWN = 3
ROW_NUMBER_DIGITS = 9
READING_SECONDS, WAITING_SECONDS = 2, 5


@require_safe
@team_view(Permission.VIEW)
def newest(request: Request, dataset: str) -> HttpResponse:
    """A dataset's address without a version leads to its newest one."""
    found = scope.dataset(request, dataset)
    last = get_object_or_404(found.versions.order_by("-number")[:1])
    return redirect("datasets:version", request.team.slug, found.public_id, last.number)


@require_safe
@team_view(Permission.VIEW)
def version(request: Request, dataset: str, number: int) -> HttpResponse:
    found = scope.version(request, dataset, number)
    context = head(found) | {"tab": "rows", "progress": progress(found)}
    if found.is_ready:
        context |= _ready(request, found)
        return htmx.render(request, "datasets/version.html", context, part="rows")
    if context["fault"] is not None and context["fault"].can_map:
        context["columns_form"] = columns_form(found)
    return htmx.render(request, "datasets/unread.html", context)


def head(version: DatasetVersion) -> dict[str, Any]:
    """What the head of each page of a version shows."""
    dataset, job = version.dataset, version.job
    fault = faults.of(job) if job is not None and not version.is_ready and job.state == State.FAILED else None
    return {
        "title": str(version),
        "dataset": dataset,
        "version": version,
        "state": queries.state(version),
        "fault": fault,
        "problems": _first_problems(version) if fault else [],
        "verdict": _verdict(version, fault),
        "newest_number": dataset.versions.order_by("-number").values_list("number", flat=True).first(),
        "version_count": dataset.versions.count(),
        "run_count": queries.run_count(dataset),
        "read_as": words.read_as(version) if version.is_ready else "",
        "layout": words.LAYOUTS.get(version.report.get("layout", ""), ""),
    }


def progress(version: DatasetVersion) -> dict[str, Any]:
    """How far the reading is. `seconds` until the page asks again; `share` is None where nobody knows."""
    job = version.job
    if job is None or version.is_ready or job.is_over:
        return {}
    is_waiting = job.state == State.QUEUED
    return {
        "job": job,
        "now": job_words.now(job),
        "why": job_words.waiting(jobs.why_waiting(job)) if is_waiting else "",
        "is_measured": job.progress_total > 0 and job.progress_unit == "bytes",
        "seconds": WAITING_SECONDS if is_waiting else READING_SECONDS,
    }


def _verdict(version: DatasetVersion, fault: faults.ReadFault | None) -> Verdict:
    if version.is_ready:
        worth_a_look = sum(1 for item in _findings(version) if item.severity is not findings.Severity.PASS)
        return verdict.of_ready(total=version.rows_total, good=version.rows_good, findings=worth_a_look)
    if fault is not None:
        return verdict.of_failed(fault.title, can_map=fault.can_map)
    if version.job is None or version.job.state == State.CANCELLED:
        return verdict.of_cancelled()
    if version.job.state == State.QUEUED:
        return verdict.of_waiting()
    if version.job.state == State.INTERRUPTED:
        return verdict.of_interrupted()
    return verdict.of_reading()


def _findings(version: DatasetVersion) -> list[findings.Finding]:
    place = [version.dataset.team.slug, version.dataset.public_id, version.number]
    links = dataset_findings.Links(
        problems=reverse("datasets:problems", args=place), columns=reverse("datasets:columns", args=place)
    )
    return dataset_findings.of(version, links)


def _ready(request: Request, version: DatasetVersion) -> dict[str, Any]:
    worth_a_look, passed = findings.split(_findings(version))
    before = version.dataset.versions.ready().filter(number__lt=version.number).order_by("-number").first()
    return _rows(request, version) | {
        "findings": worth_a_look,
        "passed": passed,
        "lengths": lengths.chart(version.report),
        "narrow_lengths": lengths.chart(version.report, width=340.0, labels=5),
        "characters": version.report.get("characters", {}),
        "more_rows": version.rows_good - before.rows_good if before else None,
        "version_before": before,
        "bad_rows": [number for numbers in version.report.get("problem_rows", {}).values() for number in numbers][:3],
        "split_parts": [
            charts.Part(_("to train, %s") % units.number(version.train_rows), version.train_rows, "f1"),
            charts.Part(_("to check, %s") % units.number(version.validation_rows), version.validation_rows, "f2"),
        ],
    }


def _rows(request: Request, version: DatasetVersion) -> dict[str, Any]:
    """One page of conversations: behind `after`, in front of `before`, or from row `row` on."""
    split = request.GET.get("split", "")
    after, before = _row_number(request, "after"), _row_number(request, "before")
    wanted = _row_number(request, "row")
    assert version.bundle is not None, "only a version that is ready has rows"
    files = queries.files(version.bundle)
    page = rows.page(files, size=ROWS_SHOWN, split=split, after=wanted - 1 if wanted else after, before=before)
    return {
        "row_page": page,
        "shown_rows": [showing.row(row) for row in page.rows],
        "split": split if split in rows.SPLITS else "",
        "wanted_row": wanted or "",
    }


def _row_number(request: Request, key: str) -> int:
    text = request.GET.get(key, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= ROW_NUMBER_DIGITS else 0


@require_safe
@team_view(Permission.VIEW)
def status(request: Request, dataset: str, number: int) -> HttpResponse:
    """How far the reading is, for a page that waits; when it is over, the page is loaded anew."""
    found = scope.version(request, dataset, number)
    is_over = found.is_ready or found.job is None or found.job.is_over
    if is_over and request.htmx:
        response = htmx.stop_polling(HttpResponse())
        response.headers["HX-Refresh"] = "true"
        return response
    if is_over or not request.htmx:
        return redirect("datasets:version", request.team.slug, dataset, number)
    if not htmx.is_watched(request):
        return HttpResponse(status=204)
    context = head(found) | {"progress": progress(found)}
    return htmx.render(request, "datasets/unread.html", context, part="progress")


@require_safe
@team_view(Permission.VIEW)
def columns(request: Request, dataset: str, number: int) -> HttpResponse:
    """What each column of the file was read as, with its first values."""
    found = scope.ready_version(request, dataset, number)
    context = head(found) | {"tab": "columns", "columns_form": columns_form(found)}
    return htmx.render(request, "datasets/columns.html", context)


def columns_form(version: DatasetVersion, data: Any = None) -> dict[str, Any]:
    """The form with its fields beside the first values of their columns."""
    names, values, mapping = _sample(version)
    form = ColumnsForm(data, columns=names, mapping=mapping)
    lines = [(form[f"column_{index}"], name, values[index]) for index, name in enumerate(names)]
    return {"form": form, "lines": lines}


def _sample(version: DatasetVersion) -> tuple[list[str], list[list[str]], dict[str, str]]:
    """Columns, the first values of each, and what is known or guessed about them."""
    if version.bundle is not None:
        found = rows.sample(queries.files(version.bundle))
        names, lines, mapping = found["columns"], [row["values"] for row in found["rows"]], version.mapping
    else:
        data = version.job.fault_data if version.job else {}
        names, lines = data.get("columns", []), data.get("sample", [])
        mapping = data.get("guess") or version.mapping
    values: list[list[str]] = [
        [line[index] or "" for line in lines[:VALUES_SHOWN] if index < len(line)] for index in range(len(names))
    ]
    return names, values, mapping


@require_safe
@team_view(Permission.VIEW)
def problems(request: Request, dataset: str, number: int) -> HttpResponse:
    """The rows that were left out, with cause and remedy; `code` shows those of one kind."""
    found = scope.ready_version(request, dataset, number)
    code = request.GET.get("code", "")
    code = code if code in set(Problem) else ""
    after = _row_number(request, "after")
    assert found.bundle is not None, "only a version that is ready has a list"
    listed = [item for item in rows.problems(queries.files(found.bundle), code=code) if item["row"] > after]
    counts = found.report.get("problem_counts", {})
    context = head(found) | {
        "tab": "rows",
        "listed": [_problem(item) for item in listed[:PROBLEMS_SHOWN]],
        "next_after": listed[PROBLEMS_SHOWN - 1]["row"] if len(listed) > PROBLEMS_SHOWN else None,
        "is_first": not after,
        "code": code,
        "kinds": [(kind, words.problem_title(kind, count)) for kind, count in counts.items()],
        "unlisted": max(0, found.rows_bad - found.report.get("problems_listed", found.rows_bad)),
    }
    return htmx.render(request, "datasets/problems.html", context)


def _problem(item: dict[str, Any]) -> dict[str, Any]:
    return item | {"cause": words.problem_cause(item), "remedy": words.problem_remedy(item["code"])}


def _first_problems(version: DatasetVersion) -> list[dict[str, Any]]:
    """What the reader said last about a file of which no row could be used."""
    data = version.job.fault_data if version.job else {}
    return [_problem(item) for item in data.get("problems", [])]


@require_safe
@team_view(Permission.VIEW)
def versions(request: Request, dataset: str, number: int) -> HttpResponse:
    found = scope.version(request, dataset, number)
    all_versions = found.dataset.versions.select_related("created_by", "job").order_by("-number")[:200]
    context = head(found) | {"tab": "versions", "versions": [(item, queries.state(item)) for item in all_versions]}
    return htmx.render(request, "datasets/versions.html", context)


@require_safe
@team_view(Permission.VIEW)
def used_by(request: Request, dataset: str, number: int) -> HttpResponse:
    found = scope.version(request, dataset, number)
    page = paging.page(_runs(found.dataset), after=request.GET.get("after", ""), size=30)
    return htmx.render(request, "datasets/used_by.html", head(found) | {"tab": "used", "page": page})


def _runs(dataset: Dataset) -> Any:
    return queries.runs(dataset)
