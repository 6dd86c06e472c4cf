"""Pages that belong to no team: health, help, the theme."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse, HttpResponseRedirect, JsonResponse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_POST, require_safe
from django.views.i18n import JavaScriptCatalog

from webapp.core import glossary, health, htmx, theme
from webapp.core.request import Request
from webapp.core.verdict import Verdict


@login_not_required
@never_cache
@require_safe
def live(request: Request) -> JsonResponse:
    return JsonResponse({"status": "live"})


@login_not_required
@never_cache
@require_safe
def ready(request: Request) -> JsonResponse:
    found = health.checks()
    is_ready = health.is_ready(found)
    return JsonResponse(
        {"status": "ready" if is_ready else "not ready", "checks": found}, status=200 if is_ready else 503
    )


@require_safe
def help_page(request: Request) -> HttpResponse:
    entries = sorted(glossary.GLOSSARY.items(), key=lambda item: str(item[1].name).casefold())
    context = {
        "title": _("Help and glossary"),
        "verdict": Verdict(_("You bring good answers; *the workshop does the rest.*")),
        "entries": entries,
    }
    return htmx.render(request, "core/help.html", context)


@login_not_required
@require_POST
def choose_theme(request: Request) -> HttpResponse:
    """Remember light, dark or "as the system"; works without scripts."""
    response: HttpResponse = HttpResponseRedirect(_back(request))
    theme.remember(response, request.POST.get("theme", ""))
    return response


def _back(request: Request) -> str:
    """Where the form said it came from, if that is here."""
    target = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if is_ours else "/"


# The translated words of our scripts; a file of its own, since a page may hold no inline script.
words = login_not_required(cache_control(max_age=3600)(JavaScriptCatalog.as_view()))
