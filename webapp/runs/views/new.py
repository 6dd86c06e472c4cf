"""The page of a new run; with scripts its forecast follows each change, without them a button asks for it."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from webapp.accounts import access
from webapp.accounts.access import Permission
from webapp.contract.spec import LoraConfig
from webapp.core import findings, htmx
from webapp.core.faults import UserFault
from webapp.core.findings import Finding, Severity
from webapp.core.request import Request
from webapp.runs import actions, fields, forms, planning, presets, verdict
from webapp.runs.forms import RunForm
from webapp.runs.models import Run
from webapp.runs.planning import Offer


@require_http_methods(["GET", "POST"])
@access.team_view(Permission.TRAIN)
def new(request: Request) -> HttpResponse:
    """GET: choose. POST: launch; with `check`, or from htmx, only say what would come of it."""
    there = planning.offer(request.team)
    if request.method == "GET":
        start, config = _start(request, there)
        form = planning.form_for(there, None, start, config)
        return htmx.render(request, "runs/new.html", _context(request, there, form, start, config))
    form = planning.form_for(there, request.POST, {}, LoraConfig())
    chosen = {name: form.data.get(name, "") for name in ("dataset", "base_model", "recipe")}
    if form.is_valid() and not request.htmx and "check" not in request.POST:
        run = _launch(request, there, form)
        if run is not None:
            return redirect("runs:detail", request.team.slug, run.public_id)
    status = 422 if form.errors and not request.htmx else 200
    context = _context(request, there, form, chosen, form.config)
    return htmx.render(request, "runs/new.html", context, part="forecast", status=status)


def _launch(request: Request, there: Offer, form: RunForm) -> Run | None:
    """None when something blocks it; the form then says what."""
    data = form.cleaned_data
    try:
        return actions.launch(
            by=request.user,
            team=request.team,
            dataset_version=there.versions[data["dataset"]],
            base_model=there.bases[data["base_model"]],
            config=form.config or LoraConfig(),
            recipe=there.recipes.get(data["recipe"]),
            name=data["name"],
        )
    except UserFault as fault:
        form.add_error(fault.field if fault.field in form.fields else None, fault.message)
        return None


def _start(request: Request, there: Offer) -> tuple[dict[str, str], LoraConfig]:
    """What stands in the form at first: an earlier run (`run`), or `dataset`, `base` and `recipe` of the address."""
    earlier = Run.objects.filter(team=request.team, public_id=request.GET.get("run", "")).first()
    if earlier is not None:
        start, config = planning.start_from_run(earlier)
    else:
        start = {
            "dataset": _version_id(there, request.GET.get("dataset", "")),
            "base_model": request.GET.get("base", ""),
            "recipe": request.GET.get("recipe", presets.DEFAULT_ID),
        }
        recipe = there.recipes.get(start["recipe"])
        config = fields.stored(recipe.config) if recipe else LoraConfig()
    for name, known in (("dataset", there.versions), ("base_model", there.bases)):
        if start[name] not in known:
            start[name] = next(iter(known), "")
    return start, config


def _version_id(there: Offer, wanted: str) -> str:
    """A version's id as it is; a dataset's id is that of its newest version."""
    if wanted in there.versions:
        return wanted
    of_dataset = (key for key, row in there.versions.items() if row.dataset.public_id == wanted)
    return next(of_dataset, "")


def _context(
    request: Request, there: Offer, form: RunForm, chosen: dict[str, str], config: LoraConfig | None
) -> dict[str, Any]:
    version, base = there.versions.get(chosen["dataset"]), there.bases.get(chosen["base_model"])
    recipe = there.recipes.get(chosen.get("recipe", ""))
    recipe_config = fields.stored(recipe.config) if recipe else LoraConfig()
    recipe_name = planning.title_of(recipe) if recipe else _("The default")
    seen = planning.forecast(version, base, config) if version and base and config else None
    problems = _problems(form) if config is None else []
    open_findings, passed = findings.split([*problems, *([check.finding for check in seen.checks] if seen else [])])
    groups = forms.groups(form, recipe_name=recipe_name, recipe_config=recipe_config)
    return {
        "title": _("New run"),
        "verdict": verdict.of_forecast(seen, problem=problems[0].title if problems else ""),
        "there": there,
        "form": form,
        "version": version,
        "base": base,
        "seen": seen,
        "choices": planning.choices(there, chosen.get("recipe", ""), version, base),
        "findings": open_findings,
        "passed": passed,
        "groups": groups,
        "recipe": recipe,
        "recipe_name": recipe_name,
        "changed_count": sum(bool(difference) for _label, rows in groups for _field, difference in rows),
        "has_new_recipe": request.POST.get("recipe", "") != request.POST.get("recipe_before", ""),
        "memory_parts": planning.memory_parts(seen.best) if seen and seen.best else [],
        "time": planning.time_text(seen.best if seen else None),
    }


def _problems(form: RunForm) -> list[Finding]:
    """The form's own errors, among the other things that stand in the way."""
    return [
        Finding(severity=Severity.BLOCK, title=str(error))
        for name, errors in form.errors.items()
        if name in fields.BY_NAME
        for error in errors
    ]
