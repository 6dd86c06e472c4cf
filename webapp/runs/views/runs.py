"""The list of runs, and one run with everything that can be done to it."""

import datetime as dt
import json
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from webapp.accounts import access
from webapp.accounts.access import Permission
from webapp.contract import codec
from webapp.contract.events import Fault
from webapp.core import confirm, htmx, paging, toasts
from webapp.core.charts import Series
from webapp.core.faults import UserFault
from webapp.core.request import Request
from webapp.jobs import queries as jobs
from webapp.jobs import words
from webapp.jobs.lifecycle import HELD, State
from webapp.jobs.models import Job
from webapp.runs import actions, fields, kept, planning, present, progress, series, verdict
from webapp.runs.forms import NameForm
from webapp.runs.models import Run

FILTERS: dict[str, list[str]] = {
    "active": [State.STARTING, State.RUNNING, State.FINISHING, State.INTERRUPTED],
    "waiting": [State.QUEUED, State.PAUSED],
    "done": [State.SUCCEEDED],
    "failed": [State.FAILED, State.CANCELLED],
}
_TOLD = frozenset({State.INTERRUPTED, State.FAILED})  # these need more words than the verdict has
# What may go better another time; of other faults the settings or the data are the cause.
_MAY_PASS = frozenset(
    {Fault.INTERNAL, Fault.DAMAGED_INPUT, Fault.OUT_OF_MEMORY, Fault.DISK_FULL, Fault.CONTRACT_VERSION}
)
MEMORY = "memory_gb"  # what the chart shows of "memory_bytes"
GB = 2**30
LONGEST_ANSWER = 10_000


@require_GET
@access.team_view(Permission.VIEW)
def list_runs(request: Request) -> HttpResponse:
    runs = Run.objects.live().filter(team=request.team)
    counts = runs.aggregate(
        count=Count("id"),
        **{name: Count("id", filter=Q(job__state__in=states)) for name, states in FILTERS.items()},
    )
    wanted = request.GET.get("state", "")
    if wanted in FILTERS:
        runs = runs.filter(job__state__in=FILTERS[wanted])
    related = ("job", "dataset_version__dataset", "base_model", "recipe", "created_by")
    page = paging.page(runs.select_related(*related), after=request.GET.get("after", ""), size=30)
    context = {
        "title": _("Runs"),
        "verdict": verdict.of_list(
            running=counts["active"], waiting=counts["waiting"], failed=counts["failed"], count=counts["count"]
        ),
        "page": page,
        "rows": [(run, progress.seconds_left(run)) for run in page],
        "counts": counts,
        "wanted": wanted,
    }
    return htmx.render(request, "runs/list.html", context)


@require_GET
@access.team_view(Permission.VIEW)
def detail(request: Request, run_id: str) -> HttpResponse:
    run = _run(request, run_id)
    known = present.course(run)
    config = fields.stored(run.config)
    recipe = run.recipe
    context = _live_context(request, run, known) | {
        "title": run.name,
        "summary": fields.summary(config),
        "config_facts": fields.facts(config),
        "config_json": json.dumps(codec.to_dict(config), indent=2),
        "recipe": recipe,
        "recipe_name": planning.title_of(recipe) if recipe else "",
        "differences": fields.differences(config, fields.stored(recipe.config)) if recipe else [],
        "environment": present.environment(run),
        "charts": _charts(),
        "marks": present.marks(run),
        "steps_per_epoch": progress.steps_per_epoch(run),
        "seconds_taken": present.seconds_taken(run) if run.job.state == State.SUCCEEDED else None,
        "total_steps": run.job.total_steps or run.planned.get("total_steps") or 0,
    }
    return htmx.render(request, "runs/detail.html", context)


def _charts() -> dict[str, list[Series]]:
    return {
        "loss": [
            Series(name="loss", label=_("training"), kind="smoothed", number=1),
            Series(name="validation_loss", label=_("validation"), kind="points", number=2),
        ],
        "learning_rate": [Series(name="learning_rate", label=_("learning rate"))],
        "grad_norm": [Series(name="grad_norm", label=_("gradient norm"))],
        "speed": [Series(name="tokens_per_second", label=_("tokens a second"))],
        "memory": [Series(name=MEMORY, label=_("memory"))],
    }


@require_GET
@access.team_view(Permission.VIEW)
def status(request: Request, run_id: str) -> HttpResponse:
    """What a poll replaces. Buttons and lists come only when they changed, so that nobody's hand is moved."""
    run = _run(request, run_id)
    known = present.course(run)
    context = _live_context(request, run, known)
    seen = request.GET.get("seen", "").split(".")
    context["is_poll"] = True
    context["has_new_state"], context["has_new_story"] = _news(seen, context["seen"].split("."))
    response = htmx.render(request, "runs/_live.html", context)
    if seen[-1:] != [str(run.job.step)] or context["has_new_state"]:
        htmx.trigger(response, "run:moved", {"step": run.job.step})
    return response if context["interval"] else htmx.stop_polling(response)


