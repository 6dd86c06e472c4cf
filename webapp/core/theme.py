"""Light, dark, or as the system has it: a cookie, so that the first paint is already right."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse

COOKIE = "theme"
CHOICES = ("system", "light", "dark")
_YEAR_SECONDS = 365 * 24 * 60 * 60


def chosen(request: HttpRequest) -> str:
    value = request.COOKIES.get(COOKIE, "")
    return value if value in CHOICES else "system"


def remember(response: HttpResponse, value: str) -> None:
    """An unknown value means "system", which needs no cookie."""
    if value not in CHOICES or value == "system":
        response.delete_cookie(COOKIE, samesite="Lax")
        return
    response.set_cookie(COOKIE, value, max_age=_YEAR_SECONDS, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE)
