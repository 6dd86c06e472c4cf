"""Finds out from a file's beginning and its name what kind of file it is."""

import csv
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import PurePosixPath

import orjson

from webapp.contract.events import Fault
from webapp.datasets.formats import KNOWN_NAMES, FileFormat, plain_name
from workers.reader.faults import Refused

HEAD_BYTES = 256 * 1024
SUPPORTED = tuple(FileFormat)
_JSONL_ENDINGS = frozenset({"jsonl", "ndjson", "jsonlines"})
_TABLE_ENDINGS = {"csv": ",", "tsv": "\t", "tab": "\t"}
_DELIMITERS = (",", ";", "\t", "|")

# Beginnings of files that people do upload and that cannot be read: the sentence can then name the kind.
_OTHER_KINDS = (
    (b"PAR1", "parquet"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\x1f\x8b", "gzip"),  # only seen here when gzip was packed in gzip
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"ARROW1", "arrow"),
    (b"\xff\xff\xff\xff", "arrow"),
    (b"%PDF", "pdf"),
    (b"\xd0\xcf\x11\xe0", "office"),
    (b"SQLite format 3\x00", "sqlite"),
    (b"GGUF", "gguf"),
)
# A whole dataset wrapped in one object, as `{"data": [{…}, …]}`.
_WRAPPER = re.compile(
    rb'\s*\{\s*"(data|rows|train|examples|items|records|instances|samples|dataset)"\s*:\s*\[\s*(?=\{)'
)


@dataclass(frozen=True, kw_only=True)
class Shape:
    """How to cut the file into rows. `skip_bytes` lead to an array's first element; 0 without an array."""

    format: FileFormat
    delimiter: str = ""
    line_end: bytes = b"\n"
    is_array: bool = False
    skip_bytes: int = 0
    wrapper: str = ""


def refuse_other_kinds(head: bytes) -> None:
    """Raise Refused for a file whose first bytes say that it is something else."""
    for magic, kind in _OTHER_KINDS:
        if head.startswith(magic):
            raise unknown(seems=kind)


def unknown(*, seems: str = "") -> Refused:
    return Refused(Fault.UNKNOWN_FORMAT, seems=seems, supported=[str(item) for item in SUPPORTED])


def recognise(head: bytes, file_name: str) -> Shape:
    """Decide by content first, by the name's ending where the content leaves a choice.

    `head` is the file's beginning in UTF-8, without byte order mark. Raises Refused where it is nothing known.
    """
    ending = _ending(file_name)
    start = head.lstrip()[:1]
    if ending not in _TABLE_ENDINGS and start in (b"{", b"["):
        return _recognise_json(head, ending)
    line_end = b"\n" if b"\n" in head or b"\r" not in head else b"\r"
    text = head.decode(errors="replace")
    if ending in _JSONL_ENDINGS or (ending not in _TABLE_ENDINGS and re.search(r"^\s*\{.*\}\s*$", text, re.MULTILINE)):
        return Shape(format=FileFormat.JSONL, line_end=line_end)
    if ending == "json":
        raise unknown(seems="text")
    delimiter = _find_delimiter(text, ending)
    if delimiter is None:
        raise unknown(seems="binary" if text.count("\x00") + text.count("�") > len(text) * 0.1 else "text")
    return Shape(format=FileFormat.TSV if delimiter == "\t" else FileFormat.CSV, delimiter=delimiter, line_end=line_end)


def has_header(cells: list[str], *, mapped: set[str]) -> bool:
    """Whether a table's first row holds names. With a mapping, its columns decide."""
    names = [cell.strip() for cell in cells]
    if mapped:
        return bool(mapped & set(names)) or not mapped & set(numbered_columns(len(cells)))
    if any(plain_name(name) in KNOWN_NAMES for name in names):
        return True
    looks_like_data = any(len(name) > 60 or "\n" in name or name.endswith((".", "!", "?")) for name in names)
    return not looks_like_data and not all(re.fullmatch(r"[\d.,:\-/ ]*", name) for name in names)


def numbered_columns(count: int) -> list[str]:
    """Names for the columns of a table that brings none."""
    return [f"column {number}" for number in range(1, count + 1)]


def header_names(cells: list[str]) -> list[str]:
    """A header's names, made unique; an empty one is numbered."""
    seen: Counter[str] = Counter()
    names = []
    for number, cell in enumerate(cells, start=1):
        name = cell.strip() or f"column {number}"
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return names


def _ending(file_name: str) -> str:
    name = file_name.casefold().removesuffix(".gz")
    return PurePosixPath(name).suffix.lstrip(".")


def _recognise_json(head: bytes, ending: str) -> Shape:
    lines = [line.strip() for line in head.split(b"\n") if line.strip()]
    has_more = len(lines) > 1
    is_whole = _is_json(lines[0]) and (has_more or len(head) < HEAD_BYTES)
    wrapper = None if has_more and is_whole else _WRAPPER.match(head)
    if wrapper:
        name = wrapper.group(1).decode()
        return Shape(format=FileFormat.JSON, is_array=True, skip_bytes=wrapper.end(), wrapper=name)
    starts_rows = sum(line.startswith((b'{"', b"{ ")) for line in head.split(b"\n")[:20])  # indented ones are parts
    if lines[0].startswith(b"["):
        if is_whole and starts_rows:
            return Shape(format=FileFormat.JSONL)  # whose first row is a list
        return Shape(format=FileFormat.JSON, is_array=True, skip_bytes=head.index(b"[") + 1)
    is_named_so = ending in _JSONL_ENDINGS and lines[0] != b"{"
    if is_whole or starts_rows > 1 or is_named_so or len(lines[0]) >= HEAD_BYTES // 2:
        return Shape(format=FileFormat.JSONL)
    return Shape(format=FileFormat.JSON)


def _is_json(line: bytes) -> bool:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True


def _find_delimiter(text: str, ending: str) -> str | None:
    """The delimiter that cuts the first hundred rows into the same number of cells, at least two."""
    lines = text.splitlines(keepends=True)
    if len(text) >= HEAD_BYTES // 4:
        lines = lines[:-1] or lines
    best: tuple[float, bool, int, bool] = (0.0, False, 0, False)
    found = None
    for delimiter in _DELIMITERS:
        counts = _cell_counts(lines, delimiter)
        common, times = Counter(counts).most_common(1)[0] if counts else (0, 0)
        # Text is full of commas and a header is not, so a tie is decided by whether the first row is like the others.
        is_first_alike = bool(counts) and counts[0] == common
        share = round(times / max(1, len(counts)), 1)
        score = (share, is_first_alike, common, delimiter == _TABLE_ENDINGS.get(ending))
        if common > 1 and score > best:
            best, found = score, delimiter
    if ending in _TABLE_ENDINGS:
        return found or _TABLE_ENDINGS[ending]
    return found if best[0] >= 0.9 and len(lines) > 1 else None


def _cell_counts(lines: list[str], delimiter: str) -> list[int]:
    counts: list[int] = []
    try:
        for cells in csv.reader(iter(lines), delimiter=delimiter):
            if cells:
                counts.append(len(cells))
            if len(counts) == 100:
                break
    except csv.Error:
        pass  # what was counted so far still tells
    return counts
