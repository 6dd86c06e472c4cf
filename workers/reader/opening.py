"""From an upload to a stream of raw rows: unpack, decode, recognise, cut."""

import functools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from webapp.contract.events import Fault, Noted
from webapp.datasets.formats import FileFormat
from workers.reader import encoding, lines, rows, sniff, source
from workers.reader.encoding import Encoding
from workers.reader.faults import Refused
from workers.reader.jsonarray import Cutter
from workers.reader.sniff import Shape
from workers.reader.table import Table

Say = Callable[[Noted], None]


@dataclass(frozen=True, kw_only=True)
class Opened:
    """`columns` is known beforehand only for a table; `rows` can be gone through once."""

    upload: source.Source
    encoding: Encoding
    shape: Shape
    rows: Iterator[rows.RawRow]
    columns: list[str] = field(default_factory=list)
    has_header: bool = False

    def facts(self) -> dict[str, Any]:
        return {
            "format": self.shape.format,
            "compression": "gzip" if self.upload.is_gzip else "",
            "encoding": self.encoding.name,
            "encoding_found_by": self.encoding.found_by,
            "delimiter": self.shape.delimiter,
            "has_header": self.has_header,
            "size_bytes": self.upload.size_bytes,
        }


def find_encoding(upload: source.Source, watch: source.Watch) -> Encoding:
    """Go through the whole upload once; nothing is decided by its beginning alone."""
    sniff.refuse_other_kinds(upload.head(32))
    return encoding.find(upload.chunks(watch))


@dataclass(frozen=True, kw_only=True)
class Opener:
    file_name: str
    max_row_bytes: int
    mapped: set[str]
    say: Say

    def open(self, upload: source.Source, found: Encoding, watch: source.Watch) -> Opened:
        blank_bytes, blank_lines, head = _head(encoding.to_utf8(upload.chunks(), found))
        shape = sniff.recognise(head, self.file_name)
        self._announce(upload, found, shape)
        chunks = encoding.to_utf8(upload.chunks(watch), found)
        opened = functools.partial(Opened, upload=upload, encoding=found, shape=shape)
        if shape.format is FileFormat.JSON:
            first_line = 1 + blank_lines + head.count(b"\n", 0, shape.skip_bytes)
            cutter = self._cutter(shape, first_line)
            return opened(rows=cutter.rows(_skip(chunks, blank_bytes + shape.skip_bytes)))
        cut = lines.split(chunks, max_bytes=self.max_row_bytes, end=shape.line_end)
        if shape.format is FileFormat.JSONL:
            return opened(rows=rows.from_json_lines(cut, max_bytes=self.max_row_bytes))
        table = Table(cut, delimiter=shape.delimiter, max_bytes=self.max_row_bytes, mapped=self.mapped)
        if not table.has_header:
            self.say(Noted(code="header_missing", data={"columns": len(table.columns)}, is_warning=True))
        return opened(rows=table.rows(), columns=table.columns, has_header=table.has_header)

    def _cutter(self, shape: Shape, first_line: int) -> Cutter:
        return Cutter(
            max_bytes=self.max_row_bytes,
            is_array=shape.is_array,
            closer=b"}" if shape.wrapper else b"",
            first_line=first_line,
            warn=lambda code: self.say(Noted(code=code, is_warning=True)),
        )

    def _announce(self, upload: source.Source, found: Encoding, shape: Shape) -> None:
        if upload.is_gzip:
            self.say(Noted(code="unpacked", data={"compression": "gzip"}))
        data = {"encoding": found.name, "found_by": found.found_by}
        self.say(Noted(code="encoding", data=data, is_warning=found.is_guess))
        self.say(Noted(code="format", data={"format": shape.format, "delimiter": shape.delimiter}))
        if shape.wrapper:
            self.say(Noted(code="wrapper", data={"field": shape.wrapper}))


def _head(chunks: Iterable[bytes]) -> tuple[int, int, bytes]:
    """Bytes and lines of the blank beginning, and what follows it. Raises Refused where nothing does."""
    blank_bytes, blank_lines, head = 0, 0, b""
    for chunk in chunks:
        visible = chunk if head else chunk.lstrip()
        blank = len(chunk) - len(visible)
        blank_bytes, blank_lines = blank_bytes + blank, blank_lines + chunk.count(b"\n", 0, blank)
        head += visible
        if len(head) >= sniff.HEAD_BYTES:
            break
    if not head:
        raise Refused(Fault.NO_ROWS, cause="empty", rows_total=0)
    return blank_bytes, blank_lines, head[: sniff.HEAD_BYTES]


def _skip(chunks: Iterable[bytes], count: int) -> Iterator[bytes]:
    for chunk in chunks:
        if count < len(chunk):
            yield chunk[count:]
        count = max(0, count - len(chunk))
