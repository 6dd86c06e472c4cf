"""Takes a few files out of a zip, with rules of our own: nothing that an entry says about itself is believed.

No links, no paths that lead elsewhere, no two entries of one name, none that overlap; caps on count, ratio and size.
Each entry is unpacked to its end, the unwanted ones into nothing, so that a damaged one is found wherever it lies.
"""

import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from webapp.contract.events import Fault
from workers.reader import kinds
from workers.reader.faults import Refused

CHUNK_BYTES = 1 << 20
MAX_ENTRIES = 1000
MAX_NAME_BYTES = 400
MAX_RATIO = 100  # weights hardly pack; zlib's own ceiling, reached by zeros, is 1,032
RATIO_COUNTS_FROM_BYTES = 1 << 20
_LOCAL_HEADER_BYTES = 30
_IS_ENCRYPTED = 0x1
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})

Watch = Callable[[int], None]
"""Called with how many bytes were unpacked; may raise to end it."""


@dataclass(frozen=True)
class Unpacked:
    """`files` maps a wanted name to where it lies now; `left_out` are the names of all others."""

    files: dict[str, Path] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def unpack(path: Path, *, into: Path, wanted: Collection[str], leader: str, max_bytes: int, watch: Watch) -> Unpacked:
    """Take `wanted` out of the folder of the zip in which `leader` lies nearest to the top. Raises Refused."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _refuse_odd(entries, end=archive.start_dir, max_bytes=max_bytes)
            files = [entry for entry in entries if not entry.is_dir()]
            home = _home([entry.filename for entry in files], leader)
            return _take(archive, files, home=home, into=into, wanted=wanted, watch=watch)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError) as error:
        raise _refused("damaged", message=str(error)[:200]) from error


def _take(
    archive: zipfile.ZipFile,
    files: list[zipfile.ZipInfo],
    *,
    home: str,
    into: Path,
    wanted: Collection[str],
    watch: Watch,
) -> Unpacked:
    found, done = Unpacked(), 0
    for number, entry in enumerate(files):
        name = entry.filename.removeprefix(home)
        target = into / str(number) if entry.filename.startswith(home) and name in wanted else None
        done = _read(archive, entry, target, done, watch)
        if target is None:
            found.left_out.append(entry.filename)
        else:
            found.files[name] = target
    return found


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path | None, done: int, watch: Watch) -> int:
    """Unpack one entry to its end, where its checksum is compared; returns how many bytes that makes in all."""
    is_first = True
    with archive.open(entry) as packed, (target or Path("/dev/null")).open("wb") as out:
        while chunk := packed.read(CHUNK_BYTES):
            if is_first:
                refuse_inside(chunk[: kinds.HEAD_BYTES], entry.filename)
                is_first = False
            out.write(chunk)
            done += len(chunk)
            watch(done)
    return done


def refuse_inside(head: bytes, name: str) -> None:
    """An archive in an archive is not opened, and a pickle is refused whether it is wanted or not."""
    kinds.refuse_pickle(head, name)
    if kind := kinds.archive_kind(head):
        raise _refused("nested", file=name[-200:], kind=kind)


def _home(names: list[str], leader: str) -> str:
    """The folder that holds `leader`, with a slash at its end; empty for the top or where there is none."""
    homes = sorted((name.removesuffix(leader) for name in names if PurePosixPath(name).name == leader), key=_depth)
    if len(homes) > 1 and _depth(homes[0]) == _depth(homes[1]):
        raise _refused("several", file=leader)
    return homes[0] if homes else ""


def _depth(folder: str) -> int:
    return folder.count("/")


def _refuse_odd(entries: list[zipfile.ZipInfo], *, end: int, max_bytes: int) -> None:
    if len(entries) > MAX_ENTRIES:
        raise _refused("entries", limit=MAX_ENTRIES)
    total, seen = 0, set[str]()
    for entry in entries:
        _refuse_name(entry)
        if (key := unicodedata.normalize("NFKC", entry.filename).casefold().rstrip("/")) in seen:
            raise _refused("same_name", file=entry.filename[-200:])
        seen.add(key)
        _refuse_kind(entry)
        total += entry.file_size
        if entry.file_size > max(RATIO_COUNTS_FROM_BYTES, MAX_RATIO * entry.compress_size) or total > max_bytes:
            raise Refused(Fault.TOO_LARGE, cause="unpacked", file=entry.filename[-200:], max_bytes=max_bytes)
    _refuse_overlaps(entries, end)


def _refuse_name(entry: zipfile.ZipInfo) -> None:
    name = entry.orig_filename
    parts = name.removesuffix("/").split("/")
    is_odd = (
        not name.isprintable()
        or len(name.encode(errors="replace")) > MAX_NAME_BYTES
        or "\\" in name
        or ":" in name
        or {"", ".", ".."} & set(parts)
    )
    if is_odd:
        raise _refused("path", file=name[-200:])


def _refuse_kind(entry: zipfile.ZipInfo) -> None:
    """Only files and folders: what Unix calls a link, a device or a pipe stands in the upper half of the attributes."""
    if stat.S_IFMT(entry.external_attr >> 16) not in {0, stat.S_IFREG, stat.S_IFDIR}:
        raise _refused("link", file=entry.filename[-200:])
    if entry.flag_bits & _IS_ENCRYPTED:
        raise _refused("encrypted", file=entry.filename[-200:])
    if entry.compress_type not in _METHODS:
        raise _refused("method", file=entry.filename[-200:])


def _refuse_overlaps(entries: list[zipfile.ZipInfo], end: int) -> None:
    """Entries that share bytes unpack to far more than they take (Fifield 2019)."""
    position = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset < position:
            raise _refused("overlap", file=entry.filename[-200:])
        position = entry.header_offset + _LOCAL_HEADER_BYTES + len(entry.orig_filename) + entry.compress_size
    if position > end:
        raise _refused("overlap", file="")


def _refused(reason: str, **data: object) -> Refused:
    return Refused(Fault.BAD_FILE, cause="archive", reason=reason, **data)
