"""Links to a download for a machine without a session or a token."""

import datetime as dt
from dataclasses import dataclass

from django.db import transaction
from django.http import Http404
from django.utils.text import slugify
from django.utils.translation import gettext as _

from webapp.accounts import access
from webapp.accounts.models import User
from webapp.adapters import queries
from webapp.adapters.actions.taking import take
from webapp.adapters.models import AdapterVersion
from webapp.artifacts import links
from webapp.artifacts.models import Blob
from webapp.audit import actions as audit
from webapp.core.faults import UserFault

KIND = "adapter_version"


@dataclass(frozen=True)
class MadeLink:
    """`file_name` only says under which name a program that follows the link would save what it gets."""

    token: str
    file_name: str
    path: str
    expires_at: dt.datetime


@transaction.atomic
def make_link(*, by: User, version: AdapterVersion, path: str = "") -> MadeLink:
    """A link by which `by` can have the file at `path`, or all files as a zip, for LINK_SECONDS. Raises UserFault."""
    access.require(by=by, team=version.adapter.team, permission=access.Permission.DOWNLOAD)
    if path and not queries.files(version).filter(path=path).exists():
        message = _("%(version)s has no file of this name. Choose one of its files, or all as a zip.")
        raise UserFault("no_such_file", message % {"version": version}, field="path")
    link = links.Link(kind=KIND, public_id=version.public_id, path=path, user_id=by.public_id)
    token, expires_at = links.sign(link)
    audit.record(by=by, verb="adapter.link_made", team=version.adapter.team, obj=version, data={"path": path})
    return MadeLink(token, path.split("/")[-1] or zip_name(version), path, expires_at)


def follow_link(
    *, token: str, visitor: User | None, is_counted: bool = True
) -> tuple[AdapterVersion, str, list[tuple[str, Blob]]]:
    """The version, the path and the files of a link, if its person may still have them now.

    `visitor` is who is signed in where the link was opened, if anybody. Raises UserFault for a link that is not to
    be used, Http404 when the version or the person's membership is gone, PermissionDenied when the right is.
    """
    link = links.read(token)
    versions = AdapterVersion.objects.select_related("adapter__team", "bundle").filter(adapter__deleted_at=None)
    version = versions.filter(public_id=link.public_id).first() if link.kind == KIND else None
    by = User.objects.filter(public_id=link.user_id, is_active=True).first()
    if version is None or by is None:
        raise Http404
    if visitor is not None and visitor.pk != by.pk:
        message = _("This link was made for another person. Open the adapter's page and make one of your own.")
        raise UserFault("link_of_another", message, status=403)
    files = take(by=by, version=version, path=link.path, is_counted=is_counted)
    if not files:
        raise Http404
    return version, link.path, files


def zip_name(version: AdapterVersion) -> str:
    return f"{slugify(version.adapter.name) or 'adapter'}-v{version.number}.zip"
