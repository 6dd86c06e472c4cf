"""Cuts the elements out of a JSON array of any size without parsing it.

Only quotes and brackets are looked at, so that memory holds one element at a time; and a broken element
does not spoil the others: the next one is found again by the name that elements begin with.
"""

import re
from collections.abc import Callable, Iterable, Iterator

from webapp.datasets.formats import Problem, RowProblem
from workers.reader.lines import EXCERPT_BYTES
from workers.reader.rows import RawRow, from_json

_VISIBLE = re.compile(rb"[^\s,]")
_STRUCTURE = re.compile(rb'["\[\]{}]')
_BARE_END = re.compile(rb"[,\]\n]")
_FIRST_NAME = re.compile(rb'\{\s*("(?:[^"\\]|\\.){1,100}")\s*:')
_BACKSLASH = 0x5C
RESCAN_BYTES = 128 * 1024 * 1024  # how much may be looked at twice; keeps crafted files from taking quadratic time


class Cutter:
    """Yields the rows of an array (from behind its `[`) or, without an array, of objects one after another.

    `warn` hears "array_not_closed" and "data_after_array". One use only.
    """

    def __init__(
        self, *, max_bytes: int, is_array: bool, warn: Callable[[str], None], closer: bytes = b"", first_line: int = 1
    ) -> None:
        self._max_bytes, self._is_array, self._closer, self._warn = max_bytes, is_array, closer, warn
        self._buffer, self._position = b"", 0
        self._start = -1  # where the open element begins in the buffer
        self._depth, self._string_from, self._is_bare = 0, -1, False
        self._cut_excerpt = b""  # of an open element that grew too long to be kept
        self._is_closed = self._is_done = self._is_damaged = False
        self._number, self._line, self._counted_to = 0, first_line, 0
        self._next_element: re.Pattern[bytes] | None = None
        self._rescan_budget = RESCAN_BYTES

    def rows(self, chunks: Iterable[bytes]) -> Iterator[RawRow]:
        for chunk in chunks:
            self._forget()
            self._buffer += chunk
            yield from self._cut()
            while self._is_overgrown() and self._end_at_next_element(self._start, len(self._buffer)):
                yield self._take()
                yield from self._cut()
            if self._is_done:
                return
        while self._start >= 0:
            is_torn = not self._end_at_next_element(self._start, len(self._buffer))
            yield self._take(is_torn=is_torn)
            yield from self._cut()
        if self._is_array and not self._is_closed and not self._is_damaged:
            self._warn("array_not_closed")

    def _cut(self) -> Iterator[RawRow]:
        while not self._is_done and (self._start >= 0 or self._open()) and self._close():
            start, end = self._start, self._position
            row = self._take()
            if row.problem and row.problem.code is Problem.NOT_JSON and self._end_at_next_element(start, end):
                self._number -= 1  # it had swallowed its neighbour, whose bracket closed it
                row = self._take()
            yield row

    def _open(self) -> bool:
        """Move to the beginning of the next element. False when the buffer holds none."""
        while found := _VISIBLE.search(self._buffer, self._position):
            mark, self._position = found.group(), found.end()
            if self._is_closed:
                if mark != b"[" or self._closer:
                    self._is_done = True
                    if mark != self._closer:
                        self._warn("data_after_array")
                    return False
                self._is_closed = False
            elif mark == b"]" and self._is_array:
                self._is_closed = not self._is_damaged
            elif mark not in b"]}" or not self._is_damaged:
                self._start, self._is_bare = found.start(), mark not in b"[{"
                self._depth = 0 if self._is_bare else 1
                return True
        self._position = len(self._buffer)
        return False

    def _close(self) -> bool:
        """Move behind the end of the open element. False when the buffer does not hold it."""
        if self._is_bare:  # no row is a bare value; cutting it roughly is good enough
            end = _BARE_END.search(self._buffer, self._position)
            self._position = end.start() if end else len(self._buffer)
            return end is not None
        while self._string_from < 0 or self._leave_string():
            found = _STRUCTURE.search(self._buffer, self._position)
            if not found:
                break
            self._position = found.end()
            mark = found.group()
            if mark == b'"':
                self._string_from = self._position
                continue
            self._depth += 1 if mark in b"[{" else -1
            if self._depth == 0:
                return True
        self._position = len(self._buffer)
        return False

    def _leave_string(self) -> bool:
        """Move behind the closing quote: the first with an even number of backslashes before it."""
        while (quote := self._buffer.find(b'"', self._position)) >= 0:
            before = quote
            while before > self._string_from and self._buffer[before - 1] == _BACKSLASH:
                before -= 1
            self._position = quote + 1
            if (quote - before) % 2 == 0:
                self._string_from = -1
                return True
        return False

    def _take(self, *, is_torn: bool = False) -> RawRow:
        """The row of the element that ends at the position."""
        self._count_lines_to(self._start)
        raw, line = self._buffer[self._start : self._position], self._line
        cut_excerpt, self._cut_excerpt = self._cut_excerpt, b""
        self._number += 1
        self._start, self._depth, self._string_from = -1, 0, -1
        if cut_excerpt or len(raw) > self._max_bytes:
            problem = RowProblem(Problem.TOO_LONG, max_bytes=self._max_bytes)
            return RawRow(self._number, line, cut_excerpt or raw[:EXCERPT_BYTES], problem=problem)
        row = from_json(self._number, line, raw.rstrip(), is_torn=is_torn)
        if self._next_element is None and row.value and (name := _FIRST_NAME.match(raw)):
            self._next_element = re.compile(rb"[,\s](?=\{\s*" + re.escape(name.group(1)) + rb"\s*:)")
        return row

    def _is_overgrown(self) -> bool:
        return self._start >= 0 and len(self._buffer) - self._start > self._max_bytes

    def _end_at_next_element(self, start: int, end: int) -> bool:
        """End an element where the next one seems to begin: a bracket or quote of its own was lost.

        Inside a text the sought name would have escaped quotes, so it is never found there.
        """
        if self._next_element is None or self._rescan_budget <= 0:
            return False
        found = self._next_element.search(self._buffer, start + 1, end)
        if not found:
            return False
        self._rescan_budget -= end - found.start()
        self._start, self._position, self._is_damaged = start, found.start(), True
        return True

    def _forget(self) -> None:
        """Drop what is no longer needed: all before the open element, or the element itself if it is overlong."""
        keep_from = self._start if self._start >= 0 else self._position
        if self._is_overgrown():
            self._cut_excerpt = self._cut_excerpt or self._buffer[self._start :][:EXCERPT_BYTES]
            tail = len(self._buffer) - len(self._buffer.rstrip(b"\\"))
            keep_from = self._position - tail % 2  # an odd backslash may escape what the next chunk begins with
        self._count_lines_to(keep_from)
        self._buffer = self._buffer[keep_from:]
        self._position -= keep_from
        self._counted_to = 0
        self._start = 0 if self._start >= 0 else -1
        self._string_from = max(0, self._string_from - keep_from) if self._string_from >= 0 else -1

    def _count_lines_to(self, position: int) -> None:
        self._line += self._buffer.count(b"\n", self._counted_to, position)
        self._counted_to = max(self._counted_to, position)
