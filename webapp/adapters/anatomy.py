"""What the inside of a version tells: where it changes, and how much of it a lower rank would keep. Pure.

`summary` and `modules` are those of the engine (workers/engine/inspection.py). Sizes are Frobenius norms of ΔW, "the
change" is their sum of squares.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from webapp.core import units

Summary = Mapping[str, Any]
Module = Mapping[str, Any]

MOSTLY = 0.5  # a third of the layers that holds this share of the change is where it sits
FEWEST_LAYERS = 6  # with fewer, thirds say nothing
TONES = 10
ALMOST = 0.999
SUGGESTED = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


def rank_for(kept: Sequence[float], share: float) -> int:
    """The lowest rank that keeps `share` of the change; all of it where none does."""
    return next((rank for rank, value in enumerate(kept, start=1) if value >= share), len(kept))


def usual_rank(rank: int) -> int:
    """The rank that people would set to have this many directions: the next power of two."""
    return 1 << max(0, rank - 1).bit_length()


def third(summary: Summary) -> int | None:
    """0, 1 or 2: the third of the layers in which most of the change sits. None where it is spread, or they are few."""
    energy = [one["frobenius"] ** 2 for one in summary["layers"]]
    total = sum(energy)
    if len(energy) < FEWEST_LAYERS or not total:
        return None
    parts = [0.0, 0.0, 0.0]
    for place, value in enumerate(energy):
        parts[place * 3 // len(energy)] += value
    best = max(range(3), key=lambda place: parts[place])
    return best if parts[best] / total >= MOSTLY else None


def strongest_kind(summary: Summary) -> tuple[str, float] | None:
    """The kind of matrix that changes most, and its share of the change."""
    total = sum(one["frobenius"] ** 2 for one in summary["kinds"])
    if not total:
        return None
    top = max(summary["kinds"], key=lambda one: one["frobenius"])
    return top["kind"].split(".")[-1], top["frobenius"] ** 2 / total


# A lower rank, before it is ordered.


@dataclass(frozen=True)
class Choice:
    """What a rank would keep of the change, and how large the weights would be. `is_advised`: as this it behaves."""

    rank: int
    kept: float
    size_bytes: int
    is_advised: bool

    @property
    def kept_text(self) -> str:
        return share_text(self.kept)


def share_text(share: float) -> str:
    """All of it is said only where it is all."""
    return units.percent(share, 1) if share <= ALMOST or share == 1 else f"> {units.percent(ALMOST, 1)}"


def choice(summary: Summary, rank: int) -> Choice:
    return Choice(
        rank=rank,
        kept=summary["kept"][rank - 1],
        size_bytes=rank * summary["bytes_per_rank"] + summary["other_bytes"],
        is_advised=rank == summary["behaves_as"],
    )


def choices(summary: Summary) -> list[Choice]:
    """The usual ranks below its own, and the one as which it behaves. None where nothing can be cut off."""
    now, kept = summary["rank"], summary["kept"]
    if not kept:
        return []
    ranks = {rank for rank in (*SUGGESTED, summary["behaves_as"]) if rank < now and rank <= len(kept)}
    return [choice(summary, rank) for rank in sorted(ranks)]


# The map of layers and matrices.


@dataclass(frozen=True)
class Measure:
    """One number of each matrix: its key in the engine's document, and how it is written."""

    name: str
    key: str

    def text(self, value: float | None) -> str:
        if self.name == "change":
            return units.percent(value)
        return units.number(value, 1) if self.name == "rank" else amount(value)


MEASURES = {
    one.name: one
    for one in (Measure("size", "frobenius"), Measure("change", "relative_change"), Measure("rank", "effective_rank"))
}


def amount(value: float | None) -> str:
    """Three significant digits: 0.00213, 1.24, 318."""
    if not value:
        return units.number(value)
    return units.number(value, max(0, 2 - math.floor(math.log10(abs(value)))))


@dataclass(frozen=True)
class Cell:
    """`tone` is a class of app.css, t0 … t9; `text` is empty where the layer has no such matrix."""

    layer: int
    tone: str
    text: str


@dataclass(frozen=True)
class Line:
    label: str
    cells: list[Cell]


@dataclass(frozen=True)
class Map:
    """Kinds of matrices × layers. `heads` are the layers with a label where there is room for one."""

    heads: list[tuple[int, str]]
    lines: list[Line]
    lowest: str
    highest: str
    outside: list[tuple[str, str]]

    @property
    def is_wide(self) -> bool:
        return any(len(line.label) > 9 for line in self.lines)


