"""Rows of CSV and TSV files, tolerant as spreadsheets are, strict about what cannot be one row."""

import csv
from collections import deque
from collections.abc import Iterable, Iterator

from webapp.datasets.formats import Problem, RowProblem
from workers.reader import sniff
from workers.reader.lines import Line
from workers.reader.rows import RawRow

# How much may be looked at twice, so that crafted files cannot take quadratic time; a line costs as 256 bytes do.
RESCAN_BYTES = 256 * 1024 * 1024
LINE_COST_BYTES = 256


class Table:
    """A table whose header is read; `rows()` yields the rest, once."""

    def __init__(self, lines: Iterable[Line], *, delimiter: str, max_bytes: int, mapped: set[str]) -> None:
        self._max_bytes = max_bytes
        self._feed = _Feed(iter(lines), max_bytes=max_bytes)
        self._delimiter = delimiter
        self._records = self._read()
        csv.field_size_limit(max_bytes)
        self._first = next(self._records, None)
        cells = self._first.cells if self._first else []
        self.has_header = sniff.has_header(cells, mapped=mapped)
        self.columns = sniff.header_names(cells) if self.has_header else sniff.numbered_columns(len(cells))

    def rows(self) -> Iterator[RawRow]:
        number = 0
        if self._first and not self.has_header:
            number += 1
            yield self._row(number, self._first)
        for record in self._records:
            number += 1
            yield self._row(number, record)

    def _row(self, number: int, record: "_Record") -> RawRow:
        line, raw = record.lines[0].number, b"\n".join(part.data for part in record.lines)
        problem = record.problem
        if problem is None and any(cell.strip() for cell in record.cells[len(self.columns) :]):
            found = len(record.cells)
            problem = RowProblem(Problem.WRONG_COLUMN_COUNT, expected=len(self.columns), found=found)
        if problem is not None:
            return RawRow(number, line, raw, problem=problem)
        return RawRow(number, line, raw, dict(zip(self.columns, record.cells, strict=False)))

    def _read(self) -> Iterator["_Record"]:
        reader = csv.reader(self._feed, delimiter=self._delimiter)
        while True:
            self._feed.begin()
            try:
                cells = next(reader)
            except StopIteration:
                return
            except (_Unfinished, csv.Error) as error:
                code = self._feed.give_back() if isinstance(error, _Unfinished) else Problem.NOT_CSV
                problem = RowProblem(code)
                if code is Problem.TOO_LONG:
                    problem.data["max_bytes"] = self._max_bytes
                yield _Record(self._feed.lines, [], problem)
                reader = csv.reader(self._feed, delimiter=self._delimiter)
                continue
            if any(map(str.strip, cells)):  # a blank row is none
                yield _Record(self._feed.lines, cells, self._feed.problem)


class _Record:
    __slots__ = ("cells", "lines", "problem")

    def __init__(self, lines: list[Line], cells: list[str], problem: RowProblem | None) -> None:
        self.lines, self.cells, self.problem = lines, cells, problem


class _Unfinished(Exception):
    """A quoted cell is open and the next line cannot belong to it."""


class _Feed:
    """Gives csv.reader its lines, and takes back those that a stray quotation mark swallowed."""

    def __init__(self, lines: Iterator[Line], *, max_bytes: int) -> None:
        self._source, self._returned = lines, deque[Line]()
        self._max_bytes, self._rescan_budget = max_bytes, RESCAN_BYTES
        self.lines: list[Line] = []
        self.problem: RowProblem | None = None
        self._size = 0

    def begin(self) -> None:
        """The next line begins a record."""
        self.lines, self.problem, self._size = [], None, 0

    def __iter__(self) -> "_Feed":
        return self

    def __next__(self) -> str:
        line = self._returned.popleft() if self._returned else next(self._source, None)
        if line is None:
            if self.lines:
                raise _Unfinished
            raise StopIteration
        self.lines.append(line)
        self._size += len(line.data)
        if line.is_cut or self._size > self._max_bytes:
            raise _Unfinished
        return self._text(line) + "\n"

    def give_back(self) -> Problem:
        """End the record at its first line; the others are read again as records of their own."""
        first, *others = self.lines
        if first.is_cut:
            return Problem.TOO_LONG
        if not others:
            return Problem.UNBALANCED_QUOTE if first.has_end else Problem.TORN_LAST_LINE
        if self._rescan_budget > 0:
            self._rescan_budget -= self._size + LINE_COST_BYTES * len(others)
            self._returned.extendleft(reversed(others))
            self.lines = [first]
        return Problem.UNBALANCED_QUOTE

    def _text(self, line: Line) -> str:
        data = line.data.removesuffix(b"\r")
        try:
            return data.decode()
        except UnicodeDecodeError:
            self.problem = RowProblem(Problem.BAD_ENCODING, line=line.number)
            return data.decode(errors="replace")
