"""What every answer gets, whoever made it."""

import re
from collections.abc import Callable

from django.conf import settings
from django.contrib.messages import get_messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django.template.loader import render_to_string

from webapp.core import errors, faults, ids

_ID_FROM_PROXY = re.compile(r"[A-Za-z0-9_.-]{8,64}")
GetResponse = Callable[[HttpRequest], HttpResponseBase]

PERMISSIONS_POLICY = "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"


class RequestId:
    """One name for a request in the log, on the error page and in the answer's header."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        request.id = given if _ID_FROM_PROXY.fullmatch(given) else ids.new_id("req")  # type: ignore[attr-defined]
        request.META["HTTP_X_REQUEST_ID"] = request.id  # type: ignore[attr-defined]  # the log's middleware reads it here
        response = self.get_response(request)
        response.headers["X-Request-ID"] = request.id  # type: ignore[attr-defined]
        return response


class SecurityHeaders:
    """What Django's own middleware and django-csp leave out."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.headers.setdefault("X-Permitted-Cross-Domain-Policies", "none")
        if response.headers.get("Content-Type", "").startswith("text/html"):
            # A shared cache must not keep pages of a person; the browser may, and asks each time.
            response.headers.setdefault("Cache-Control", "private, no-cache")
        return response


class PlainAddresses:
    """Nothing is called by a name with a NUL in it; PostgreSQL refuses to look for one, and C libraries stop there."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if "\0" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
            return errors.bad_request(request)
        return self.get_response(request)


class Faults:
    """The last net: a fault of the user that no form and no door caught is still said in words, never as a trace."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return errors.user_fault(request, exception) if isinstance(exception, faults.UserFault) else None


class SignedOut:
    """Who was signed out meanwhile finds no sign-in form inside a page: a poll loads the page anew, which leads there.

    A form that was sent is only refused, so that what stands in it is not lost.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        htmx = getattr(request, "htmx", None)
        leads_to_sign_in = response.headers.get("Location", "").startswith(f"{resolve_url(settings.LOGIN_URL)}?")
        if not htmx or htmx.boosted or not leads_to_sign_in:
            return response
        refused = HttpResponse(status=401)
        if request.method == "GET":
            refused.headers["HX-Refresh"] = "true"
        return refused


class HtmxToasts:
    """Toasts of an htmx POST come with its answer. A poll leaves them for the page that follows."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if self._may_carry(request, response):
            toasts = list(get_messages(request))
            if toasts and isinstance(response, HttpResponse):
                context = {"toasts": toasts, "is_oob": True}
                response.write(render_to_string("components/toasts.html", context, request=request))
        return response

    @staticmethod
    def _may_carry(request: HttpRequest, response: HttpResponseBase) -> bool:
        is_html = response.headers.get("Content-Type", "").startswith("text/html")
        leaves = {"HX-Redirect", "HX-Refresh", "HX-Location", "Location"} & set(response.headers)
        is_htmx = bool(getattr(request, "htmx", False))
        return is_htmx and request.method != "GET" and is_html and not leaves and response.status_code == 200
