"""One view, one context: the full page, or the fragment of it that htmx asked for."""

import json
from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render as render_template
from django.utils.cache import patch_vary_headers

from webapp.core.request import Request

STOP_POLLING = 286


def render(
    request: Request, template: str, context: Mapping[str, Any], *, part: str | None = None, status: int = 200
) -> HttpResponse:
    """The whole page; or only its `{% partialdef part %}` when the request comes from htmx."""
    name = f"{template}#{part}" if part and request.htmx and not request.htmx.boosted else template
    response = render_template(request, name, dict(context), status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response


def stop_polling(response: HttpResponse) -> HttpResponse:
    """Swap this last answer in and ask no more."""
    response.status_code = STOP_POLLING
    return response


def trigger(response: HttpResponse, event: str, detail: Mapping[str, Any] | None = None) -> HttpResponse:
    """Fire a DOM event in the browser once this answer arrived; may be called for several events."""
    events = json.loads(response.headers.get("HX-Trigger", "{}"))
    response.headers["HX-Trigger"] = json.dumps(events | {event: dict(detail or {})})
    return response


def is_watched(request: Request) -> bool:
    """False when the browser says that the tab is hidden; connection.js says so with each request of htmx."""
    return request.headers.get("X-Tab") != "hidden"
