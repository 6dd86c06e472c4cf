"""The arithmetic of the picture: which column each thing stands in, and the lines between them. Pure.

Sizes are in rem, as in the stylesheet (.flow), so that the lines still meet the boxes where letters are larger.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

BOX_WIDTH, BOX_HEIGHT, GAP_X, GAP_Y = 9.5, 4.5, 2.25, 0.75
ROWS = 8  # boxes in a column at most; the list below the picture has the others

Pair = tuple[str, str]


@dataclass(frozen=True)
class Layout:
    """Columns of ids from the earliest to the latest, `lines` as SVG paths, how many stayed out, and the size."""

    columns: Sequence[Sequence[str]]
    lines: Sequence[str]
    left_out: int
    width: float
    height: float


def layout(center: str, before: Sequence[Pair], after: Sequence[Pair]) -> Layout:
    """`before` are the pairs (source, target) that lead to `center`, `after` those that lead away from it."""
    depth = {center: 0}
    depth |= {id: -far for id, far in _distances(center, [(target, source) for source, target in before]).items()}
    depth |= _distances(center, after)
    by_column: dict[int, list[str]] = defaultdict(list)
    for id in dict.fromkeys([center, *(id for pair in [*before, *after] for id in pair)]):
        by_column[depth[id]].append(id)
    columns = [_centred(ids, center) for _column, ids in sorted(by_column.items())]
    shown = [ids[:ROWS] for ids in columns]
    height = max(len(ids) for ids in shown) * (BOX_HEIGHT + GAP_Y) - GAP_Y
    places = _places(shown, height)
    return Layout(
        columns=shown,
        lines=[_line(places[a], places[b]) for a, b in dict.fromkeys([*before, *after]) if a in places and b in places],
        left_out=sum(len(ids) for ids in columns) - sum(len(ids) for ids in shown),
        width=len(shown) * (BOX_WIDTH + GAP_X) - GAP_X,
        height=height,
    )


def _centred(ids: list[str], center: str) -> list[str]:
    return ids if ids[0] == center or center not in ids else [center, *(id for id in ids if id != center)]


def _distances(start: str, pairs: Iterable[Pair]) -> dict[str, int]:
    """How far each thing is from `start` on the longest way, so that every line leads to the right.

    A circle, which nothing should make, ends where it closes.
    """
    onward: dict[str, list[str]] = defaultdict(list)
    for near, far in pairs:
        onward[near].append(far)
    found: dict[str, int] = {}
    front, steps = {start}, 0
    most = len({id for ids in onward.values() for id in ids} | {start})
    while front and steps < most:
        steps += 1
        front = {far for near in front for far in onward[near] if far != start}
        found |= dict.fromkeys(front, steps)
    return found


def _places(columns: Sequence[Sequence[str]], height: float) -> dict[str, tuple[float, float]]:
    """Id → left edge and middle of its box; columns are centred on each other."""
    places = {}
    for column, ids in enumerate(columns):
        top = (height - (len(ids) * (BOX_HEIGHT + GAP_Y) - GAP_Y)) / 2
        for row, id in enumerate(ids):
            places[id] = (column * (BOX_WIDTH + GAP_X), top + row * (BOX_HEIGHT + GAP_Y) + BOX_HEIGHT / 2)
    return places


def _line(source: tuple[float, float], target: tuple[float, float]) -> str:
    """From the right edge of one box to the left edge of the other, level at both ends."""
    x1, y1, x2, y2 = source[0] + BOX_WIDTH, source[1], target[0], target[1]
    bend = x2 - GAP_X / 2
    return f"M{x1:g} {y1:g}H{bend:g}V{y2:g}H{x2:g}"
