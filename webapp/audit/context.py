"""Where the current request comes from, for audit lines that are written deep inside an action."""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase


@dataclass(frozen=True)
class Origin:
    ip: str = ""
    request_id: str = ""


_origin: ContextVar[Origin] = ContextVar("origin", default=Origin())  # noqa: B039 - frozen, so it can be shared


def current() -> Origin:
    return _origin.get()


def of(request: HttpRequest) -> Origin:
    return Origin(ip=_address(request)[:45], request_id=getattr(request, "id", "")[:64])


def _address(request: HttpRequest) -> str:
    """Behind a proxy the address that the proxy saw, as for the limits of the sign-in; else the peer's."""
    said = request.headers.get("X-Forwarded-For", "") if settings.ALLAUTH_TRUSTED_PROXY_COUNT else ""
    return said.rpartition(",")[2].strip() or str(request.META.get("REMOTE_ADDR", ""))


class RememberOrigin:
    """Middleware; stands after the one that gives the request its id."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        token = _origin.set(of(request))
        try:
            return self.get_response(request)
        finally:
            _origin.reset(token)
