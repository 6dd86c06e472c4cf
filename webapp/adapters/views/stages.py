from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from webapp.accounts import access
from webapp.accounts.access import Permission
from webapp.adapters import actions, refusals, stagecard, stagehistory, stages, standing
from webapp.adapters.forms import AnswerForm, AskForm, MoveForm
from webapp.adapters.models import AdapterVersion, Review, Stage
from webapp.adapters.views import find, frame
from webapp.core import htmx, toasts
from webapp.core.faults import UserFault
from webapp.core.request import Request


@require_http_methods(["GET", "POST"])
@access.team_view(Permission.REVIEW)
def move(request: Request, adapter_id: str, number: int, stage: str) -> HttpResponse:
    """Asks first: who holds the stage, what changes, what the gates say. What they refuse is said in the same place."""
    found = find.version(request, adapter_id, number)
    if stage not in Stage.values:
        raise Http404
    form = MoveForm(request.POST if request.method == "POST" else None)
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            reason, seen = form.cleaned_data["reason"], request.POST.get("seen")
            actions.move(by=request.user, version=found, stage=stage, reason=reason, seen=seen)
        except UserFault as fault:
            status = _blame(form, fault)
        else:
            toasts.show(request, _("%(name)s: %(stage)s.") % {"name": found, "stage": Stage(stage).label})
            return _to_version(request, found)
    context = _move_context(found, Stage(stage)) | {"form": form, "team": request.team}
    return htmx.render(request, "adapters/move.html", context, part="question", status=status)


def _blame(form: MoveForm, fault: UserFault) -> int:
    """Say it where the person decides; the page is about what they see now."""
    form.add_error(fault.field if fault.field in form.fields else None, fault.message)
    return fault.status


def _move_context(found: AdapterVersion, to: Stage) -> dict[str, object]:
    version = find.again(found)
    titles = {
        Stage.DRAFT: _("Make %(name)s a draft again?"),
        Stage.CANDIDATE: _("Make %(name)s the candidate?"),
        Stage.PRODUCTION: _("Put %(name)s into production?"),
        Stage.RETIRED: _("Retire %(name)s?"),
    }
    results = standing.results(version, to)
    return {
        "title": titles[to] % {"name": version},
        "version": version,
        "adapter": version.adapter,
        "to": to,
        "act": stagecard.ACTS[to],
        "consequences": stagecard.consequences(version, to),
        "results": results,
        "is_open": stages.can_move(version.stage, to) and all(result.has_passed for result in results),
        "no_way": "" if stages.can_move(version.stage, to) else str(refusals.no_way(version, to)),
        "seen": standing.last_change(version.adapter),
    }


@require_POST
@access.team_view(Permission.REVIEW)
def rollback(request: Request, adapter_id: str) -> HttpResponse:
    """One click; the word about it offers the way back, which is the same click again."""
    adapter = find.adapter(request, adapter_id)
    seen = request.POST.get("seen", request.GET.get("seen"))
    try:
        change = actions.rollback(by=request.user, adapter=adapter, seen=seen)
    except UserFault as fault:
        toasts.show(request, fault.message, is_bad=True)
        return redirect("adapters:detail", request.team.slug, adapter.public_id)
    undo = reverse("adapters:rollback", args=[request.team.slug, adapter.public_id]) + f"?seen={change.public_id}"
    said = _("v%(number)d of %(name)s is in production again; its files were read back and are whole.")
    toasts.show(request, said % {"number": change.number, "name": adapter}, undo=undo)
    return redirect("adapters:version", request.team.slug, adapter.public_id, change.number)


@require_http_methods(["GET", "POST"])
@access.team_view(Permission.VIEW)
def ask_review(request: Request, adapter_id: str, number: int) -> HttpResponse:
    found = find.version(request, adapter_id, number)
    stagecard.require_asker(request.membership)
    to = stages.next_of(found.stage)
    form = AskForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.ask(
                by=request.user,
                version=found,
                stage=form.cleaned_data["stage"] or to or "",
                word=form.cleaned_data["word"],
            )
        except UserFault as fault:
            toasts.show(request, fault.message, is_bad=True)
        else:
            toasts.show(request, _("The reviewers of the team were told."))
        return _to_version(request, found)
    context = {
        "title": _("Ask for a review of %s?") % found,
        "version": found,
        "adapter": found.adapter,
        "to": to,
        "results": standing.results(found, to) if to else [],
        "form": form,
    }
    return htmx.render(
        request, "adapters/ask_review.html", context, part="question", status=422 if form.errors else 200
    )


@require_POST
@access.team_view(Permission.VIEW)
def answer_review(request: Request, adapter_id: str, number: int, review_id: str) -> HttpResponse:
    """Approve or send back; who asked can take it back. The action knows who may."""
    found = find.version(request, adapter_id, number)
    review = get_object_or_404(
        Review.objects.select_related("version__adapter__team"), version=found, public_id=review_id
    )
    stagecard.require_answerer(request.membership, review)
    form = AnswerForm(request.POST)
    act = {"approve": actions.approve, "send_back": actions.send_back}.get(request.POST.get("answer", ""))
    if act is None or not form.is_valid():
        toasts.show(request, _("Approve or send back, with at most 1,000 characters."), is_bad=True)
        return _to_version(request, found)
    try:
        act(by=request.user, review=review, word=form.cleaned_data["word"])
    except UserFault as fault:
        toasts.show(request, fault.message, is_bad=True)
    else:
        toasts.show(request, _("Approved.") if act is actions.approve else _("The review is closed."))
    return _to_version(request, found)


@require_GET
@access.team_view(Permission.VIEW)
def history(request: Request, adapter_id: str, number: int) -> HttpResponse:
    found = find.version(request, adapter_id, number)
    events = stagehistory.of(found.adapter)
    page = frame.context(request, found, tab="history", verdict=stagehistory.verdict(found.adapter))
    context = {"events": events, "card": stagecard.of(found, request.membership)}
    return htmx.render(request, "adapters/history.html", page | context)


def _to_version(request: Request, found: AdapterVersion) -> HttpResponse:
    return redirect("adapters:version", request.team.slug, found.adapter.public_id, found.number)
