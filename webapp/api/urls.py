"""The REST API: `/api/v1/`, with its OpenAPI document at openapi.json and a page to read it at docs."""

from collections.abc import Callable
from functools import cached_property, wraps
from inspect import iscoroutinefunction
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.urls import path, re_path
from django.utils.translation import gettext as _
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from webapp.api import problems
from webapp.api.auth import Bearer
from webapp.api.reference import Reference
from webapp.api.routes import anatomy, data, files, imports, lineage, measuring, stages, storage, work


class Api(NinjaAPI):
    @cached_property
    def document(self) -> OpenAPISchema:
        return super().get_openapi_schema(path_params={})

    def get_openapi_schema(self, **_where: Any) -> OpenAPISchema:
        """Written once: it changes only with the code, and writing it costs more than any other answer here."""
        return self.document

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """What it does; generated clients name their methods by it, so it holds no module of ours."""
        return operation.view_func.__name__


api = Api(
    title="Tunesmith",
    version="1",
    description="From a file to a trained adapter, with a token: `Authorization: Bearer ts_…`.",
    auth=Bearer(),
    urls_namespace="api",
    docs_url="docs",
    docs=Reference(),
)
problems.install(api)
api.add_router("", data.router)
api.add_router("", work.router)
api.add_router("", lineage.router)
api.add_router("", files.router)
api.add_router("", stages.router)
api.add_router("", imports.router)
api.add_router("", storage.router)
api.add_router("", anatomy.router)
api.add_router("", measuring.router)


@login_not_required
def nothing_here(request: HttpRequest, rest: str) -> HttpResponse:
    """An unknown address answers a problem document too, to whoever asks."""
    return api.on_exception(request, Http404())


def _for_programs(patterns: list[Any]) -> list[Any]:
    """A route with a token of its own answers 401 instead of leading to the sign-in page; the documents ask for it."""
    for pattern in patterns:
        if pattern.name not in {"openapi-json", "openapi-view", "api-root"}:
            pattern.callback = login_not_required(_with_words(pattern.callback))
    return patterns


def _with_words(view: Callable[..., Any]) -> Callable[..., Any]:
    """The library refuses a method in plain text; here every error is a problem document."""

    @wraps(view)
    async def ask_async(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return _worded(request, await view(request, *args, **kwargs))

    @wraps(view)
    def ask(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return _worded(request, view(request, *args, **kwargs))

    return ask_async if iscoroutinefunction(view) else ask


def _worded(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    if not isinstance(response, HttpResponseNotAllowed):
        return response
    allowed = response.headers["Allow"]
    detail = _("This address knows no %(method)s; use %(allowed)s.") % {"method": request.method, "allowed": allowed}
    worded = problems.answer(request, status=405, code="method_not_allowed", detail=detail)
    worded["Allow"] = allowed
    return worded


_patterns, _app, _namespace = api.urls
urlpatterns = [
    path("", (_for_programs(_patterns), _app, _namespace)),
    re_path(r"^(?P<rest>.*)$", nothing_here),
]
