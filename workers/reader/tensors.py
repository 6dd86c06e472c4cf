"""Reads and checks a safetensors file without its library: the header, byte for byte, and that every number is one.

The format (github.com/huggingface/safetensors): eight bytes, little-endian, with the length of a JSON header; the
header maps names to dtype, shape and a byte range behind it; the ranges cover the rest of the file without a hole.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from webapp.contract.events import Fault
from workers.reader import strictjson
from workers.reader.faults import Refused

LENGTH_BYTES = 8
MAX_HEADER_BYTES = 16 * 1024 * 1024
MAX_TENSORS = 100_000
MAX_DIMENSIONS = 8
CHUNK_BYTES = 4 * 1024 * 1024
METADATA = "__metadata__"

Watch = Callable[[int], None]
"""Called with the position in the file; may raise to end it."""


@dataclass(frozen=True)
class Kind:
    """A floating-point type as unsigned integers of its width. An exponent of ones only is infinity or no number."""

    unsigned: str
    exponent: int

    @property
    def size_bytes(self) -> int:
        return np.dtype(self.unsigned).itemsize


KINDS = {"F32": Kind("<u4", 0x7F800000), "F16": Kind("<u2", 0x7C00), "BF16": Kind("<u2", 0x7F80)}


@dataclass(frozen=True)
class Tensor:
    """`start` and `end` count from the first byte behind the header."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int

    @property
    def count(self) -> int:
        return math.prod(self.shape)


@dataclass(frozen=True)
class Header:
    """Of a file whose ranges were checked. `tensors` are in the order of their bytes; data begins at `data_at`."""

    tensors: list[Tensor]
    data_at: int


def read_header(path: Path, *, file: str) -> Header:
    """Raises Refused for a header that lies about anything."""
    size = path.stat().st_size
    with path.open("rb") as opened:
        length = int.from_bytes(opened.read(LENGTH_BYTES), "little")
        if size < LENGTH_BYTES + 2 or not 2 <= length <= min(MAX_HEADER_BYTES, size - LENGTH_BYTES):
            raise _refused(file, "header_length", length=str(length), limit=MAX_HEADER_BYTES)
        raw = opened.read(length)
    if raw[:1] != b"{":
        raise _refused(file, "header_start")
    entries = strictjson.load_object(raw, file=file)
    _check_metadata(entries.pop(METADATA, {}), file)
    if not 1 <= len(entries) <= MAX_TENSORS:
        raise _refused(file, "tensor_count", count=len(entries), limit=MAX_TENSORS)
    tensors = sorted((_tensor(name, entry, file) for name, entry in entries.items()), key=lambda found: found.start)
    _check_ranges(tensors, size - LENGTH_BYTES - length, file)
    return Header(tensors, LENGTH_BYTES + length)


def find_changes(path: Path, header: Header, *, file: str, counts: Callable[[str], bool], watch: Watch) -> bool:
    """Go through every number; whether one that `counts` by its tensor's name is not zero. Raises Refused.

    Raises for the first tensor that holds an infinity or something that is no number.
    """
    is_changed = False
    with path.open("rb") as opened:
        opened.seek(header.data_at)
        for tensor in header.tensors:
            kind = KINDS[tensor.dtype]
            for values in _chunks(opened, tensor, kind):
                if ((values & kind.exponent) == kind.exponent).any():
                    raise _refused(file, "not_finite", tensor=tensor.name[-300:])
                is_changed = is_changed or (counts(tensor.name) and bool((values << 1).any()))  # without the sign
            watch(header.data_at + tensor.end)
    return is_changed


def _chunks(opened: BinaryIO, tensor: Tensor, kind: Kind) -> Iterator["np.ndarray[Any, Any]"]:
    left = tensor.end - tensor.start
    while left:
        data = opened.read(min(left, CHUNK_BYTES))
        if not data:
            raise Refused(Fault.BAD_FILE, cause="cut", file=tensor.name[-300:])
        left -= len(data)
        yield np.frombuffer(data, kind.unsigned)


def _check_metadata(found: Any, file: str) -> None:
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise _refused(file, "metadata")


def _tensor(name: str, entry: Any, file: str) -> Tensor:
    shown = name[-300:]
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise _refused(file, "entry", tensor=shown)
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in KINDS:
        raise _refused(file, "dtype", tensor=shown, dtype=str(dtype)[:30], known=sorted(KINDS))
    if not _are_whole(shape) or len(shape) > MAX_DIMENSIONS or not _are_whole(offsets) or len(offsets) != 2:
        raise _refused(file, "entry", tensor=shown)
    found = Tensor(name, dtype, tuple(shape), offsets[0], offsets[1])
    if not found.count:
        raise _refused(file, "empty_tensor", tensor=shown)
    if found.end - found.start != found.count * KINDS[dtype].size_bytes:
        raise _refused(file, "shape", tensor=shown)
    return found


def _are_whole(values: Any) -> bool:
    return isinstance(values, list) and all(type(value) is int and 0 <= value < 1 << 48 for value in values)


def _check_ranges(tensors: list[Tensor], data_bytes: int, file: str) -> None:
    """One behind the other, from the first byte to the last."""
    position = 0
    for tensor in tensors:
        if tensor.start != position:
            reason = "overlap" if tensor.start < position else "hole"
            raise _refused(file, reason, tensor=tensor.name[-300:])
        position = tensor.end
    if position != data_bytes:
        raise _refused(file, "file_size", announced_bytes=position, found_bytes=data_bytes)


def _refused(file: str, reason: str, **data: object) -> Refused:
    return Refused(Fault.BAD_FILE, cause="safetensors", reason=reason, file=file, **data)
