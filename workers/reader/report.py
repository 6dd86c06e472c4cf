"""What is said about a file beside its good rows: problems, a sample, numbers."""

import hashlib
import heapq
import json
from array import array
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from webapp.datasets.formats import RowProblem, Turn
from workers.reader.canonical import GoodRow
from workers.reader.lines import EXCERPT_BYTES
from workers.reader.rows import RawRow

MAX_PROBLEMS = 10_000
EXCERPT_CHARACTERS = 300
SAMPLE_ROWS = 50
SAMPLE_CONVERSATIONS = 20
CELL_CHARACTERS = 500
CONTENT_CHARACTERS = 4_000
MAX_COLUMNS = 200
NAME_CHARACTERS = 200
LONGEST_ROWS = 20
MAX_TURNS_SHOWN = 50


def clean(text: str, limit: int) -> str:
    """Cut, and without what JSON columns of databases refuse (U+0000, half characters)."""
    return text[:limit].replace("\x00", "␀").encode(errors="replace").decode()


class Ledger:
    """The bad rows: all counted, the first ten thousand listed."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.listed: list[dict[str, Any]] = []

    def add(self, row: RawRow, problem: RowProblem) -> None:
        self.counts[problem.code.value] += 1
        if len(self.listed) < MAX_PROBLEMS:
            excerpt = row.raw[:EXCERPT_BYTES].decode(errors="replace")
            self.listed.append(
                {
                    "row": row.number,
                    "line": row.line,
                    "field": clean(problem.field, NAME_CHARACTERS),
                    "code": problem.code.value,
                    "data": {name: _clean_value(value) for name, value in problem.data.items()},
                    "excerpt": clean(excerpt, EXCERPT_CHARACTERS),
                }
            )

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def write(self, path: Path) -> None:
        with path.open("wb") as file:
            for problem in self.listed:
                file.write(orjson.dumps(problem) + b"\n")


class Sample:
    """The first rows as they stand in the file, and the first conversations made of them."""

    def __init__(self, head: list[RawRow], columns: list[str]) -> None:
        self.columns = columns[:MAX_COLUMNS]
        self.rows: list[dict[str, Any]] = [
            {"row": row.number, "values": [_cell(row.value.get(column)) for column in self.columns]}
            for row in head[:SAMPLE_ROWS]
            if row.value is not None
        ]
        self._conversations: list[dict[str, Any]] = []

    def add(self, number: int, turns: list[Turn]) -> None:
        if len(self._conversations) >= SAMPLE_CONVERSATIONS:
            return
        messages = [
            {"role": role, "content": clean(content, CONTENT_CHARACTERS), "is_cut": len(content) > CONTENT_CHARACTERS}
            for role, content in turns[:MAX_TURNS_SHOWN]
        ]
        self._conversations.append({"row": number, "messages": messages, "is_cut": len(turns) > MAX_TURNS_SHOWN})

    def write(self, path: Path, *, format: str) -> None:
        """`values` stand in the order of `columns`; text or null."""
        names = shown_names(self.columns)
        write_json(path, {"format": format, "columns": names, "rows": self.rows, "conversations": self._conversations})

    def excerpt(self) -> dict[str, Any]:
        """Small enough for an event."""
        rows = [[value and value[:100] for value in row["values"][:50]] for row in self.rows[:3]]
        return {"columns": shown_names(self.columns[:50]), "sample": rows}


class Statistics:
    """Lengths, turns and exact duplicates of the good rows; 12 bytes of memory a row."""

    def __init__(self) -> None:
        self._characters = array("I")
        self._hashes = array("Q")
        self._turns: Counter[int] = Counter()
        self._longest: list[tuple[int, int]] = []
        self._with_system = 0

    def add(self, row: GoodRow) -> None:
        self._characters.append(row.characters)
        self._hashes.append(int.from_bytes(row.content_hash[:8], "little"))
        self._turns[min(len(row.turns), 1000)] += 1
        self._with_system += row.turns[0][0] == "system"
        entry = (row.characters, -row.number)
        if len(self._longest) < LONGEST_ROWS:
            heapq.heappush(self._longest, entry)
        elif entry > self._longest[0]:
            heapq.heapreplace(self._longest, entry)

    def as_dict(self) -> dict[str, Any]:
        longest = sorted(self._longest, reverse=True)
        return {
            "characters": _summary(np.frombuffer(self._characters, dtype=np.uint32)),
            "turns": dict(sorted((str(turns), rows) for turns, rows in self._turns.most_common(50))),
            "rows_with_system": self._with_system,
            "longest_rows": [{"row": -number, "characters": characters} for characters, number in longest],
            "exact_duplicates": self.duplicates(),
        }

    def duplicates(self) -> int:
        """Rows that say the same as an earlier one. 64 bits of the hash: a false alarm in 5M rows is 1 in a million."""
        hashes = np.sort(np.frombuffer(self._hashes, dtype=np.uint64))
        return int((hashes[1:] == hashes[:-1]).sum())


def _summary(lengths: "np.ndarray[Any, np.dtype[np.uint32]]") -> dict[str, Any]:
    """Total and quantiles, and a histogram by powers of two: rows of up to `up_to` characters."""
    low, median, p95, high = (int(value) for value in np.quantile(lengths, [0, 0.5, 0.95, 1], method="nearest"))
    powers = np.ceil(np.log2(np.maximum(lengths, 1))).astype(np.int64)
    counts = np.bincount(powers)
    histogram = [{"up_to": 2**power, "rows": int(count)} for power, count in enumerate(counts) if count]
    total = int(lengths.sum(dtype=np.uint64))
    return {
        "total": total,
        "mean": round(total / len(lengths), 1),
        "min": low,
        "median": median,
        "p95": p95,
        "max": high,
        "histogram": histogram,
    }


def shown_names(columns: list[str]) -> list[str]:
    return [clean(column, NAME_CHARACTERS) for column in columns[:MAX_COLUMNS]]


def _cell(value: Any) -> str | None:
    if value is None:
        return None
    return clean(value if isinstance(value, str) else _json(value), CELL_CHARACTERS)


def _json(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except (orjson.JSONEncodeError, RecursionError):  # orjson reads deeper nesting than it writes
        return "…"


def _clean_value(value: Any) -> Any:
    return clean(value, NAME_CHARACTERS) if isinstance(value, str) else value


def write_manifest(folder: Path) -> None:
    """files.json, written last: while it is missing, the result is not whole."""
    entries = []
    for path in sorted(folder.iterdir()):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        entries.append({"path": path.name, "size_bytes": path.stat().st_size, "sha256": digest})
    write_json(folder / "files.json", entries)


def write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, allow_nan=False, indent=1), encoding="utf-8")