def _news(before: list[str], now: list[str]) -> tuple[bool, bool]:
    """Whether the state, and whether the story, is another than the browser has."""
    if len(before) != len(now):
        return True, True
    return before[:2] != now[:2], before[:3] != now[:3]


def _live_context(request: Request, run: Run, known: present.Course) -> dict[str, Any]:
    job = run.job
    newest = job.events.order_by("-pk").values_list("pk", flat=True).first() or 0
    viewers = present.count_viewers(run, request.user.pk or 0, timezone.now())
    attempt = jobs.current_attempt(job)
    left = progress.seconds_left(run)
    adapter = run.adapter_versions.select_related("adapter").order_by("-id").first()
    can_steer = _may_change(request, run)
    waiting = _hindrance(job)
    return {
        "run": run,
        "job": job,
        "now": words.now(job),
        "verdict": present.sentence(run, known),
        "stats": present.stats(run, known),
        "story": present.story(run, known),
        "checkpoints": present.checkpoints(run, known),
        "marks": present.marks(run),
        "seconds_done": progress.seconds_done(run),
        "seconds_left": left,
        "ends_at": None if left is None else timezone.now() + dt.timedelta(seconds=left),
        "epoch": run.last_values.get("epoch"),
        "epochs": progress.epochs(run),
        "epoch_digits": 1 if progress.epochs(run) >= 1 else 2,
        "fault": words.fault(job) if job.state == State.FAILED else None,
        "is_worth_retrying": job.fault in _MAY_PASS,
        "kept": kept.checkpoint(run),
        "waiting": waiting,
        "adapter": adapter,
        "attempt": attempt,
        "can_steer": can_steer,
        "has_notice": bool(adapter or waiting) or job.state in _TOLD or not (can_steer or job.is_over),
        "why_not": access.why_not(Permission.TRAIN if _is_own(request, run) else Permission.MANAGE),
        "is_held": job.state in HELD,
        "interval": present.interval_seconds(job, viewers),
        "seen": f"{job.state}.{job.asked}.{newest}.{job.step}",
    }


def _hindrance(job: Job) -> str:
    """Why it does not start, unless it only waits for its turn."""
    if job.state != State.QUEUED:
        return ""
    found = jobs.why_waiting(job)
    return "" if found.code == "in_line" else words.waiting(found)


@require_GET
@access.team_view(Permission.VIEW)
def metrics(request: Request, run_id: str) -> HttpResponse:
    """For chart.js: `names`, and `after` a cursor or `from` and `to` steps."""
    run = _run(request, run_id)
    names = [name for name in request.GET.get("names", "").split(",") if name]
    asked = ["memory_bytes" if name == MEMORY else name for name in names]
    points = min(_number(request, "points", 1200), LONGEST_ANSWER)
    if "from" in request.GET:
        first, last = _number(request, "from", 0), _number(request, "to", 2**31 - 1)
        answer = series.window(run, asked, first=first, last=last, points=points)
    else:
        answer = series.read(run, asked, after=request.GET.get("after", ""), points=points)
    if MEMORY in names and "memory_bytes" in answer["series"]:
        memory = answer["series"].pop("memory_bytes")
        memory["value"] = [value and round(value / GB, 3) for value in memory["value"]]
        answer["series"][MEMORY] = memory
    return JsonResponse(answer, headers={"Cache-Control": "private, no-store"})


def _number(request: Request, name: str, default: int) -> int:
    text = request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 11 else default


@require_GET
@access.team_view(Permission.VIEW)
def log(request: Request, run_id: str) -> HttpResponse:
    run = _run(request, run_id)
    attempts = list(run.job.attempts.order_by("-number"))
    numbers = [attempt.number for attempt in attempts]
    wanted = _number(request, "attempt", numbers[0] if numbers else 0)
    context = {
        "title": _("Log of %(name)s") % {"name": run.name},
        "verdict": _("What the program wrote, *for whoever looks for a cause.*"),
        "run": run,
        "attempts": attempts,
        "wanted": wanted,
        "text": jobs.log_tail(run.job, attempt=wanted) if wanted in numbers else "",
    }
    return htmx.render(request, "runs/log.html", context, part="log")


_VERBS = {
    "pause": actions.pause,
    "resume": actions.resume,
    "stop": actions.stop_and_keep,
    "retry": actions.retry,
}


