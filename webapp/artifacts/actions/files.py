"""Storing files: nothing is registered before it was read back and its hash compared."""

import hashlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from django.db import transaction
from django.utils import timezone

from webapp.accounts.models import Team
from webapp.artifacts import storage
from webapp.artifacts.models import Blob, Bundle, BundleFile

TRIES = 10  # each but the first because a collector was at the same content in the same moment


def store_file(path: Path, *, expected_sha256: str = "", is_frozen: bool = False) -> Blob:
    """Store a file under its hash, read it back, compare, and only then register it. Safe to repeat and to race.

    `is_frozen`: nobody will write to `path` again, so that on the same disk no byte need be copied.
    Raises DamagedContent when it is not `expected_sha256`, or when the storage returned something else.
    """
    path = path.resolve()
    sha256 = storage.digest(path)
    if expected_sha256 and sha256 != expected_sha256:
        raise storage.DamagedContent(f"{path.name} has SHA-256 {sha256}, not {expected_sha256}")
    for _try in range(TRIES):
        storage.put(path, sha256, is_frozen=is_frozen)
        if _reads_back(sha256):
            blob = _register(sha256, size_bytes=path.stat().st_size)
            if storage.exists(sha256):
                return blob
        # The collector removed an unused copy of this content just before our row was there to forbid it.
    raise storage.MissingContent(f"the storage does not keep {sha256}")


def _reads_back(sha256: str) -> bool:
    """False when it is gone again."""
    try:
        if storage.digest_stored(sha256) != sha256:
            raise storage.DamagedContent(f"the storage returned other bytes than were written for {sha256}")
    except storage.MissingContent:
        return False
    return True


def _register(sha256: str, *, size_bytes: int) -> Blob:
    while True:
        now = timezone.now()
        defaults = {"size_bytes": size_bytes, "verified_at": now}
        blob, is_new = Blob.objects.get_or_create(sha256=sha256, defaults=defaults)
        if is_new or Blob.objects.filter(pk=blob.pk).update(verified_at=now, unused_since=None):
            return blob


def make_bundle(
    *, team: Team | None, kind: str, files: Mapping[str, Path], expected: Mapping[str, str] | None = None
) -> Bundle:
    """Store files and register them as one set; `expected` maps their names to the hashes that were promised.

    The files must not be written to any more. Either all are registered or none.
    """
    for name in files:
        _require_plain(name)
    blobs = {
        name: store_file(path, expected_sha256=(expected or {}).get(name, ""), is_frozen=True)
        for name, path in sorted(files.items())
    }
    with transaction.atomic():
        bundle = Bundle.objects.create(
            team=team,
            kind=kind,
            manifest_sha256=manifest_sha256({name: blob.sha256 for name, blob in blobs.items()}),
            size_bytes=sum(blob.size_bytes for blob in blobs.values()),
        )
        BundleFile.objects.bulk_create(BundleFile(bundle=bundle, path=name, blob=blob) for name, blob in blobs.items())
    return bundle


def manifest_sha256(hashes: Mapping[str, str]) -> str:
    """One hash for a set of files: that of the text which `sha256sum` would print for them, sorted by name."""
    lines = "".join(f"{sha256}  {name}\n" for name, sha256 in sorted(hashes.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def drop_bundle(*, bundle: Bundle) -> None:
    """Forget a set of files. Raises ProtectedError while a row still points to it; the collector frees the bytes."""
    bundle.delete()


def _require_plain(name: str) -> None:
    parts = PurePosixPath(name).parts
    is_plain = name == "/".join(parts) and not name.startswith("/") and "\\" not in name and "\0" not in name
    if not parts or not is_plain or {".", ".."} & set(parts) or len(name) > 255:
        raise ValueError(f"not a plain relative path: {name!r}")
