"""Reading what the reader left: rows, problems and samples. One row group is in memory at a time, whatever the size."""

import bisect
import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from webapp.artifacts import storage
from webapp.artifacts.models import Blob
from webapp.datasets import queries

TRAIN, VALIDATION = "train", "validation"
SPLITS = {TRAIN: queries.TRAIN_FILE, VALIDATION: queries.VALIDATION_FILE}
PROBLEMS_FILE, SAMPLE_FILE = "problems.jsonl", "sample.json"
ROWS_NAMED = 5
SAMPLE_BYTES = 50_000_000

# The files of a version's bundle by name, as queries.files finds them.
Files = Mapping[str, Blob]

# What is freed goes back to the system at once: a web process lives long, and looks at rows seldom.
pa.set_memory_pool(pa.system_memory_pool())


@dataclass(frozen=True)
class Row:
    """One conversation. `number` is its place in the uploaded file, from 1; `split` is train or validation."""

    number: int
    split: str
    messages: list[dict[str, str]]


@dataclass(frozen=True)
class RowPage:
    """Rows in the order of the file. `before` and `after` are the cursors of its neighbours, None at the ends."""

    rows: list[Row]
    before: int | None
    after: int | None


def page(files: Files, *, size: int, split: str = "", after: int = 0, before: int = 0) -> RowPage:
    """`size` rows behind row `after`, or in front of row `before`; of one split, or of both."""
    wanted = [split] if split in SPLITS else list(SPLITS)
    with _Tables(files, wanted) as tables:
        if before:
            found = heapq.nlargest(size + 1, tables.backward(before, size + 1), key=lambda row: row.number)[::-1]
            shown, more_before = found[-size:], len(found) > size
            more_after = True
        else:
            found = heapq.nsmallest(size + 1, tables.forward(after, size + 1), key=lambda row: row.number)
            shown, more_after = found[:size], len(found) > size
            more_before = after > 0 and any(True for _row in tables.backward(after + 1, 1))
    return RowPage(
        rows=shown,
        before=shown[0].number if shown and more_before else None,
        after=shown[-1].number if shown and more_after else None,
    )


def every(files: Files, split: str = "") -> Iterator[Row]:
    """All rows in the order of the file."""
    wanted = [split] if split in SPLITS else list(SPLITS)
    with _Tables(files, wanted) as tables:
        yield from heapq.merge(*tables.whole(), key=lambda row: row.number)


class _Tables:
    """The Parquet files of some splits, open together."""

    def __init__(self, files: Files, splits: list[str]) -> None:
        self._opened = {name: storage.open_blob(files[SPLITS[name]]) for name in splits if SPLITS[name] in files}
        tables = {name: pq.ParquetFile(file, pre_buffer=False) for name, file in self._opened.items()}
        self._tables = {name: table for name, table in tables.items() if table.metadata.num_rows}

    def __enter__(self) -> "_Tables":
        return self

    def __exit__(self, *_error: object) -> None:
        for file in self._opened.values():
            file.close()

    def forward(self, after: int, count: int) -> Iterator[Row]:
        """From each split the first `count` rows whose number is above `after`."""
        for name, table in self._tables.items():
            first = bisect.bisect_right(range(table.num_row_groups), after, key=partial(_highest, table))
            left = count
            for group in range(first, table.num_row_groups):
                data = _group(table, group)
                start = bisect.bisect_right(data["row"].to_pylist(), after)
                taken = _rows(name, data.slice(start, left))
                yield from taken
                left -= len(taken)
                if left <= 0:
                    break

    def backward(self, before: int, count: int) -> Iterator[Row]:
        """From each split the last `count` rows whose number is below `before`."""
        for name, table in self._tables.items():
            end = bisect.bisect_left(range(table.num_row_groups), before, key=partial(_lowest, table))
            left = count
            for group in reversed(range(end)):
                data = _group(table, group)
                stop = bisect.bisect_left(data["row"].to_pylist(), before)
                start = max(0, stop - left)
                taken = _rows(name, data.slice(start, stop - start))
                yield from taken
                left -= len(taken)
                if left <= 0:
                    break

    def whole(self) -> list[Iterator[Row]]:
        return [self._all_of(name, table) for name, table in self._tables.items()]

    @staticmethod
    def _all_of(name: str, table: Any) -> Iterator[Row]:
        for group in range(table.num_row_groups):
            for batch in _group(table, group).to_batches(max_chunksize=256):
                yield from _rows(name, batch)


def _lowest(table: Any, group: int) -> int:
    """The first row number of a group; rows ascend."""
    return int(table.metadata.row_group(group).column(0).statistics.min)


def _highest(table: Any, group: int) -> int:
    return int(table.metadata.row_group(group).column(0).statistics.max)


def _group(table: Any, group: int) -> Any:
    return table.read_row_group(group, columns=["row", "messages"], use_threads=False)


def _rows(split: str, table: Any) -> list[Row]:
    return [Row(number=item["row"], split=split, messages=item["messages"]) for item in table.to_pylist()]


def problems(files: Files, *, code: str = "") -> Iterator[dict[str, Any]]:
    """The bad rows as the reader listed them, at most ten thousand; of one kind, or of all."""
    blob = files.get(PROBLEMS_FILE)
    if blob is None:
        return
    with storage.open_blob(blob) as file:
        for line in file:
            problem: dict[str, Any] = orjson.loads(line)
            if not code or problem["code"] == code:
                yield problem


def first_rows_by_problem(files: Files) -> dict[str, list[int]]:
    """Where to look first: for each kind of problem its first rows."""
    found: dict[str, list[int]] = {}
    for problem in problems(files):
        numbers = found.setdefault(problem["code"], [])
        if len(numbers) < ROWS_NAMED:
            numbers.append(problem["row"])
    return found


def sample(files: Files) -> dict[str, Any]:
    """The first rows as they stand in the file: `columns`, and `rows` with their `values` in that order."""
    blob = files.get(SAMPLE_FILE)
    if blob is None or blob.size_bytes > SAMPLE_BYTES:
        return {"columns": [], "rows": []}
    with storage.open_blob(blob) as file:
        found: dict[str, Any] = orjson.loads(file.read())
    return found
