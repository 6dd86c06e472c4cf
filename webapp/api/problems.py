"""Every error is one document, application/problem+json (RFC 9457), with a stable code."""

import logging
from collections.abc import Sequence
from typing import Any, TypeVar

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError

from webapp.api.limit import TooOften
from webapp.core import units
from webapp.core.faults import UserFault

logger = logging.getLogger(__name__)

Row = TypeVar("Row", bound=Model)


class Problem(Schema):
    """What went wrong. `code` is stable; `detail` is for people: cause, place and remedy."""

    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str
    field: str | None = None
    row: int | None = None
    errors: list[dict[str, Any]] = []
    request_id: str = ""


def named(rows: QuerySet[Row], *, field: str) -> Row:
    """The one that a field of a body names. Raises a 404 fault that says which field: the address itself is right."""
    found = rows.first()
    if found is None:
        message = _("“%(field)s” names something that your team does not have. Take one from its list.")
        raise UserFault("not_found", message % {"field": field}, field, status=404)
    return found


def answer(request: HttpRequest, *, status: int, code: str, detail: str, **more: Any) -> HttpResponse:
    """A problem document as a response."""
    body = {
        "type": "about:blank",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "code": code,
        "detail": detail,
        "request_id": getattr(request, "id", ""),
    } | {key: value for key, value in more.items() if value not in (None, "")}
    return JsonResponse(body, status=status, content_type="application/problem+json")


def install(api: NinjaAPI) -> None:
    """Give `api` an answer to everything that may be raised."""

    @api.exception_handler(UserFault)
    def _fault(request: HttpRequest, fault: UserFault) -> HttpResponse:
        more = {"field": fault.field, "row": fault.row} | fault.data
        if isinstance(by_field := more.get("errors"), dict):
            more["errors"] = [{"field": name, "detail": text} for name, text in by_field.items()]
        return answer(request, status=fault.status, code=fault.code, detail=str(fault), **more)

    @api.exception_handler(ValidationError)
    def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
        errors = [{"field": _place(item["loc"]), "detail": item["msg"]} for item in error.errors]
        first = errors[0] if errors else {"field": "", "detail": ""}
        detail = _("%(field)s: %(detail)s.") % first if errors else _("The request is not valid.")
        return answer(request, status=422, code="invalid", detail=detail, field=first["field"], errors=errors)

    @api.exception_handler(AuthenticationError)
    def _anonymous(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
        response = answer(
            request,
            status=401,
            code="not_authenticated",
            detail=_("A valid API token is needed: “Authorization: Bearer ts_…”. Make one under Team, API tokens."),
        )
        response["WWW-Authenticate"] = "Bearer"
        return response

    @api.exception_handler(TooOften)
    def _too_often(request: HttpRequest, error: TooOften) -> HttpResponse:
        words = _("This token asks more often than %(limit)s times a minute. Wait %(seconds)s seconds and go on.")
        detail = words % {"limit": units.number(settings.API_REQUESTS_PER_MINUTE), "seconds": error.seconds}
        response = answer(request, status=429, code="too_many_requests", detail=detail)
        response["Retry-After"] = str(error.seconds)
        return response

    @api.exception_handler(PermissionDenied)
    def _forbidden(request: HttpRequest, error: PermissionDenied) -> HttpResponse:
        detail = str(error) or _("Your role in this team does not allow that. Ask a maintainer or an owner.")
        return answer(request, status=403, code="forbidden", detail=detail)

    @api.exception_handler(Http404)
    def _missing(request: HttpRequest, error: Http404) -> HttpResponse:
        return answer(request, status=404, code="not_found", detail=_("There is nothing here under this address."))

    @api.exception_handler(RequestDataTooBig)
    def _too_big(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
        return answer(request, status=413, code="too_large", detail=_("The body is too large. Use a chunked upload."))

    @api.exception_handler(HttpError)
    def _http(request: HttpRequest, error: HttpError) -> HttpResponse:
        return answer(request, status=error.status_code, code="bad_request", detail=error.message)

    @api.exception_handler(Exception)
    def _ours(request: HttpRequest, error: Exception) -> HttpResponse:
        logger.exception("unexpected error, request %s", getattr(request, "id", ""))
        return answer(
            request,
            status=500,
            code="internal",
            detail=_("Something broke on our side. It was written down; tell the administrator the request id."),
        )


def _place(location: Sequence[Any]) -> str:
    """("body", "data", "config", "lora_r") → "config.lora_r"."""
    skipped = {"body", "query", "path", "header", "form", "file", "data", "filters"}
    return ".".join(str(part) for part in location if str(part) not in skipped) or str(location[-1])
