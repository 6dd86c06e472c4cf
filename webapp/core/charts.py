"""What a chart draws, and the small drawings that need no script."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Series:
    """One line of a chart. `name` is the metric; `number` 1–8 gives colour and dash, 1 is always "this one".

    `kind`: "line"; "smoothed" draws the raw values pale and their running mean on top; "points" joins few
    values and marks each.
    """

    name: str
    label: str
    kind: str = "line"
    number: int = 1

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"label": str(self.label)}


@dataclass(frozen=True)
class Part:
    """One part of a whole, in a bar. `tone` is a fill class of app.css: f1 … f8, f-quiet, f-good, f-warn, f-bad."""

    label: str
    amount: float
    tone: str = "f1"


@dataclass(frozen=True)
class Bar:
    part: Part
    x: float
    width: float


def bars(parts: Sequence[Part], total: float, *, width: float = 1000.0, gap: float = 3.0) -> list[Bar]:
    """Where each part lies; together they never leave the bar, and what exists can be seen (2 units at least)."""
    known = [part for part in parts if part.amount > 0]
    whole = max(total, sum(part.amount for part in known)) or 1.0
    result, x = [], 0.0
    for part in known:
        share = part.amount / whole * width
        result.append(Bar(part, round(x, 1), round(max(share - gap, 2.0), 1)))
        x += share
    return result


def sparkline(values: Sequence[float | None], *, width: float = 120.0, height: float = 32.0) -> tuple[str, str]:
    """An SVG path through the values and the last point as "x,y"; a missing value is a gap, never joined."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    if not known:
        return "", ""
    low, high = min(known), max(known)
    margin = 3.5
    step = (width - 2 * margin) / max(1, len(values) - 1)
    path, last, is_down = [], "", False
    for index, value in enumerate(values):
        if value is None or not math.isfinite(value):
            is_down = False
            continue
        share = (value - low) / (high - low) if high > low else 0.5
        x, y = margin + index * step, height - margin - share * (height - 2 * margin)
        path.append(f"{'L' if is_down else 'M'}{x:.1f} {y:.1f}")
        last, is_down = f"{x:.1f},{y:.1f}", True
    return "".join(path), last
