"""Storing files: nothing is registered before it was read back and its hash compared."""

import datetime as dt
import hashlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import TypeVar

from django.db import models, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from webapp.accounts.models import Team
from webapp.artifacts import storage
from webapp.artifacts.models import Blob, Bundle, BundleFile
from webapp.core import purging

KEEP_UNUSED = dt.timedelta(days=1)
Row = TypeVar("Row", bound=models.Model)


def store_file(path: Path, *, expected_sha256: str = "", is_frozen: bool = False) -> Blob:
    """Store a file under its hash, read it back, compare, and only then register it. Safe to repeat and to race.

    `is_frozen`: nobody will write to `path` again, so that on the same disk no byte need be copied.
    Raises DamagedContent when it is not `expected_sha256`, or when the storage returned something else.
    """
    path = path.resolve()
    sha256 = storage.digest(path)
    if expected_sha256 and sha256 != expected_sha256:
        raise storage.DamagedContent(f"{path.name} has SHA-256 {sha256}, not {expected_sha256}")
    while True:
        storage.put(path, sha256, is_frozen=is_frozen)
        if storage.digest_stored(sha256) != sha256:
            raise storage.DamagedContent(f"the storage returned other bytes than were written for {sha256}")
        blob = _register(sha256, size_bytes=path.stat().st_size)
        if storage.exists(sha256):
            return blob
        # The collector removed an unused copy of this content just before our row was there to forbid it.


def _register(sha256: str, *, size_bytes: int) -> Blob:
    while True:
        now = timezone.now()
        defaults = {"size_bytes": size_bytes, "verified_at": now}
        blob, is_new = Blob.objects.get_or_create(sha256=sha256, defaults=defaults)
        if is_new or Blob.objects.filter(pk=blob.pk).update(verified_at=now):
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


def drop_orphans(*, older_than: dt.timedelta = KEEP_UNUSED) -> int:
    """Forget sets of files to which no row points: whoever stored them was killed before registering them.

    Returns how many. A young one may be about to be registered, so it stays.
    """
    orphans = _pointed_to_by_none(Bundle.objects.filter(created_at__lt=timezone.now() - older_than), but=BundleFile)
    return purging.each(orphans, _drop_orphan)


def _drop_orphan(bundle: Bundle) -> bool:
    drop_bundle(bundle=bundle)
    return True


def _require_plain(name: str) -> None:
    parts = PurePosixPath(name).parts
    is_plain = name == "/".join(parts) and not name.startswith("/") and "\\" not in name and "\0" not in name
    if not parts or not is_plain or {".", ".."} & set(parts) or len(name) > 255:
        raise ValueError(f"not a plain relative path: {name!r}")


def collect_unused(*, unused_for: dt.timedelta = KEEP_UNUSED) -> int:
    """Free contents that no row has needed for a while; returns how many.

    A row is first marked as no longer verified, and a content goes only under the lock of its marked row: whoever
    stores the same content meanwhile either takes the mark away or notices that the file is gone.
    """
    condemned = _unused().filter(verified_at__lt=timezone.now() - unused_for)
    Blob.objects.filter(pk__in=condemned.values("pk")).update(verified_at=None)
    gone = 0
    for pk in list(_unused().filter(verified_at=None).values_list("pk", flat=True)):
        with transaction.atomic():
            blob = _unused().select_for_update(of=("self",)).filter(pk=pk, verified_at=None).first()
            if blob is not None:
                storage.delete(blob.sha256)
                blob.delete()
                gone += 1
    return gone


def _unused() -> "QuerySet[Blob]":
    return _pointed_to_by_none(Blob.objects.all())


def _pointed_to_by_none(rows: "QuerySet[Row]", *, but: type[models.Model] | None = None) -> "QuerySet[Row]":
    """Those to which no row of any app points, `but` aside; found from the models, so that none above need be known."""
    for relation in rows.model._meta.get_fields(include_hidden=True):
        is_from_elsewhere = relation.auto_created and not relation.concrete and relation.is_relation
        if is_from_elsewhere and relation.related_model is not but:
            users = relation.related_model._base_manager.filter(**{relation.field.name: OuterRef("pk")})  # type: ignore[union-attr]
            rows = rows.filter(~Exists(users))
    return rows
