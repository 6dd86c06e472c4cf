from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from webapp.accounts import access
from webapp.accounts.access import Permission
from webapp.adapters import actions, anatomy, inside
from webapp.adapters.forms import CompressForm
from webapp.adapters.models import AdapterVersion
from webapp.adapters.views import find, frame
from webapp.core import htmx, toasts
from webapp.core.faults import UserFault
from webapp.core.request import Request


@require_GET
@access.team_view(Permission.VIEW)
def show(request: Request, adapter_id: str, number: int) -> HttpResponse:
    """What is inside: a map, the size by layer, what lower ranks would keep. `show` chooses the map's measure."""
    found = find.version(request, adapter_id, number)
    orders = inside.orders(found)
    going = inside.under_way(found, orders)
    seen = ",".join(f"{one.job.pk}.{one.job.state}" for one in going)
    if request.htmx and request.GET.get("seen") != seen:
        return HttpResponse(headers={"HX-Refresh": "true"})
    context = {"version": found, "adapter": found.adapter, "team": request.team, "going": going, "seen": seen}
    if not request.htmx:
        context = _page(request, found) | context | {"orders": orders}
    return htmx.render(request, "adapters/anatomy.html", context, part="live")


def _page(request: Request, found: AdapterVersion, form: CompressForm | None = None) -> dict[str, object]:
    known = inside.of(found)
    context = frame.context(request, found, tab="anatomy", verdict=known.verdict)
    context |= {"inside": known, "why_not_train": access.why_not(Permission.TRAIN)}
    if not known.is_known:
        return context
    assert known.row is not None
    summary, modules = known.row.summary, known.row.modules
    measure = anatomy.MEASURES.get(request.GET.get("show", ""), anatomy.MEASURES["size"])
    ranks = anatomy.choices(summary)
    return context | {
        "measure": measure.name,
        "map": anatomy.layer_map(modules, measure),
        "choices": ranks,
        "form": form or CompressForm(initial={"rank": _proposed(request, ranks)}, highest=summary["rank"] - 1),
    }


def _proposed(request: Request, ranks: list[anatomy.Choice]) -> int | None:
    asked = request.GET.get("rank", "")
    known = {str(one.rank): one.rank for one in ranks}
    return known.get(asked) or next((one.rank for one in ranks if one.is_advised), None)


@require_POST
@access.team_view(Permission.TRAIN)
def inspect(request: Request, adapter_id: str, number: int) -> HttpResponse:
    found = find.version(request, adapter_id, number)
    try:
        actions.inspect(by=request.user, version=found)
    except UserFault as fault:
        toasts.show(request, fault.message, is_bad=True)
    return redirect("adapters:anatomy", request.team.slug, adapter_id, number)


@require_POST
@access.team_view(Permission.TRAIN)
def compress(request: Request, adapter_id: str, number: int) -> HttpResponse:
    """Orders a version of a lower rank; what cannot be is said at its field."""
    found = find.version(request, adapter_id, number)
    form = CompressForm(request.POST)
    if form.is_valid():
        try:
            order = actions.compress(by=request.user, version=found, **form.wanted)
        except UserFault as fault:
            form.add_error(fault.field if fault.field in form.fields else None, fault.message)
        else:
            toasts.show(request, _("Rank %s is on its way. It becomes the next version.") % order.rank)
            return redirect("adapters:anatomy", request.team.slug, adapter_id, number)
    orders = inside.orders(found)
    context = _page(request, found, form) | {"orders": orders, "going": inside.under_way(found, orders), "form": form}
    return htmx.render(request, "adapters/anatomy.html", context, status=422)
