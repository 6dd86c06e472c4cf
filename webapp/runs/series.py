"""Reading a run's metrics: chunks and open buffers become what a chart asks for.

Points lie in the order in which they arrived, so a cursor is a count for each metric and the newest rewind it has
seen. Whoever comes back with one gets only what is new; after a rewind, or when a late point belongs between two
that were already sent, everything comes again with `"reset": true`.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django.db.models import QuerySet

from webapp.runs.models import MetricBuffer, MetricChunk, Run
from webapp.runs.points import Cursor, Points, as_json, is_rising, last_visible_step, thinned, visible

T = TypeVar("T")
Pieces = dict[str, list[tuple[int, Points]]]
Marks = Sequence[tuple[int, int]]

_TRIES = 3


def read(run: Run, names: Sequence[str] = (), *, after: str = "", points: int = 1200) -> dict[str, Any]:
    """The metrics `names` (all when empty), each of about `points` points at most.

    `{"cursor", "reset", "total_steps", "series": {name: {"step": […], "value": […], "flags": {…}}}, "thinned"}`;
    a value that was not finite is null, and its step stands in "flags" as "nan", "inf" or "-inf".
    """
    marks = list(run.rewinds.values_list("attempt", "step"))
    rewind = max((attempt for attempt, _step in marks), default=0)
    cursor = Cursor.decoded(after) if after else None
    news = None
    if cursor is not None and cursor.rewind == rewind:
        news = _settled(run, lambda: _after(run, names, cursor, marks))
    if news is None:
        pieces = _settled(run, lambda: _pieces(run, names))
        shown = {name: visible(parts, marks) for name, parts in pieces.items()}
        counts = {name: sum(len(part) for _attempt, part in parts) for name, parts in pieces.items()}
    else:
        shown, counts = news
    thin = {name: thinned(part, points) for name, part in shown.items()}
    return {
        "cursor": Cursor(rewind, counts).encoded(),
        "reset": news is None,
        "total_steps": run.job.total_steps or int(run.planned.get("total_steps", 0)),
        "series": {name: as_json(part) for name, part in thin.items()},
        "thinned": any(len(thin[name]) < len(part) for name, part in shown.items()),
    }


def window(run: Run, names: Sequence[str], *, first: int, last: int, points: int = 1200) -> dict[str, Any]:
    """The part from step `first` to step `last` in more detail, for zooming into what was thinned."""
    shown = {name: part.between(first, last) for name, part in whole(run, names).items()}
    thin = {name: thinned(part, points) for name, part in shown.items()}
    return {
        "series": {name: as_json(part) for name, part in thin.items()},
        "thinned": any(len(thin[name]) < len(part) for name, part in shown.items()),
    }


def whole(run: Run, names: Sequence[str]) -> dict[str, Points]:
    """Every visible point, for rules and tables; a metric that does not exist is an empty one."""
    marks = list(run.rewinds.values_list("attempt", "step"))
    pieces = _settled(run, lambda: _pieces(run, names))
    return {name: visible(pieces.get(name, []), marks) for name in names}


def _settled(run: Run, load: Callable[[], T]) -> T:
    """What `load` says while no buffer was sealed meanwhile: it reads two tables, and sealing moves points between."""
    for _try in range(_TRIES):
        before = _newest_chunk(run)
        loaded = load()
        if _newest_chunk(run) == before:
            break
    return loaded


def _newest_chunk(run: Run) -> int:
    return run.chunks.order_by("-pk").values_list("pk", flat=True).first() or 0


def _of(run: Run, names: Sequence[str]) -> tuple[QuerySet[MetricChunk], QuerySet[MetricBuffer]]:
    chunks, buffers = run.chunks.order_by("pk"), run.buffers.order_by("name")
    return (chunks.filter(name__in=names), buffers.filter(name__in=names)) if names else (chunks, buffers)


def _pieces(run: Run, names: Sequence[str]) -> Pieces:
    return _unpacked(*_of(run, names))


def _unpacked(chunks: QuerySet[MetricChunk], buffers: QuerySet[MetricBuffer]) -> Pieces:
    pieces: Pieces = defaultdict(list)
    for rows in (chunks, buffers):
        for name, attempt, steps, values in rows.values_list("name", "attempt", "steps", "values"):
            pieces[name].append((attempt, Points.unpacked(steps, values)))
    return pieces


def _after(
    run: Run, names: Sequence[str], cursor: Cursor, marks: Marks
) -> tuple[dict[str, Points], dict[str, int]] | None:
    """What arrived since the cursor, and the new counts; None when the reader has to start again."""
    chunks, buffers = _of(run, names)
    passed: dict[str, int] = defaultdict(int)
    last_steps: dict[str, int] = defaultdict(lambda: -1)
    wanted = []
    for pk, name, attempt, count, last_step in chunks.values_list("pk", "name", "attempt", "count", "last_step"):
        if passed[name] + count <= cursor.counts.get(name, 0):
            passed[name] += count
            last_steps[name] = max(last_steps[name], min(last_step, last_visible_step(attempt, marks)))
        else:
            wanted.append(pk)
    news, counts = {}, {}
    for name, parts in _unpacked(run.chunks.filter(pk__in=wanted).order_by("pk"), buffers).items():
        known = cursor.counts.get(name, 0) - passed[name]
        points = _newer(parts, known=known, last_step=last_steps[name], marks=marks)
        if points is None:
            return None
        news[name], counts[name] = points, passed[name] + known + len(points)
    return news, counts


def _newer(parts: list[tuple[int, Points]], *, known: int, last_step: int, marks: Marks) -> Points | None:
    """Points behind the first `known`; None when they do not simply go on after the last one that was shown."""
    new = Points()
    for attempt, points in parts:
        horizon = last_visible_step(attempt, marks)
        shown, rest = points.part(0, known), points.part(known)
        known -= len(shown)
        last_step = max(last_step, min(max(shown.steps, default=-1), horizon))
        if any(step > horizon for step in rest.steps):
            return None
        new.extend(rest)
    is_next = not new.steps or new.steps[0] > last_step
    return new if known == 0 and is_next and is_rising(new.steps) else None
