"""The card of a version: to read, to write, and to have it written from facts again."""

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from webapp.accounts import access
from webapp.accounts.access import Permission
from webapp.adapters import actions, cards, markdown
from webapp.adapters.forms import CardForm
from webapp.adapters.models import AdapterVersion
from webapp.adapters.views import find, frame
from webapp.core import confirm, htmx, toasts
from webapp.core.faults import UserFault
from webapp.core.request import Request


@require_GET
@access.team_view(Permission.VIEW)
def show(request: Request, adapter_id: str, number: int) -> HttpResponse:
    found = find.version(request, adapter_id, number)
    page = frame.context(request, found, tab="card", verdict=_("What a reader should know *before they rely on it.*"))
    return htmx.render(request, "adapters/card.html", page | {"card_html": markdown.to_html(cards.text(found))})


@require_http_methods(["GET", "POST"])
@access.team_view(Permission.TRAIN)
def edit(request: Request, adapter_id: str, number: int) -> HttpResponse:
    """Where somebody else wrote meanwhile, both texts are shown and the next try goes on from theirs."""
    found = find.version(request, adapter_id, number)
    find.require_change(request, found.adapter)
    standing = cards.text(found)
    form = CardForm(request.POST or None, initial={"card": standing, "seen": cards.revision(standing)})
    if request.method == "POST" and form.is_valid():
        text, seen = form.cleaned_data["card"], form.cleaned_data["seen"]
        try:
            actions.edit_card(by=request.user, version=found, text=text, seen=seen)
        except UserFault as fault:
            return _refused(request, found, form, fault)
        toasts.show(request, _("The card was saved."))
        return redirect("adapters:card", request.team.slug, adapter_id, number)
    return _page(request, found, form, status=422 if form.errors else 200)


def _refused(request: Request, found: AdapterVersion, form: CardForm, fault: UserFault) -> HttpResponse:
    standing = fault.data.get("standing")
    if standing is not None:
        initial = {"card": form.cleaned_data["card"], "seen": fault.data["revision"]}
        return _page(request, found, CardForm(initial=initial), standing=standing, status=fault.status)
    form.add_error("card", fault.message)
    return _page(request, found, form, status=fault.status)


def _page(
    request: Request, found: AdapterVersion, form: CardForm, *, status: int, standing: str | None = None
) -> HttpResponse:
    context = {
        "title": _("Card of %s") % found,
        "verdict": _("What a reader should know *before they rely on it.*"),
        "form": form,
        "version": found,
        "adapter": found.adapter,
        "standing": standing,
    }
    return htmx.render(request, "adapters/edit_card.html", context, status=status)


@require_http_methods(["GET", "POST"])
@access.team_view(Permission.TRAIN)
def reset(request: Request, adapter_id: str, number: int) -> HttpResponse:
    """Asks first: what a person wrote is given up."""
    found = find.version(request, adapter_id, number)
    find.require_change(request, found.adapter)
    question = confirm.Question(
        title=_("Write the card of %s from its facts again?") % found,
        intro=_("What somebody wrote there is given up. From then on the card says what is known at each moment."),
        button=_("Write it again"),
        back=reverse("adapters:card", args=[request.team.slug, adapter_id, number]),
    )
    if not confirm.is_confirmed(request, question):
        return confirm.ask(request, question)
    actions.reset_card(by=request.user, version=found)
    toasts.show(request, _("The card is written from facts again."))
    return redirect(question.back)
