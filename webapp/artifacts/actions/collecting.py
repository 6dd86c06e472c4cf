"""Freeing contents that nobody needs any more, in two phases, so that nothing goes that somebody takes up meanwhile."""

import datetime as dt
from collections.abc import Collection
from typing import TypeVar

from django.db import models, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from webapp.artifacts import storage
from webapp.artifacts.actions import files
from webapp.artifacts.models import Blob, Bundle, BundleFile
from webapp.core import purging

KEEP_UNUSED = dt.timedelta(days=1)
Row = TypeVar("Row", bound=models.Model)


def drop_orphans(*, older_than: dt.timedelta = KEEP_UNUSED) -> int:
    """Forget sets of files to which no row points: whoever stored them was killed before registering them.

    Returns how many. A young one may be about to be registered, so it stays.
    """
    old = Bundle.objects.filter(created_at__lt=timezone.now() - older_than)
    return purging.each(old.filter(~_is_used(Bundle, but=BundleFile)), _drop_orphan)


def _drop_orphan(bundle: Bundle) -> bool:
    files.drop_bundle(bundle=bundle)
    return True


def collect_unused(*, unused_for: dt.timedelta = KEEP_UNUSED, needed: Collection[str] = ()) -> int:
    """Free contents that no row has needed for `unused_for`; returns how many. `needed` are hashes to be left alone.

    The first phase only writes down since when nobody needs a content; storing it again takes that away. The second
    frees what has been marked for long enough, each content under the lock of its row.
    """
    now = timezone.now()
    Blob.objects.exclude(unused_since=None).filter(_is_used(Blob)).update(unused_since=None)
    unused().filter(unused_since=None).update(unused_since=now)
    due = Blob.objects.filter(unused_since__lte=now - unused_for).exclude(sha256__in=needed)
    return sum(_free(pk, marked_before=now - unused_for) for pk in list(due.values_list("pk", flat=True)))


def _free(pk: int, *, marked_before: dt.datetime) -> bool:
    """False when somebody took it up since it was marked.

    Nobody can point to the row while it is locked. Who did so before holds a lock of their own until they are done,
    and is seen, because the second look is a statement of its own that begins after the lock was got. The row goes
    first: whoever stores the same content waits at it, and then finds out whether the file is gone (files.py).
    """
    with transaction.atomic():
        marked = Blob.objects.filter(pk=pk, unused_since__lte=marked_before)
        blob = marked.select_for_update().first()
        if blob is None or not unused().filter(pk=pk).exists():
            return False
        sha256 = blob.sha256
        blob.delete()
        storage.delete(sha256)
    return True


def adopt_strays(*, older_than: dt.timedelta = KEEP_UNUSED) -> int:
    """Give a row to each stored content that has none, so that it is collected like the others; returns how many.

    Whoever stored it was killed before registering it. A young one may be about to be registered, so it stays.
    """
    now, count, batch = timezone.now(), 0, list[storage.Stored]()
    for stored in storage.every():
        if stored.changed_at < now - older_than:
            batch.append(stored)
        if len(batch) == 500:
            count, batch = count + _adopt(batch, now), []
    return count + _adopt(batch, now)


def _adopt(batch: list[storage.Stored], now: dt.datetime) -> int:
    known = set(Blob.objects.filter(sha256__in=[s.sha256 for s in batch]).values_list("sha256", flat=True))
    strays = [s for s in batch if s.sha256 not in known]
    rows = [Blob(sha256=s.sha256, size_bytes=s.size_bytes, unused_since=now) for s in strays]
    Blob.objects.bulk_create(rows, ignore_conflicts=True)
    return len(strays)


def unused() -> QuerySet[Blob]:
    """The contents to which no row of any app points."""
    return Blob.objects.filter(~_is_used(Blob))


def _is_used(model: type[models.Model], *, but: type[models.Model] | None = None) -> Q:
    """Whether a row of any app points to it, `but` aside; found from the models, so that none above need be known.

    Rows in the trash point too.
    """
    found = Q(pk__in=[])
    for relation in model._meta.get_fields(include_hidden=True):
        is_from_elsewhere = relation.auto_created and not relation.concrete and relation.is_relation
        if is_from_elsewhere and relation.related_model is not but:
            users = relation.related_model._base_manager.filter(**{relation.field.name: OuterRef("pk")})  # type: ignore[union-attr]
            found |= Q(Exists(users))
    return found
