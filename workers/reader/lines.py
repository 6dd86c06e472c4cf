"""Cuts a stream of UTF-8 into lines, however long they are, with flat memory."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

EXCERPT_BYTES = 1200  # enough for 300 characters of any script


class Line(NamedTuple):
    """One line without its end. A line above the cap is cut to its beginning and says so."""

    number: int
    data: bytes
    is_cut: bool = False
    has_end: bool = True


def split(chunks: Iterable[bytes], *, max_bytes: int, end: bytes = b"\n") -> Iterator[Line]:
    """Lines numbered from 1, in order."""
    number, kept, is_cut = 1, b"", False
    for chunk in chunks:
        *whole, rest = chunk.split(end)
        for part in whole:
            if is_cut or len(kept) + len(part) > max_bytes:
                yield Line(number, (kept + part)[:EXCERPT_BYTES], is_cut=True)
            else:
                yield Line(number, kept + part if kept else part)
            number, kept, is_cut = number + 1, b"", False
        if is_cut or len(kept) + len(rest) > max_bytes:
            kept, is_cut = (kept + rest)[:EXCERPT_BYTES], True
        elif rest:
            kept += rest
    if kept:
        yield Line(number, kept, is_cut=is_cut, has_end=False)
