"""Rows on their way out: made while they are sent, a row group in memory at a time."""

import csv
import io
from collections.abc import Generator, Iterable

import orjson
from django.utils.translation import gettext as _

from webapp.datasets import rows, words
from webapp.datasets.rows import Files

PIECE_BYTES = 256 * 1024
# What makes a spreadsheet run a cell as a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def conversations(files: Files) -> Generator[bytes]:
    """Every good row as a line of chat JSON, in the order of the file: what any trainer reads, ours too."""
    lines = (orjson.dumps({"messages": row.messages}) + b"\n" for row in rows.every(files))
    return _in_pieces(lines)


def problem_table(files: Files) -> Generator[bytes]:
    """The bad rows as a table for a spreadsheet."""
    return _in_pieces(_table_lines(files))


def _table_lines(files: Files) -> Generator[bytes]:
    yield "\ufeff".encode()  # by which spreadsheets know UTF-8
    yield _line([_("Row"), _("Line"), _("Field"), _("What is wrong"), _("What to do"), _("The row begins with")])
    for problem in rows.problems(files):
        remedy = words.problem_remedy(problem["code"])
        cause = words.problem_cause(problem)
        yield _line([problem["row"], problem["line"], problem["field"], cause, remedy, problem["excerpt"]])


def _line(cells: Iterable[object]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow([cell if isinstance(cell, int) else plain_cell(str(cell)) for cell in cells])
    return text.getvalue().encode()


def plain_cell(text: str) -> str:
    """Text that a spreadsheet shows and does not run."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _in_pieces(lines: Iterable[bytes]) -> Generator[bytes]:
    """Larger pieces: each one costs a change of threads."""
    held: list[bytes] = []
    size = 0
    for line in lines:
        held.append(line)
        size += len(line)
        if size >= PIECE_BYTES:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)
