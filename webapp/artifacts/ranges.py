"""The header Range (RFC 9110, section 14.2) for one range of bytes. Pure."""

import re
from dataclasses import dataclass

_ONE = re.compile(r"bytes=[ \t]*([0-9]{0,18})-([0-9]{0,18})[ \t]*", re.ASCII)


class Unsatisfiable(ValueError):
    """The range is well-formed and begins behind the end."""


@dataclass(frozen=True)
class ByteRange:
    start: int
    length: int

    def content_range(self, size: int) -> str:
        return f"bytes {self.start}-{self.start + self.length - 1}/{size}"


def parse(header: str, *, size: int) -> ByteRange | None:
    """The range to send; None for the whole file.

    Whoever asks for several ranges at once gets the whole file, as the standard allows: it costs nobody anything,
    where thousands of overlapping ranges could.
    """
    match = _ONE.fullmatch(header)
    if not match or match.group(1) == match.group(2) == "":
        return None
    first, last = match.groups()
    if not first:
        start, end = max(0, size - int(last)), size - 1
    else:
        start, end = int(first), min(int(last), size - 1) if last else size - 1
        if last and int(last) < start:
            return None
    if start >= size:
        raise Unsatisfiable(header)
    return ByteRange(start=start, length=end - start + 1)
