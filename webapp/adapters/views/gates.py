from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from webapp.accounts import access
from webapp.accounts.access import Permission
from webapp.adapters import actions, gates, standing, verdict
from webapp.adapters.forms import GateForm
from webapp.adapters.models import Gate
from webapp.core import confirm, htmx, toasts
from webapp.core.faults import UserFault
from webapp.core.request import Request


@require_http_methods(["GET", "POST"])
@access.team_view(Permission.VIEW, unsafe=Permission.SET_GATES)
def list_gates(request: Request) -> HttpResponse:
    """The team's rules, for everybody to read; an owner adds one more."""
    form = GateForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.add_gate(by=request.user, team=request.team, **form.cleaned_data)
        except UserFault as fault:
            form.blame(fault)
        else:
            toasts.show(request, _("The gate stands. It is asked from now on, whoever moves a version."))
            return redirect("adapters:gates", request.team.slug)
    rows = [
        (gate, gates.describe(standing.condition(gate)), _is_known(gate)) for gate in standing.gates_of(request.team)
    ]
    context = {
        "title": _("Gates"),
        "verdict": verdict.of_gates([gate.stage for gate, _said, _is_known in rows]),
        "rows": rows,
        "form": form,
        "known": standing.known_scores(request.team),
        "why_not": access.why_not(Permission.SET_GATES),
    }
    return htmx.render(request, "adapters/gates.html", context, status=422 if form.errors else 200)


def _is_known(gate: Gate) -> bool:
    return not gate.score or standing.is_known(gate.team, gate.score)


@require_http_methods(["GET", "POST"])
@access.team_view(Permission.SET_GATES)
def edit_gate(request: Request, gate_id: str) -> HttpResponse:
    gate = _gate(request, gate_id)
    form = GateForm(request.POST or None, initial=GateForm.initial_of(gate))
    if request.method == "POST" and form.is_valid():
        try:
            actions.change_gate(by=request.user, gate=gate, **form.cleaned_data)
        except UserFault as fault:
            form.blame(fault)
        else:
            toasts.show(request, _("The gate was changed. The team’s record says how it was."))
            return redirect("adapters:gates", request.team.slug)
    context: dict[str, Any] = {
        "title": _("Change a gate"),
        "verdict": _("It is asked of every version that moves from now on. *What stands keeps its stage.*"),
        "form": form,
        "gate": gate,
        "known": standing.known_scores(request.team),
    }
    return htmx.render(request, "adapters/gate.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@access.team_view(Permission.SET_GATES)
def remove_gate(request: Request, gate_id: str) -> HttpResponse:
    gate = _gate(request, gate_id)
    question = confirm.Question(
        title=_("Remove this gate?"),
        intro=gates.describe(standing.condition(gate)),
        consequences=[
            _("Versions get the stage without it from now on."),
            _("The team’s record keeps who removed it."),
        ],
        button=_("Remove gate"),
        back=reverse("adapters:gates", args=[request.team.slug]),
    )
    if not confirm.is_confirmed(request, question):
        return confirm.ask(request, question)
    actions.remove_gate(by=request.user, gate=gate)
    toasts.show(request, _("The gate is gone."))
    return redirect(question.back)


def _gate(request: Request, gate_id: str) -> Gate:
    return get_object_or_404(Gate, team=request.team, public_id=gate_id)
