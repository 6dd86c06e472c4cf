from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from webapp.accounts import access
from webapp.accounts.access import Permission
from webapp.accounts.models import Team
from webapp.adapters import facets, finding, queries, verdict
from webapp.adapters.facets import Facets
from webapp.adapters.finding import Wanted
from webapp.core import htmx
from webapp.core.paging import Page
from webapp.core.request import Request


@require_GET
@access.team_view(Permission.VIEW)
def list_adapters(request: Request) -> HttpResponse:
    """The team's catalog; what can be asked for stands in webapp/adapters/finding.py."""
    wanted = finding.read(request.GET)
    try:
        page = finding.page(request.team, wanted, after=request.GET.get("after", ""))
    except LookupError:
        page = finding.page(request.team, wanted)
    known = facets.of_team(request.team)
    in_production = known.count("stage", "production") or 0
    context = {
        "title": _("Catalog"),
        "verdict": verdict.of_catalog(count=known.total, in_production=in_production),
        "page": page,
        "rows": [queries.Row(listing) for listing in page],
        "facets": known,
        "wanted": wanted,
        "sorts": finding.Sort.choices,
        "found": _found(request.team, wanted, page, known),
        "count_to": finding.COUNT_TO,
    }
    response = htmx.render(request, "adapters/list.html", context, part="found")
    if request.htmx:
        response.headers["HX-Replace-Url"] = f"{request.path}?{finding.query(wanted)}".rstrip("?")
    return response


def _found(team: Team, wanted: Wanted, page: Page, known: Facets) -> int | None:
    """How many there are in all, without counting where somebody has; behind the first page nobody asks."""
    if not page.is_first:
        return None
    if not page.next:
        return len(page)
    counted = known.total if not wanted.filters else wanted.only_facet and known.count(*wanted.only_facet)
    return counted if counted is not None else finding.count(team, wanted)
