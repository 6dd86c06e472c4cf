from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from webapp.accounts import access
from webapp.accounts.access import Permission
from webapp.adapters import queries, verdict
from webapp.adapters.models import Stage
from webapp.core import htmx, paging
from webapp.core.request import Request


@require_GET
@access.team_view(Permission.VIEW)
def list_adapters(request: Request) -> HttpResponse:
    """The team's catalog, newest first; `q` finds by name, description or base model, `stage` narrows to one."""
    versions = queries.newest_versions(request.team)
    stages = queries.stage_counts(versions)
    counts = {value: count for value, _label, count in stages}
    wanted, stage = " ".join(request.GET.get("q", "").split())[:80], request.GET.get("stage", "")
    found = queries.search(versions, wanted)
    if stage in Stage.values:
        found = found.filter(stage=stage)
    page = paging.page(found, after=request.GET.get("after", ""), size=30)
    context = {
        "title": _("Catalog"),
        "verdict": verdict.of_catalog(count=sum(counts.values()), in_production=counts.get(Stage.PRODUCTION, 0)),
        "page": page,
        "rows": queries.rows(page),
        "stages": stages,
        "stage": stage if stage in Stage.values else "",
        "count": sum(counts.values()),
        "wanted": wanted,
    }
    return htmx.render(request, "adapters/list.html", context)
