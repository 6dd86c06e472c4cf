"""What a file is by its first bytes, whatever it is called: pickles and archives, which are never opened as such."""

from pathlib import PurePosixPath

from webapp.contract.events import Fault
from webapp.contract.spec import PICKLE_ENDINGS
from workers.reader.faults import Refused

HEAD_BYTES = 512
_PICKLE_PROTOCOLS = frozenset(range(2, 6))  # from the second on a pickle begins with 0x80 and its number
_ARCHIVES = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
)
_TAR, _TAR_AT = b"ustar", 257


def refuse_pickle(head: bytes, name: str) -> None:
    """Raise Refused for a file that Python would unpickle, by its content or its ending."""
    is_pickle = head[:1] == b"\x80" and head[1:2] and head[1] in _PICKLE_PROTOCOLS and not _is_header(head)
    if is_pickle or PurePosixPath(name).suffix.casefold() in PICKLE_ENDINGS:
        raise Refused(Fault.UNSAFE_FILE, reason="pickle", file=name[-200:])


def archive_kind(head: bytes) -> str:
    """Which kind of archive begins so; empty for anything else."""
    if head[_TAR_AT : _TAR_AT + len(_TAR)] == _TAR:
        return "tar"
    return next((kind for magic, kind in _ARCHIVES if head.startswith(magic)), "")


def _is_header(head: bytes) -> bool:
    """Weights whose header has 640 bytes begin like a pickle: the length stands first, and then the brace."""
    return head[8:9] == b"{" and not any(head[4:8])
