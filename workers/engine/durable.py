"""Files that are there whole or not at all, also after a power cut."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from webapp.contract.events import Fault
from workers.engine.faults import EngineFault

CHUNK_BYTES = 1 << 20
FILES = "files.json"


def sync_file(path: Path) -> None:
    """Ask the kernel to put a written file on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


sync_folder = sync_file  # a folder is flushed the same way: its entries are its content


def write_text(path: Path, text: str) -> None:
    """Write and flush; the name itself becomes durable with the folder's own flush."""
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def write_json(path: Path, value: Any) -> None:
    write_text(path, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n")


def replace_json(path: Path, value: Any) -> None:
    """Write a file that others may read at any moment: they see the old one or the new one."""
    temporary = path.with_name(f".{path.name}.tmp")
    write_json(temporary, value)
    temporary.rename(path)
    sync_folder(path.parent)


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def copy(source: Path, target: Path) -> None:
    """Copy in small pieces, so that a large file needs no memory, and flush."""
    with source.open("rb") as reader, target.open("wb") as writer:
        shutil.copyfileobj(reader, writer, CHUNK_BYTES)
        writer.flush()
        os.fsync(writer.fileno())


def require_room(folder: Path, needed_bytes: int) -> None:
    """Raises EngineFault before anything is written, where so many bytes will not fit on the disk."""
    free = shutil.disk_usage(folder).free
    if needed_bytes > free:
        raise EngineFault(Fault.DISK_FULL, needed_bytes=needed_bytes, free_bytes=free)


def link(source: Path, target: Path) -> None:
    """A second name for a file that nobody writes to any more; a copy where the disk has no such thing."""
    try:
        os.link(source, target)
    except OSError:
        copy(source, target)


def describe_files(folder: Path) -> list[dict[str, Any]]:
    """List every file below `folder` with its size and SHA-256, sorted by path."""
    return [
        {"path": path.relative_to(folder).as_posix(), "size_bytes": path.stat().st_size, "sha256": sha256_of(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]


@contextmanager
def folder_in_the_making(final: Path) -> Iterator[Path]:
    """Fill a temporary folder beside `final`; it takes that name when the block ends without an error."""
    final.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{final.name}-", dir=final.parent))
    try:
        yield temporary
        publish(temporary, final)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def publish(temporary: Path, final: Path) -> None:
    """Give a finished folder its name; an older folder of that name gives way."""
    temporary.chmod(0o755)
    for path in temporary.rglob("*"):
        sync_file(path)
    sync_folder(temporary)
    if final.exists():
        shutil.rmtree(final)
    temporary.rename(final)
    sync_folder(final.parent)


def sweep(parent: Path, name: str) -> None:
    """Remove what killed attempts at making `parent/name` left behind."""
    for leftover in parent.glob(f".{name}-*"):
        shutil.rmtree(leftover, ignore_errors=True)
