"""Error pages in three parts (what happened, what it means, what to do), and the same as problem+json for programs."""

import logging
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from webapp.core import theme
from webapp.core.faults import UserFault

logger = logging.getLogger(__name__)

DOORS_FOR_PROGRAMS = ("/api/",)
DOORS_FOR_BOTH = ("/links/",)  # a browser asks for HTML; what does not is a program


@dataclass(frozen=True, kw_only=True)
class Problem:
    """`code` is stable and for programs; the rest is for people."""

    status: int
    code: str
    title: str
    meaning: str = ""
    remedy: str = ""


def respond(request: HttpRequest, problem: Problem) -> HttpResponse:
    """The problem in the tongue of whoever asked."""
    if wants_json(request):
        return problem_json(request, problem)
    context = {"problem": problem, "request_id": request_id(request), "theme": theme.chosen(request)}
    # Rendered without the request: the page must come even when the database or the session is what failed.
    return HttpResponse(render_to_string("error.html", context), status=problem.status)


def problem_json(request: HttpRequest, problem: Problem, **more: object) -> JsonResponse:
    """RFC 9457."""
    body = {
        "type": "about:blank",
        "title": problem.title,
        "status": problem.status,
        "code": problem.code,
        "detail": " ".join(filter(None, [problem.meaning, problem.remedy])),
        "request_id": request_id(request),
    }
    return JsonResponse(body | more, status=problem.status, content_type="application/problem+json")


def wants_json(request: HttpRequest) -> bool:
    """A program's door, or a script of our own that asked for JSON."""
    if request.path.startswith(DOORS_FOR_PROGRAMS):
        return True
    accept = request.headers.get("Accept", "")
    if request.path.startswith(DOORS_FOR_BOTH):
        return "text/html" not in accept
    return "json" in accept and "text/html" not in accept


def request_id(request: HttpRequest) -> str:
    return getattr(request, "id", "")


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return respond(
        request,
        Problem(
            status=400,
            code="bad_request",
            title=_("This request could not be read"),
            meaning=_("Part of it was missing, too large or not in the form that was expected. Nothing was changed."),
            remedy=_("Go back, reload the page and try again."),
        ),
    )


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """The words of the exception, where it has any, say who may do it."""
    return respond(
        request,
        Problem(
            status=403,
            code="forbidden",
            title=str(exception or "") or _("Your role does not allow this"),
            meaning=_("You are a member, but this act belongs to another role. Nothing was changed."),
            remedy=_("Ask an owner of the team to do it, or to give you the role."),
        ),
    )


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return respond(
        request,
        Problem(
            status=404,
            code="not_found",
            title=_("There is nothing at this address"),
            meaning=_(
                "It may have been deleted, its address may have changed, or it belongs to a team you are not in."
            ),
            remedy=_("Look for it from the home page. What was deleted lies in the trash for seven days."),
        ),
    )


def server_error(request: HttpRequest) -> HttpResponse:
    return respond(
        request,
        Problem(
            status=500,
            code="internal",
            title=_("Something went wrong on our side"),
            meaning=_(
                "The act may not have been done. Runs and uploads are not touched by this; they go on by themselves."
            ),
            remedy=_("Try again in a moment. If it stays, give the number below to whoever runs this installation."),
        ),
    )


def unavailable(request: HttpRequest) -> HttpResponse:
    response = respond(
        request,
        Problem(
            status=503,
            code="unavailable",
            title=_("The workshop is being prepared"),
            meaning=_("It is starting, or being updated. Runs go on meanwhile."),
            remedy=_("Wait a minute and reload this page."),
        ),
    )
    response.headers["Retry-After"] = "30"
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The reason names headers and cookies: useful in the log, meaningless to its reader."""
    logger.warning("csrf check failed: %s", reason, extra={"request_id": request_id(request)})
    return respond(
        request,
        Problem(
            status=403,
            code="csrf",
            title=_("This form had expired"),
            meaning=_("You were signed in or out since the page was opened, or cookies are off. Nothing was changed."),
            remedy=_("Reload the page and send the form again."),
        ),
    )


def user_fault(request: HttpRequest, fault: UserFault) -> HttpResponse:
    problem = Problem(status=fault.status, code=fault.code, title=fault.message, meaning=_("Nothing was changed."))
    if wants_json(request):
        more = {"field": fault.field, "row": fault.row} | fault.data
        return problem_json(
            request, problem, **{name: value for name, value in more.items() if value not in ("", None)}
        )
    return respond(request, problem)
