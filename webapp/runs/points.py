"""The arithmetic of one metric's points: packing them into bytes, thinning them for a screen, pointing into them.

Steps are little-endian int32 and values little-endian float32, in the order in which they arrived. A value that
is not a finite number is kept as what it was (NaN or an infinity) and becomes null with a flag on its way out.
"""

import base64
import binascii
import bisect
import json
import math
import operator
import sys
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T", int, float)

CHUNK_POINTS = 1024
LARGEST_STEP = 2**31 - 1
_LARGEST_VALUE = 3.4028234663852886e38  # the largest float32

FLAG_VALUES = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


@dataclass
class Points:
    """Steps with their values, side by side."""

    steps: "array[int]" = field(default_factory=lambda: array("i"))
    values: "array[float]" = field(default_factory=lambda: array("f"))

    def __len__(self) -> int:
        return len(self.steps)

    def append(self, step: int, value: float) -> None:
        self.steps.append(step)
        self.values.append(value)

    def extend(self, other: "Points") -> None:
        self.steps.extend(other.steps)
        self.values.extend(other.values)

    def part(self, start: int, end: int | None = None) -> "Points":
        return Points(self.steps[start:end], self.values[start:end])

    def between(self, first: int, last: int) -> "Points":
        """The points of these steps; for steps that rise."""
        return self.part(bisect.bisect_left(self.steps, first), bisect.bisect_right(self.steps, last))

    def packed(self) -> tuple[bytes, bytes]:
        return _little_endian(self.steps).tobytes(), _little_endian(self.values).tobytes()

    @classmethod
    def unpacked(cls, steps: bytes | memoryview, values: bytes | memoryview) -> "Points":
        points = cls(array("i"), array("f"))
        points.steps.frombytes(bytes(steps))
        points.values.frombytes(bytes(values))
        return cls(_little_endian(points.steps), _little_endian(points.values))


def _little_endian(numbers: "array[T]") -> "array[T]":
    if sys.byteorder == "little":
        return numbers
    swapped = numbers[:]
    swapped.byteswap()
    return swapped


def storable(value: object, flag: str = "") -> float:
    """What is kept of a value: itself when float32 can hold it, else NaN or an infinity."""
    if flag in FLAG_VALUES:
        return FLAG_VALUES[flag]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    if value != value or -_LARGEST_VALUE <= value <= _LARGEST_VALUE:
        return float(value)
    return math.inf if value > 0 else -math.inf


def bounds(values: Iterable[float]) -> tuple[float, float]:
    """Smallest and largest finite value; (inf, -inf), which no value lies in, when there is none."""
    finite = [value for value in values if math.isfinite(value)]
    return (min(finite), max(finite)) if finite else (math.inf, -math.inf)


def visible(attempts: Sequence[tuple[int, Points]], rewinds: Iterable[tuple[int, int]]) -> Points:
    """One value a step, in the order of steps: the newest attempt's, without what a rewind took back.

    `rewinds` are (attempt, step): that attempt went on from that step, so later points of earlier attempts are hidden.
    `attempts` are parts of the series in the order of arrival, each with the attempt that it came from.
    """
    marks = list(rewinds)
    parts = [(attempt, _up_to(points, last_visible_step(attempt, marks))) for attempt, points in attempts]
    joined = Points()
    for _attempt, points in parts:
        joined.extend(points)
    return joined if is_rising(joined.steps) else _one_per_step(parts)


def last_visible_step(attempt: int, rewinds: Iterable[tuple[int, int]]) -> int:
    return min((step for later, step in rewinds if later > attempt), default=LARGEST_STEP)


def is_rising(steps: "array[int]") -> bool:
    return all(map(operator.lt, steps, steps[1:]))


def _up_to(points: Points, limit: int) -> Points:
    if not points.steps or max(points.steps) <= limit:
        return points
    kept = [index for index, step in enumerate(points.steps) if step <= limit]
    return _chosen(points, kept)


def _one_per_step(parts: Iterable[tuple[int, Points]]) -> Points:
    newest: dict[int, tuple[int, float]] = {}
    for attempt, points in parts:
        for step, value in zip(points.steps, points.values, strict=True):
            if step not in newest or attempt > newest[step][0]:
                newest[step] = (attempt, value)
    steps = sorted(newest)
    return Points(array("i", steps), array("f", [newest[step][1] for step in steps]))


def _chosen(points: Points, order: Iterable[int]) -> Points:
    kept = list(order)
    return Points(array("i", [points.steps[i] for i in kept]), array("f", [points.values[i] for i in kept]))


def thinned(points: Points, limit: int) -> Points:
    """At most about `limit` points whose extremes are true: each bucket keeps its smallest, its largest and one gap.

    The first and the last point always stay.
    """
    count = len(points)
    if count <= max(limit, 4):
        return points
    buckets = max(1, (limit - 2) // 2)
    kept = {0, count - 1}
    for bucket in range(buckets):
        start, end = bucket * count // buckets, (bucket + 1) * count // buckets
        part = points.values[start:end]
        low, high = bounds(part) if not all(map(math.isfinite, part)) else (min(part), max(part))
        if low <= high:
            kept.update((start + part.index(low), start + part.index(high)))
        gap = next((index for index, value in enumerate(part) if not math.isfinite(value)), None)
        if gap is not None:
            kept.add(start + gap)
    return _chosen(points, sorted(kept))


def as_json(points: Points) -> dict[str, object]:
    """`{"step": […], "value": […]}` of finite numbers and nulls; nulls are named in "flags" by their step."""
    flags = {
        str(step): "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
        for step, value in zip(points.steps, points.values, strict=True)
        if not math.isfinite(value)
    }
    values = [_short(value) if math.isfinite(value) else None for value in points.values]
    answer: dict[str, object] = {"step": points.steps.tolist(), "value": values}
    return answer | {"flags": flags} if flags else answer


def _short(value: float) -> float:
    """A float32 has about seven digits; the rest of the double that carries it is noise."""
    return float(f"{value:.7g}")


@dataclass(frozen=True)
class Cursor:
    """How much a reader has: points that arrived by metric, and the newest rewind it knows of."""

    rewind: int = 0
    counts: dict[str, int] = field(default_factory=dict)

    def encoded(self) -> str:
        text = json.dumps([self.rewind, self.counts], separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def decoded(cls, text: str) -> "Cursor | None":
        """None for anything that we did not write; the reader then gets everything afresh."""
        try:
            rewind, counts = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        except (ValueError, TypeError, binascii.Error, RecursionError):
            return None
        if not _is_count(rewind) or not isinstance(counts, dict) or not all(map(_is_count, counts.values())):
            return None
        return cls(rewind, counts)


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value <= 2**53
