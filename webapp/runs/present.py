"""What the page of a run shows, made from its rows: once for the whole page and again for each poll."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from django.core.cache import cache
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from webapp.core import units
from webapp.core.verdict import Verdict
from webapp.jobs import queries as jobs
from webapp.jobs import words
from webapp.jobs.lifecycle import State
from webapp.jobs.models import Job, JobEvent
from webapp.runs import estimate, progress, series, verdict
from webapp.runs.models import Checkpoint, Run
from webapp.runs.points import Points

COURSE_SECONDS = 5
SMOOTHED_STEPS = 5
EVENTS_SHOWN = 40
CHECKPOINTS_SHOWN = 6
NOTABLE = 0.05  # a pace that differs less from what was expected is as expected


@dataclass(frozen=True)
class Course:
    """The two curves on which the words about a run rest."""

    losses: list[float | None]
    checks: list[tuple[int, float]]

    @property
    def best(self) -> tuple[int, float] | None:
        """Of the checks after step 0, which measures the base model."""
        trained = [check for check in self.checks if check[0] > 0]
        return min(trained, key=lambda check: check[1]) if trained else None


def course(run: Run) -> Course:
    """Shared for some seconds between all who look at the same step of the same run."""
    key = f"run-course:{run.pk}:{run.job.state}:{run.job.step}:{run.planned.get('resumed_from_step', 0)}"
    kept = cache.get(key)
    if kept is None:
        whole = series.whole(run, ["loss", "validation_loss"])
        kept = {"losses": _finite(whole["loss"]), "checks": _pairs(whole["validation_loss"])}
        cache.set(key, kept, COURSE_SECONDS)
    return Course(losses=kept["losses"], checks=[(step, value) for step, value in kept["checks"]])


def _finite(points: Points) -> list[float | None]:
    return [value if units.is_known(value) else None for value in points.values]


def _pairs(points: Points) -> list[tuple[int, float]]:
    return [(step, value) for step, value in zip(points.steps, points.values, strict=True) if units.is_known(value)]


def sentence(run: Run, known: Course) -> Verdict:
    """The verdict of the page."""
    job = run.job
    waiting = jobs.why_waiting(job) if job.state == State.QUEUED else None
    return verdict.of(
        verdict.Facts(
            state=job.state,
            asked=job.asked,
            phase=job.phase,
            phase_words=words.now(job),
            step=job.step,
            total_steps=job.total_steps,
            seconds_left=progress.seconds_left(run),
            losses=known.losses,
            checks=[value for _step, value in known.checks],
            waits=waiting.code if waiting else "",
            ahead=waiting.position - 1 if waiting else 0,
            fault_title=words.fault(job).title if job.state == State.FAILED else "",
            loss_before=run.result.get("validation_loss_before"),
            loss_after=run.result.get("validation_loss_after"),
            is_stopped_early=bool(run.result.get("is_stopped_early")),
        )
    )


@dataclass(frozen=True, kw_only=True)
class Stat:
    """One number of the row of numbers; `key` makes the ids by which polls replace it."""

    key: str
    label: str
    value: str
    unit: str = ""
    note: str = ""
    tone: str = ""
    term: str = ""


def stats(run: Run, known: Course) -> list[Stat]:
    return [_validation(run, known), _training(known), _speed(run), _memory(run), _best(run, known)]


def _validation(run: Run, known: Course) -> Stat:
    label = _("Validation loss")
    if not run.dataset_version.validation_rows:
        note = _("no rows are held back")
        return Stat(key="validation", label=label, value=units.UNKNOWN, note=note, term="validation-loss")
    values = [value for _step, value in known.checks]
    newest = values[-1] if values else None
    note, tone = _("measured at the first check") if newest is None else _("first check"), ""
    if len(values) > 1:
        change = values[-1] - values[-2]
        note = _("%(change)s since last check") % {"change": units.delta(change, 3)}
        tone = "good" if change < 0 else "warn"
    value = units.number(newest, 3)
    return Stat(key="validation", label=label, value=value, note=note, tone=tone, term="validation-loss")


def _training(known: Course) -> Stat:
    newest = [value for value in known.losses[-SMOOTHED_STEPS:] if value is not None]
    note = _("smoothed over %(count)s steps") % {"count": SMOOTHED_STEPS} if len(newest) == SMOOTHED_STEPS else ""
    value = units.number(fmean(newest) if newest else None, 3)
    return Stat(key="training", label=_("Training loss"), value=value, note=note, term="loss")


def _speed(run: Run) -> Stat:
    value = units.number(run.last_values.get("tokens_per_second"), 0)
    note, tone = _against_estimate(run)
    label, unit = _("Speed"), _("tokens/s")
    return Stat(key="speed", label=label, value=value, unit=unit, note=note, tone=tone, term="tokens-per-second")


def _against_estimate(run: Run) -> tuple[str, str]:
    expected, steps = run.estimate.get("seconds"), run.estimate.get("steps")
    seconds, done = progress.seconds_done(run), run.job.step
    if not expected or not steps or not seconds or done < SMOOTHED_STEPS:
        return "", ""
    ratio = ((expected - estimate.START_SECONDS) / steps) / (seconds / done)  # starting is no part of the pace
    if abs(ratio - 1) < NOTABLE:
        return _("as expected"), ""
    if ratio > 1:
        return _("%(share)s faster than expected") % {"share": units.percent(ratio - 1, 0)}, "good"
    return _("%(share)s slower than expected") % {"share": units.percent(1 - ratio, 0)}, ""


def _memory(run: Run) -> Stat:
    used, said = run.last_values.get("memory_bytes"), run.estimate.get("memory_bytes")
    note = _("estimate was %(memory)s") % {"memory": units.memory(said)} if said else ""
    number, _space, unit = units.memory(used).partition(units.NBSP)
    return Stat(key="memory", label=_("Memory"), value=number, unit=unit, note=note, term="memory")


def _best(run: Run, known: Course) -> Stat:
    best = known.best
    label = _("Best check")
    if best is None:
        return Stat(key="best", label=label, value=units.UNKNOWN, note=_("none yet"))
    step, value = best
    note = _("at step %(step)s") % {"step": units.number(step)}
    return Stat(key="best", label=label, value=units.number(value, 3), note=note)


@dataclass(frozen=True)
class Happened:
    at: dt.datetime
    text: str | SafeString
    tone: str


def story(run: Run, known: Course) -> list[Happened]:
    """What happened, newest first. Of many checkpoints only the newest and the best are told."""
    rows = jobs.story(run.job)
    saved = [row for row in rows if row.code == "checkpoint"]
    best_step = known.best[0] if known.best else None
    told = {row.pk for row in saved[-1:]} | {row.pk for row in saved if row.data.get("step") == best_step}
    shown = [row for row in rows if row.code != "checkpoint" or row.pk in told]
    return [_happened(row, known) for row in reversed(shown[-EVENTS_SHOWN:])]


_GOOD = frozenset({"succeeded", "best_checkpoint_used"})
_TURNS = frozenset({"planned", "claimed"})


def _happened(row: JobEvent, known: Course) -> Happened:
    if row.code == "checkpoint":
        return _checkpoint_told(row, known)
    tone = "warn" if row.is_warning or row.code in {"interrupted", "failed"} else ""
    tone = tone or ("good" if row.code in _GOOD else "accent" if row.code in _TURNS else "")
    return Happened(row.at, words.event_sentence(row), tone)


def _checkpoint_told(row: JobEvent, known: Course) -> Happened:
    step = row.data.get("step")
    if known.best and known.best[0] == step:
        text = _("<b>Checkpoint</b> at step {step} written and read back. Best so far, {loss}.")
        loss = units.number(known.best[1], 3)
        return Happened(row.at, format_html(text, step=units.number(step), loss=loss), "good")
    text = _("<b>Checkpoint</b> at step {step} written and read back.")
    return Happened(row.at, format_html(text, step=units.number(step)), "")


def checkpoints(run: Run, known: Course) -> list[tuple[Checkpoint, bool]]:
    """The newest, each with whether it is the best; those that a rewind took back are gone."""
    marks = list(run.rewinds.values_list("attempt", "step"))
    rows = list(run.checkpoints.order_by("-step", "-attempt"))
    kept = [row for row in rows if all(mark <= row.attempt or row.step <= step for mark, step in marks)]
    best = known.best[0] if known.best else None
    return [(row, row.step == best) for row in kept[:CHECKPOINTS_SHOWN]]


def marks(run: Run) -> list[int]:
    """Steps at which checkpoints stand, for the rule under the head and under the charts."""
    steps = sorted(set(run.checkpoints.values_list("step", flat=True)))
    return steps[:: max(1, len(steps) // 24)]


def environment(run: Run) -> list[tuple[str, str]]:
    """What the engine decided for itself and which libraries it ran with."""
    started = JobEvent.objects.filter(job=run.job, code="started").order_by("-pk").first()
    versions: dict[str, Any] = (started.data.get("versions") or {}) if started else {}
    decided: dict[str, Any] = run.planned.get("decisions") or {}
    known = [(name.replace("_", " "), _plain(value)) for name, value in decided.items()]
    return known + [(name, str(version)) for name, version in sorted(versions.items())]


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return units.number(value) if isinstance(value, int | float) else str(value)


def seconds_taken(run: Run) -> float | None:
    """From the claim to the end, over all attempts: what the estimate foretold, without waiting in line."""
    attempts = run.job.attempts.values_list("started_at", "ended_at")
    return sum((end - start).total_seconds() for start, end in attempts if end) or None


def interval_seconds(job: Job, viewers: int) -> int:
    """How soon the page asks again; 0 when there is nothing more to come."""
    if job.is_over:
        return 0
    if job.state == State.PAUSED:
        return 15
    if job.state == State.QUEUED:
        return 5
    return 2 if viewers <= 20 else 5 if viewers <= 200 else 10


def count_viewers(run: Run, who: int, now: dt.datetime) -> int:
    """About how many looked at this run within the last quarter of a minute. Without a cache: one."""
    window = int(now.timestamp()) // 15
    if cache.add(f"run-viewer:{run.pk}:{window}:{who}", 1, 30):
        cache.add(f"run-viewers:{run.pk}:{window}", 0, 60)
        try:
            cache.incr(f"run-viewers:{run.pk}:{window}")
        except ValueError:  # it was thrown out between the two calls
            pass
    counts: Sequence[int] = [cache.get(f"run-viewers:{run.pk}:{one}") or 0 for one in (window, window - 1)]
    return max(1, *counts)
