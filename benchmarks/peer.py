"""The peer of the catalog's list: the same page as Django's own Paginator makes it, in a process of its own.

Session, team, template, rows and search index are the same. What differs is how a page is found (OFFSET, after a
COUNT of everything) and how the filters are counted (a GROUP BY for each page).
"""

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.peer_settings"

from django.core.asgi import get_asgi_application

application = get_asgi_application()

from django.core.paginator import Paginator  # noqa: E402 - the settings are named above
from django.db.models import Count  # noqa: E402
from django.http import HttpResponse  # noqa: E402
from django.urls import include, path  # noqa: E402

from webapp.accounts import access  # noqa: E402
from webapp.accounts.access import Permission  # noqa: E402
from webapp.adapters import facets, finding, queries, verdict  # noqa: E402
from webapp.adapters.models import Listing  # noqa: E402
from webapp.core import htmx  # noqa: E402
from webapp.core.paging import Page  # noqa: E402
from webapp.core.request import Request  # noqa: E402


@access.team_view(Permission.VIEW)
def list_adapters(request: Request) -> HttpResponse:
    wanted = finding.read(request.GET)
    found = finding.shown(finding.listings(request.team, wanted)).order_by(*finding.ORDERS[wanted.sort])
    page = Paginator(found, finding.PAGE).get_page(request.GET.get("page"))
    rows = Listing.objects.filter(team=request.team)
    stages = rows.values_list("stage").annotate(count=Count("pk"))
    known = facets.Facets(
        total=rows.count(),
        stages=[facets.Choice(stage, stage, count) for stage, count in stages],
        tasks=[], licences=[], bases=[], owners=[], tags=[],
    )  # fmt: skip
    context = {
        "title": "Catalog",
        "verdict": verdict.of_catalog(count=known.total, in_production=known.count("stage", "production") or 0),
        "page": Page(items=list(page), next="x" if page.has_next() else "", is_first=page.number == 1),
        "rows": [queries.Row(listing) for listing in page],
        "facets": known,
        "wanted": wanted,
        "sorts": finding.Sort.choices,
        "found": page.paginator.count,
        "count_to": finding.COUNT_TO,
    }
    return htmx.render(request, "adapters/list.html", context)


urlpatterns = [path("t/<slug:team>/peer/", list_adapters), path("", include("webapp.urls"))]
