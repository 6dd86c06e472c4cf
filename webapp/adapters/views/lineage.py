from django.http import HttpResponse
from django.views.decorators.http import require_GET

from webapp.accounts import access
from webapp.accounts.access import Permission
from webapp.adapters import things
from webapp.adapters.views import find, frame
from webapp.core import htmx
from webapp.core.request import Request
from webapp.lineage import picture, verdict, views


@require_GET
@access.team_view(Permission.VIEW)
def show(request: Request, adapter_id: str, number: int) -> HttpResponse:
    """Where a version comes from and what came of it, within the version's own pages."""
    version = find.version(request, adapter_id, number)
    (thing,) = things.versions(request.team, [version.public_id])
    found = picture.of(request.team, thing)
    page = frame.context(request, version, tab="lineage", verdict=verdict.of_picture(found))
    more = {"picture": found, "may_withdraw": views.may_withdraw(request, thing)}
    return htmx.render(request, "adapters/lineage.html", page | more)