@require_POST
@access.team_view(Permission.TRAIN)
def steer(request: Request, run_id: str, verb: str) -> HttpResponse:
    """Pause, resume, stop and keep, try again: done at once, and said by the page itself."""
    run = _run(request, run_id)
    try:
        _VERBS[verb](by=request.user, run=run)
    except UserFault as fault:
        toasts.show(request, str(fault), is_bad=True)
    return redirect("runs:detail", request.team.slug, run_id)


@require_http_methods(["GET", "POST"])
@access.team_view(Permission.TRAIN)
def cancel(request: Request, run_id: str) -> HttpResponse:
    run = _run(request, run_id)
    back = reverse("runs:detail", args=[request.team.slug, run_id])
    _require_change(request, run)
    question = confirm.Question(
        title=_("Cancel %(name)s?") % {"name": run.name},
        intro=_("It ends now and no adapter is made. To keep what it learned so far, choose “Stop and keep” instead."),
        button=_("Cancel the run"),
        keep=_("Let it run"),
        back=back,
    )
    if not confirm.is_confirmed(request, question):
        return confirm.ask(request, question)
    try:
        actions.cancel(by=request.user, run=run)
    except UserFault as fault:
        toasts.show(request, str(fault), is_bad=True)
    return redirect(back)


@require_http_methods(["GET", "POST"])
@access.team_view(Permission.TRAIN)
def delete(request: Request, run_id: str) -> HttpResponse:
    run = _run(request, run_id)
    back = reverse("runs:detail", args=[request.team.slug, run_id])
    _require_change(request, run)
    question = confirm.Question(
        title=_("Delete %(name)s?") % {"name": run.name},
        intro=_("Its curves, events and log go to the trash, from where they can come back for 7 days."),
        consequences=[_("An adapter that it made stays in the catalog.")] if run.adapter_versions.exists() else [],
        button=_("Delete"),
        back=back,
    )
    if not confirm.is_confirmed(request, question):
        return confirm.ask(request, question)
    try:
        actions.delete(by=request.user, run=run)
    except UserFault as fault:
        toasts.show(request, str(fault), is_bad=True)
        return redirect(back)
    undo = reverse("runs:restore", args=[request.team.slug, run_id])
    toasts.show(request, _("%(name)s is in the trash.") % {"name": run.name}, undo=undo)
    return redirect("runs:list", request.team.slug)


@require_POST
@access.team_view(Permission.TRAIN)
def restore(request: Request, run_id: str) -> HttpResponse:
    run = get_object_or_404(Run, team=request.team, public_id=run_id)
    actions.restore(by=request.user, run=run)
    toasts.show(request, _("%(name)s is back.") % {"name": run.name})
    return redirect("runs:detail", request.team.slug, run_id)


@require_POST
@access.team_view(Permission.TRAIN)
def restore_checkpoints(request: Request, run_id: str) -> HttpResponse:
    run = get_object_or_404(Run.objects.live(), team=request.team, public_id=run_id)
    actions.restore_checkpoints(by=request.user, run=run)
    toasts.show(request, _("The checkpoints of %(name)s are back.") % {"name": run.name})
    return redirect("runs:detail", request.team.slug, run_id)


@require_http_methods(["GET", "POST"])
@access.team_view(Permission.TRAIN)
def rename(request: Request, run_id: str) -> HttpResponse:
    run = _run(request, run_id)
    _require_change(request, run)
    form = NameForm(request.POST or None, initial={"name": run.name})
    if request.method == "POST" and form.is_valid():
        try:
            actions.rename(by=request.user, run=run, name=form.cleaned_data["name"])
        except UserFault as fault:
            form.add_error("name", fault.message)
        else:
            return redirect("runs:detail", request.team.slug, run_id)
    context = {"title": _("Rename %(name)s") % {"name": run.name}, "run": run, "form": form}
    return htmx.render(request, "runs/rename.html", context, status=422 if form.errors else 200)


def _run(request: Request, run_id: str) -> Run:
    related = ("job__worker", "dataset_version__dataset", "base_model", "recipe", "created_by", "team")
    rows: QuerySet[Run] = Run.objects.live().filter(team=request.team).select_related(*related)
    run = rows.filter(public_id=run_id).first()
    if run is None:
        raise Http404
    return run


def _is_own(request: Request, run: Run) -> bool:
    return run.created_by_id == request.user.pk


def _may_change(request: Request, run: Run) -> bool:
    needed = Permission.TRAIN if _is_own(request, run) else Permission.MANAGE
    return access.role_can(request.membership.role, needed)


def _require_change(request: Request, run: Run) -> None:
    if not _may_change(request, run):
        raise PermissionDenied(access.why_not(Permission.MANAGE))
