"""Downloads."""

from webapp.accounts import access
from webapp.accounts.models import User
from webapp.adapters import queries
from webapp.adapters.models import AdapterVersion, Download
from webapp.artifacts.models import Blob


def take(
    *, by: User | None, version: AdapterVersion, path: str = "", is_counted: bool = True
) -> list[tuple[str, Blob]]:
    """The files of a version for a download, all or the one at `path`; empty when there is none of that name.

    Who took it is remembered. A door leaves `is_counted` off for a part of a file or a mere look, so that one
    download that was cut off and went on counts once.
    """
    access.require(by=by, team=version.adapter.team, permission=access.Permission.DOWNLOAD)
    files = [(item.path, item.blob) for item in queries.files(version) if not path or item.path == path]
    if files and is_counted:
        Download.objects.create(version=version, user=by, path=path)
    return files
