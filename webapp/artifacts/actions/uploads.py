"""Bringing a file in, in chunks or whole. A cut upload goes on where it stopped; its bytes go straight to the disk."""

import datetime as dt
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.db.models import F, Sum
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from webapp.accounts import access
from webapp.accounts.access import Permission
from webapp.accounts.models import Team, User
from webapp.artifacts import incoming, names, storage
from webapp.artifacts.actions import files
from webapp.artifacts.models import Upload
from webapp.core import units
from webapp.core.faults import UserFault

LIFETIME = dt.timedelta(hours=24)


def open_upload(*, by: User, team: Team, file_name: str, size_bytes: int) -> Upload:
    """Begin an upload of a file whose size is known. Raises UserFault when it is empty, too large or has no room."""
    access.require(by=by, team=team, permission=Permission.UPLOAD)
    _require_acceptable(size_bytes)
    _require_turn(team)
    under_way = Upload.objects.filter(state=Upload.State.OPEN).aggregate(
        left=Sum(F("size_bytes") - F("received_bytes"))
    )
    storage.require_room(incoming.folder(), size_bytes + (under_way["left"] or 0))
    upload = Upload.objects.create(
        team=team,
        created_by=by,
        file_name=names.label(file_name),
        size_bytes=size_bytes,
        expires_at=timezone.now() + LIFETIME,
    )
    incoming.create(upload.public_id)
    return upload


def append_chunk(*, upload: Upload, offset: int, chunk: bytes) -> Upload:
    """Add bytes at `offset`. The same chunk twice is harmless; a UserFault names the right offset."""
    if len(chunk) > settings.UPLOAD_CHUNK_BYTES:
        raise _chunk_too_large()
    try:
        with incoming.locked(upload.public_id) as file:
            upload.refresh_from_db()
            _require_open(upload)
            received = min(upload.received_bytes, incoming.size_of(file))
            if offset + len(chunk) > upload.size_bytes:
                raise _overrun(upload)
            if offset == received:
                incoming.write(file, offset, chunk)
                received += len(chunk)
            elif offset + len(chunk) > received or not incoming.holds(file, offset, chunk):
                raise _wrong_offset(received)
            _note(upload, received_bytes=received)
    except (FileNotFoundError, Upload.DoesNotExist) as error:
        raise _lost() from error
    except OSError as error:
        storage.raise_if_full(error, incoming.folder(), upload.size_bytes - upload.received_bytes)
        raise
    return upload


def _note(upload: Upload, **fields: Any) -> None:
    """Write down how far it is. Raises Upload.DoesNotExist when somebody dropped it meanwhile."""
    fields["expires_at"] = timezone.now() + LIFETIME
    if not Upload.objects.filter(pk=upload.pk).update(**fields):
        raise Upload.DoesNotExist
    for name, value in fields.items():
        setattr(upload, name, value)


def received_bytes(upload: Upload) -> int:
    """How many bytes are safely there; after a power cut that may be fewer than the row says."""
    if upload.state != Upload.State.OPEN:
        return upload.size_bytes
    try:
        return min(upload.received_bytes, incoming.path_of(upload.public_id).stat().st_size)
    except FileNotFoundError as error:
        raise _lost() from error


def finish_upload(*, upload: Upload) -> Upload:
    """Hash, store and verify what came in. Repeating it is harmless."""
    try:
        upload.refresh_from_db()
        if upload.state != Upload.State.OPEN:
            return upload
        with incoming.locked(upload.public_id) as file:
            upload.refresh_from_db()
            if upload.state == Upload.State.OPEN:
                _require_whole(upload, incoming.size_of(file))
                blob = files.store_file(incoming.path_of(upload.public_id), is_frozen=True)
                _note(upload, blob=blob, state=Upload.State.COMPLETE)
    except (FileNotFoundError, Upload.DoesNotExist) as error:
        raise _lost() from error
    incoming.remove(upload.public_id)
    return upload


def receive_form_file(*, by: User, team: Team, file: UploadedFile) -> Upload:
    """A file that came whole, in an ordinary form. Django has written it to the disk already."""
    access.require(by=by, team=team, permission=Permission.UPLOAD)
    _require_acceptable(file.size or 0)
    if not isinstance(file, TemporaryUploadedFile):
        raise TypeError("forms write their files to the disk; see FILE_UPLOAD_HANDLERS")
    file.flush()
    path = Path(file.temporary_file_path())
    return receive_path(by=by, team=team, path=path, file_name=file.name or "", is_frozen=True)


