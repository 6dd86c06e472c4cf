"""The uploaded file as a stream of bytes, unpacked where it is gzip; nothing it says about its size is believed."""

import stat
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from webapp.contract.events import Fault
from workers.reader.faults import Refused

CHUNK_BYTES = 256 * 1024
GZIP_MAGIC = b"\x1f\x8b"
MAX_RATIO = 250  # text packs to a fifth or a tenth; zlib's own ceiling, reached by zeros, is 1,032
RATIO_COUNTS_FROM_BYTES = 32 * 1024 * 1024

Watch = Callable[[int], None]
"""Called with the position in the uploaded file after each chunk; may raise to end the reading."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """An upload that can be streamed again and again, with flat memory."""

    path: Path
    size_bytes: int
    is_gzip: bool
    max_bytes: int

    def chunks(self, watch: Watch = lambda _position: None) -> Iterator[bytes]:
        """The (unpacked) bytes. Raises Refused past `max_bytes` or where the packing is damaged."""
        total = 0
        for chunk in self._unpacked(watch) if self.is_gzip else self._raw(watch):
            total += len(chunk)
            if total > self.max_bytes:
                raise Refused(Fault.TOO_LARGE, cause="bytes", max_bytes=self.max_bytes)
            yield chunk

    def head(self, size: int) -> bytes:
        found = b""
        for chunk in self.chunks():
            found += chunk
            if len(found) >= size:
                break
        return found[:size]

    def _raw(self, watch: Watch) -> Iterator[bytes]:
        position = 0
        with self.path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                position += len(chunk)
                watch(position)
                yield chunk

    def _unpacked(self, watch: Watch) -> Iterator[bytes]:
        """Members of a gzip file (RFC 1952) one after another; zero padding behind the last is harmless."""
        unpacker, unpacked, position = zlib.decompressobj(31), 0, 0
        for packed in self._raw(watch):
            position += len(packed)
            is_drained = False
            while not is_drained:
                if unpacker.eof:
                    packed = packed.lstrip(b"\x00")
                    if not packed:
                        break
                    unpacker = zlib.decompressobj(31)
                chunk = self._unpack(unpacker, packed)
                packed = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
                is_drained = not packed and (unpacker.eof or len(chunk) < CHUNK_BYTES)
                unpacked += len(chunk)
                if unpacked > RATIO_COUNTS_FROM_BYTES and unpacked > position * MAX_RATIO:
                    raise Refused(Fault.TOO_LARGE, cause="ratio", max_ratio=MAX_RATIO)
                if chunk:
                    yield chunk
        if not unpacker.eof:
            raise Refused(Fault.BAD_FILE, cause="gzip_cut")

    @staticmethod
    def _unpack(unpacker: "zlib._Decompress", packed: bytes) -> bytes:
        try:
            return unpacker.decompress(packed, CHUNK_BYTES)
        except zlib.error as error:
            raise Refused(Fault.BAD_FILE, cause="gzip_damaged") from error


def open_upload(folder: Path, relative: str, *, max_bytes: int) -> Source:
    """Find the upload inside the job folder. Raises Refused for a path that leads elsewhere."""
    path = folder / relative
    if Path(relative).is_absolute() or ".." in Path(relative).parts:
        raise Refused(Fault.BAD_CONFIG, field="upload_path")
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise Refused(Fault.BAD_FILE, cause="not_a_file")
        with path.open("rb") as file:
            is_gzip = file.read(2) == GZIP_MAGIC
    except FileNotFoundError as error:
        raise Refused(Fault.BAD_FILE, cause="missing") from error
    return Source(path=path, size_bytes=found.st_size, is_gzip=is_gzip, max_bytes=max_bytes)