def layer_map(modules: Sequence[Module], measure: Measure, *, labels: int = 8) -> Map | None:
    """None where nothing is known of this measure."""
    values = [one[measure.key] for one in modules if one[measure.key] is not None]
    if not values:
        return None
    inside = {(one["kind"], one["layer"]): one[measure.key] for one in modules if one["layer"] is not None}
    layers = sorted({layer for _kind, layer in inside})
    kinds = _in_order({kind for kind, _layer in inside})
    every = max(1, -(-len(layers) // labels))
    return Map(
        heads=[(layer, str(layer) if place % every == 0 else "") for place, layer in enumerate(layers)],
        lines=[
            Line(label, [_cell(layer, inside.get((kind, layer)), max(values), measure) for layer in layers])
            for kind, label in kinds
        ],
        lowest=measure.text(0.0),
        highest=measure.text(max(values)),
        outside=[(one["name"], measure.text(one[measure.key])) for one in modules if one["layer"] is None],
    )


def _cell(layer: int, value: float | None, highest: float, measure: Measure) -> Cell:
    if value is None:
        return Cell(layer, "", "")
    share = value / highest if highest else 0.0
    return Cell(layer, f"t{min(TONES - 1, int(TONES * share))}", measure.text(value))


_USUAL_ORDER = ("q_proj", "k_proj", "v_proj", "qkv_proj", "o_proj", "gate_proj", "up_proj", "gate_up_proj", "down_proj")


def _in_order(kinds: set[str]) -> list[tuple[str, str]]:
    """(kind, label): attention before the rest, the way data flows; short where the last word is enough."""
    short = [kind.split(".")[-1] for kind in kinds]
    labels = {kind: kind.split(".")[-1] for kind in kinds if short.count(kind.split(".")[-1]) == 1}
    places = {name: place for place, name in enumerate(_USUAL_ORDER)}
    ordered = sorted(kinds, key=lambda kind: (places.get(kind.split(".")[-1], len(places)), kind))
    return [(kind, labels.get(kind, kind)) for kind in ordered]


# Bars.

LEFT, TOP, BOTTOM = 44.0, 10.0, 122.0


@dataclass(frozen=True)
class Bar:
    """`label` is written below it where there is room, `name` in the table."""

    x: float
    y: float
    width: float
    height: float
    label: str
    name: str
    text: str
    tone: str

    @property
    def middle(self) -> float:
        return round(self.x + self.width / 2, 1)


@dataclass(frozen=True)
class Bars:
    bars: list[Bar]
    width: float
    highest: str


def size_bars(summary: Summary, *, width: float = 780.0, labels: int = 8) -> Bars:
    """The size of the change in each layer."""
    values = [(str(one["layer"]), one["frobenius"], amount(one["frobenius"]), "f1") for one in summary["layers"]]
    highest = max((value for _name, value, _text, _tone in values), default=0.0)
    return _bars(values, highest, amount(highest), width=width, labels=labels)


def kept_bars(summary: Summary, *, width: float = 780.0, labels: int = 8, most: int = 128) -> Bars:
    """What each rank keeps of the change; up to the rank as which it behaves in the colour of what counts."""
    every = max(1, -(-len(summary["kept"]) // most))
    values = [
        (str(rank), share, share_text(share), "f1" if rank <= summary["behaves_as"] else "f-mid")
        for rank, share in enumerate(summary["kept"], start=1)
        if rank % every == 0 or rank == summary["behaves_as"]
    ]
    return _bars(values, 1.0, units.percent(1.0), width=width, labels=labels)


def _bars(
    values: Sequence[tuple[str, float, str, str]], highest: float, top: str, *, width: float, labels: int
) -> Bars:
    step = (width - 4 - LEFT) / max(len(values), 4)
    gap = min(3.0, step * 0.25)
    every = max(1, -(-len(values) // labels))
    bars = []
    for place, (name, value, text, tone) in enumerate(values):
        # What exists can be seen, however small its share.
        height = max(1.5, (BOTTOM - TOP) * value / highest) if value and highest else 0.0
        bars.append(
            Bar(
                x=round(LEFT + place * step + gap / 2, 1),
                y=round(BOTTOM - height, 1),
                width=round(step - gap, 1),
                height=round(height, 1),
                label=name if place % every == 0 else "",
                name=name,
                text=text,
                tone=tone,
            )
        )
    return Bars(bars, width, top)
