from django.conf import settings
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from webapp.accounts import access
from webapp.accounts.access import Permission
from webapp.adapters import actions, queries
from webapp.adapters.forms import LinkForm
from webapp.adapters.views import find
from webapp.core import htmx
from webapp.core.request import Request


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@access.team_view(Permission.DOWNLOAD)
def make(request: Request, adapter_id: str, number: int) -> HttpResponse:
    """Choose a file and get a link to it, for a machine that has neither a session nor a token."""
    found = find.version(request, adapter_id, number)
    paths = [file.path for file in queries.files(found)]
    form = LinkForm(request.POST or None, paths=paths, initial={"path": request.GET.get("path", "")})
    made = None
    if request.method == "POST" and form.is_valid():
        made = actions.make_link(by=request.user, version=found, path=form.cleaned_data["path"])
    context = {
        "title": _("Link to download %s") % found,
        "verdict": _("Works without signing in, *for a few minutes, and only as long as you may download.*"),
        "form": form,
        "version": found,
        "adapter": found.adapter,
        "made": made,
        "url": address(made) if made else "",
        "minutes": settings.LINK_SECONDS // 60,
    }
    return htmx.render(request, "adapters/link.html", context, status=422 if form.errors else 200)


def address(made: actions.MadeLink) -> str:
    """Where the link leads, for any machine that can reach this installation."""
    return settings.PUBLIC_URL + reverse("links:download", args=[made.token, made.file_name])