def receive_path(*, by: User, team: Team, path: Path, file_name: str, is_frozen: bool = False) -> Upload:
    """A file that lies on this machine's disk already: what a form brought, or a sample that ships with the product."""
    access.require(by=by, team=team, permission=Permission.UPLOAD)
    size_bytes = path.stat().st_size
    _require_acceptable(size_bytes)
    return Upload.objects.create(
        team=team,
        created_by=by,
        file_name=names.label(file_name),
        size_bytes=size_bytes,
        received_bytes=size_bytes,
        state=Upload.State.COMPLETE,
        blob=files.store_file(path, is_frozen=is_frozen),
        expires_at=timezone.now() + LIFETIME,
    )


def drop_upload(*, upload: Upload) -> None:
    """Forget an upload that nobody wants any more."""
    Upload.objects.filter(pk=upload.pk).exclude(state=Upload.State.USED).delete()
    incoming.remove(upload.public_id)


def expire_uploads() -> int:
    """Forget uploads that nobody went on with for a day, and what killed web processes left; returns how many."""
    expired = list(Upload.objects.filter(expires_at__lt=timezone.now()))
    for upload in expired:
        incoming.remove(upload.public_id)
        upload.delete()
    incoming.sweep(older_than_seconds=LIFETIME.total_seconds(), now=time.time())
    storage.sweep_parts(older_than_seconds=LIFETIME.total_seconds(), now=time.time())
    return len(expired)


def _require_acceptable(size_bytes: int) -> None:
    if size_bytes <= 0:
        raise UserFault(
            code="empty_file",
            field="file",
            message=_("The file is empty: it has no bytes at all. Choose the file that holds your examples."),
        )
    if size_bytes > settings.UPLOAD_LIMIT_BYTES:
        raise too_large(size_bytes)


def too_large(size_bytes: int) -> UserFault:
    limit = settings.UPLOAD_LIMIT_BYTES
    message = _(
        "The file is too large: it has %(size)s, and this installation takes at most %(limit)s. Split it into parts "
        "and add each as a version or a dataset of its own, compress it with gzip, or ask whoever runs this "
        "installation to raise the limit."
    ) % {"size": units.filesize(size_bytes), "limit": units.filesize(limit)}
    data = {"size_bytes": size_bytes, "limit_bytes": limit}
    return UserFault(code="too_large", field="file", message=message, status=413, data=data)


def _require_turn(team: Team) -> None:
    """So that one team's uploads do not fill the disk or the table for all."""
    cap = settings.UPLOADS_OPEN_PER_TEAM
    alive = Upload.objects.filter(team=team, state=Upload.State.OPEN, expires_at__gte=timezone.now())
    if alive.count() >= cap:
        message = ngettext(
            "Your team has %(count)s upload under way, which is as many as may run at once. Wait until it ends, "
            "then try again; one that nobody goes on with is forgotten after a day.",
            "Your team has %(count)s uploads under way, which are as many as may run at once. Wait until one ends, "
            "then try again; those that nobody goes on with are forgotten after a day.",
            cap,
        ) % {"count": cap}
        raise UserFault(code="too_many_uploads", field="file", message=message, status=429)


def _require_open(upload: Upload) -> None:
    if upload.state != Upload.State.OPEN:
        raise UserFault(
            code="upload_over", status=409, message=_("This upload is complete already. Start a new one for more.")
        )


def _require_whole(upload: Upload, size_on_disk: int) -> None:
    received = min(upload.received_bytes, size_on_disk)
    if received != upload.size_bytes:
        message = _("Only %(received)s of %(size)s have arrived. Send the rest, then finish.") % {
            "received": units.filesize(received),
            "size": units.filesize(upload.size_bytes),
        }
        raise UserFault(code="upload_incomplete", status=409, message=message, data={"offset": received})


def _overrun(upload: Upload) -> UserFault:
    message = _("This part goes past the end of the file, which was said to have %(size)s. Start the upload again.") % {
        "size": units.filesize(upload.size_bytes)
    }
    return UserFault(code="upload_overrun", message=message, data={"size_bytes": upload.size_bytes})


def _wrong_offset(received: int) -> UserFault:
    message = _(
        "The upload stands at byte %(offset)s, and this part does not continue it. Go on from there; if the file was "
        "changed meanwhile, start again."
    ) % {"offset": units.number(received)}
    return UserFault(code="wrong_offset", status=409, message=message, data={"offset": received})


def _chunk_too_large() -> UserFault:
    limit = settings.UPLOAD_CHUNK_BYTES
    message = _("A part of an upload may have at most %(limit)s. Send smaller parts.") % {
        "limit": units.filesize(limit)
    }
    return UserFault(code="chunk_too_large", status=413, message=message, data={"limit_bytes": limit})


def _lost() -> UserFault:
    return UserFault(
        code="upload_lost",
        status=410,
        message=_("What had arrived of this upload is no longer here. Start the upload again."),
    )
