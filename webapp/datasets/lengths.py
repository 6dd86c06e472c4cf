"""How long the conversations are, as a drawing with its table and the sentence beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from webapp.core import units

LEFT, TOP, BOTTOM = 44.0, 10.0, 122.0


@dataclass(frozen=True)
class Bar:
    """`up_to` and the bar before it bound the lengths it counts; the label is empty where there is no room."""

    x: float
    y: float
    width: float
    height: float
    middle: float
    label: str
    above: int
    up_to: int
    rows: int


@dataclass(frozen=True)
class Chart:
    bars: list[Bar]
    width: float
    highest: int
    median: int
    sentence: str


def chart(report: Mapping[str, Any], *, width: float = 560.0, labels: int = 8) -> Chart | None:
    """From the reader's report, with at most so many labels; None where it has no lengths."""
    facts = report.get("characters") or {}
    counted = {int(item["up_to"]): int(item["rows"]) for item in facts.get("histogram", [])}
    if not counted:
        return None
    first, last = min(counted).bit_length() - 1, max(counted).bit_length() - 1
    amounts = [(2**power, counted.get(2**power, 0)) for power in range(first, last + 1)]
    highest = max(rows for _up_to, rows in amounts)
    return Chart(
        bars=_bars(amounts, highest, width=width, labels=labels),
        width=width,
        highest=highest,
        median=facts["median"],
        sentence=_sentence(report, facts),
    )


def _bars(amounts: list[tuple[int, int]], highest: int, *, width: float, labels: int) -> list[Bar]:
    step = (width - 4 - LEFT) / max(len(amounts), 4)
    every = -(-len(amounts) // labels)
    bars = []
    for index, (up_to, rows) in enumerate(amounts):
        # What exists can be seen, however small its share.
        height = max(1.5, (BOTTOM - TOP) * rows / highest) if rows else 0.0
        x = LEFT + index * step + 1.5
        bars.append(
            Bar(
                x=round(x, 1),
                y=round(BOTTOM - height, 1),
                width=round(step - 3, 1),
                height=round(height, 1),
                middle=round(x + (step - 3) / 2, 1),
                label=f"≤ {units.number(up_to)}" if index % every == 0 else "",
                above=up_to // 2 if up_to > 1 else 0,
                up_to=up_to,
                rows=rows,
            )
        )
    return bars


def _sentence(report: Mapping[str, Any], facts: Mapping[str, Any]) -> str:
    longest = (report.get("longest_rows") or [{}])[0]
    return _(
        "Half of the conversations have at most %(median)s characters, nineteen of twenty at most %(p95)s. "
        "The longest, row %(row)s, has %(max)s."
    ) % {
        "median": units.number(facts["median"]),
        "p95": units.number(facts["p95"]),
        "row": units.number(longest.get("row")),
        "max": units.number(facts["max"]),
    }
