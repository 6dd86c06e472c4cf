"""Something that a page shows a single time, carried over the redirect by the browser that will see it anyway.

So a reloaded page does not make a second token, and no database of ours ever holds the first.
"""

from collections.abc import Mapping

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

COOKIE = "shown_once"
LASTS_SECONDS = 120


def put(request: HttpRequest, response: HttpResponse, values: Mapping[str, str]) -> None:
    """Show `values` on the page at this address, which must `take` them."""
    response.set_cookie(
        COOKIE,
        signing.dumps(dict(values), salt=COOKIE),
        max_age=LASTS_SECONDS,
        path=request.path,
        httponly=True,
        secure=settings.SESSION_COOKIE_SECURE,
        samesite="Strict",
    )


def take(request: HttpRequest) -> dict[str, str]:
    """What is to be shown now; nothing for what is too old or not ours."""
    try:
        return dict(signing.loads(request.COOKIES.get(COOKIE, ""), salt=COOKIE, max_age=LASTS_SECONDS))
    except signing.BadSignature:
        return {}


def forget(request: HttpRequest, response: HttpResponse) -> None:
    if COOKIE in request.COOKIES:
        response.delete_cookie(COOKIE, path=request.path, samesite="Strict")
