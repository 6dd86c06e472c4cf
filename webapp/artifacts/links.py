"""Links that bring one person to one download without a session: signed, soon over, and never the last word.

A link says what is meant and who may have it. Nothing is stored for it, and whoever follows one still has to have
the right at that moment: the view looks the thing up and asks for the permission as if its person had signed in.
"""

import datetime as dt
from dataclasses import astuple, dataclass

from django.conf import settings
from django.core import signing
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from webapp.core.faults import UserFault

_SALT = "webapp.artifacts.links"


@dataclass(frozen=True)
class Link:
    """`kind` is what `public_id` is an id of; `path` names one of its files, or is empty for all of them."""

    kind: str
    public_id: str
    path: str
    user_id: str


def sign(link: Link) -> tuple[str, dt.datetime]:
    """The link's token (HMAC-SHA-256 under SECRET_KEY, with the time) and when it ends."""
    return signing.dumps(astuple(link), salt=_SALT), timezone.now() + dt.timedelta(seconds=settings.LINK_SECONDS)


def read(token: str) -> Link:
    """What a token says. Raises UserFault when it is too old, or not exactly as it was signed here."""
    try:
        return Link(*signing.loads(token, salt=_SALT, max_age=settings.LINK_SECONDS))
    except signing.SignatureExpired as error:
        raise UserFault("link_expired", _expired(), status=403) from error
    except (signing.BadSignature, TypeError) as error:
        message = _("This link is damaged: it is not as it was made. Copy the whole link, or make a new one.")
        raise UserFault("link_altered", message, status=403) from error


def _expired() -> str:
    minutes = max(1, settings.LINK_SECONDS // 60)
    return ngettext(
        "This link has expired: it worked for %(count)s minute. Make a new one on the page of the adapter.",
        "This link has expired: it worked for %(count)s minutes. Make a new one on the page of the adapter.",
        minutes,
    ) % {"count": minutes}
