"""The team's recipes."""

import json
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from webapp.accounts import access
from webapp.accounts.access import Permission
from webapp.contract import codec
from webapp.contract.spec import LoraConfig
from webapp.core import confirm, htmx, toasts
from webapp.core.faults import UserFault
from webapp.core.request import Request
from webapp.runs import actions, fields, forms, planning, presets, verdict
from webapp.runs.forms import RecipeForm
from webapp.runs.models import Recipe, Run


@require_GET
@access.team_view(Permission.VIEW)
def list_recipes(request: Request) -> HttpResponse:
    mine = Q(runs__team=request.team, runs__deleted_at=None)
    rows = Recipe.objects.for_team(request.team).select_related("created_by")
    recipes = sorted(rows.annotate(run_count=Count("runs", filter=mine)), key=_order)
    shown = [(recipe, planning.title_of(recipe), fields.stored(recipe.config)) for recipe in recipes]
    own = sum(recipe.team_id is not None for recipe in recipes)
    context = {"title": _("Recipes"), "verdict": verdict.of_recipes(own=own), "recipes": shown}
    return htmx.render(request, "runs/recipes.html", context)


def _order(recipe: Recipe) -> tuple[int, int]:
    """The built-in ones in their own order, then the team's, the newest first."""
    known = [preset.public_id for preset in presets.PRESETS]
    if recipe.public_id in known:
        return 0, known.index(recipe.public_id)
    return 1, -recipe.pk


@require_GET
@access.team_view(Permission.VIEW)
def detail(request: Request, recipe_id: str) -> HttpResponse:
    recipe = _recipe(request, recipe_id)
    config = fields.stored(recipe.config)
    runs = recipe.runs.filter(team=request.team, deleted_at=None).select_related("job").order_by("-id")
    context = {
        "title": planning.title_of(recipe),
        "recipe": recipe,
        "description": _(recipe.description) if recipe.team_id is None else recipe.description,
        "verdict": verdict.of_recipe(config),
        "groups": _groups(config),
        "config_json": json.dumps(codec.to_dict(config), indent=2),
        "runs": runs[:20],
        "run_count": runs.count(),
        "can_change": recipe.team_id is not None and _may_change(request, recipe),
    }
    return htmx.render(request, "runs/recipe.html", context)


def _groups(config: LoraConfig) -> list[tuple[str, list[tuple[fields.Field, str]]]]:
    def of(group: fields.Group) -> list[tuple[fields.Field, str]]:
        members = [field for field in fields.TABLE if field.group is group]
        return [(field, fields.shown(field, getattr(config, field.name))) for field in members]

    return [(str(fields.GROUP_LABELS[group]), of(group)) for group in fields.Group]


@require_http_methods(["GET", "POST"])
@access.team_view(Permission.TRAIN)
def new(request: Request) -> HttpResponse:
    """From another recipe (`recipe`), from a run (`run`), or from settings that the page of a new run sends."""
    start = _start(request)
    if request.method == "POST" and "name" in request.POST and "draft" not in request.POST:
        return _save(request, RecipeForm(request.POST, start=start), None)
    form = RecipeForm(start=start)
    return _form_page(request, form, start, title=_("New recipe"))


def _start(request: Request) -> LoraConfig:
    if "draft" in request.POST:
        sent = {name: request.POST[name] for name in fields.BY_NAME if name in request.POST}
        try:
            return fields.check({"use_rslora": False} | sent)
        except UserFault:
            return LoraConfig()
    run = Run.objects.filter(team=request.team, public_id=request.GET.get("run", "")).first()
    recipe = Recipe.objects.for_team(request.team).filter(public_id=request.GET.get("recipe", "")).first()
    source = run or recipe
    return fields.stored(source.config) if source else LoraConfig()


@require_http_methods(["GET", "POST"])
@access.team_view(Permission.TRAIN)
def edit(request: Request, recipe_id: str) -> HttpResponse:
    recipe = _recipe(request, recipe_id)
    _require_change(request, recipe)
    start = fields.stored(recipe.config)
    if request.method == "POST":
        return _save(request, RecipeForm(request.POST, start=start), recipe)
    form = RecipeForm(start=start, initial={"name": recipe.name, "description": recipe.description})
    return _form_page(request, form, start, title=_("Change %(name)s") % {"name": recipe.name}, recipe=recipe)


def _save(request: Request, form: RecipeForm, recipe: Recipe | None) -> HttpResponse:
    title = _("Change %(name)s") % {"name": recipe.name} if recipe else _("New recipe")
    if form.is_valid() and form.config is not None:
        what: dict[str, Any] = {
            "by": request.user,
            "name": form.cleaned_data["name"],
            "description": form.cleaned_data["description"],
            "config": form.config,
        }
        try:
            if recipe is None:
                saved = actions.save_recipe(team=request.team, **what)
            else:
                saved = actions.change_recipe(recipe=recipe, **what)
        except UserFault as fault:
            form.add_error(fault.field if fault.field in form.fields else None, fault.message)
        else:
            toasts.show(request, _("%(name)s is saved.") % {"name": saved.name})
            return redirect("runs:recipe", request.team.slug, saved.public_id)
    return _form_page(request, form, form.start, title=title, recipe=recipe, status=422)


def _form_page(
    request: Request,
    form: RecipeForm,
    start: LoraConfig,
    *,
    title: str,
    recipe: Recipe | None = None,
    status: int = 200,
) -> HttpResponse:
    groups = forms.groups(form, recipe_name=_("Before, it"), recipe_config=start)
    context = {
        "title": title,
        "verdict": _("Settings under a name, *for everybody in the team.*"),
        "form": form,
        "groups": groups,
        "recipe": recipe,
    }
    return htmx.render(request, "runs/recipe_form.html", context, status=status)


@require_http_methods(["GET", "POST"])
@access.team_view(Permission.TRAIN)
def delete(request: Request, recipe_id: str) -> HttpResponse:
    recipe = _recipe(request, recipe_id)
    _require_change(request, recipe)
    used = recipe.runs.filter(deleted_at=None).count()
    question = confirm.Question(
        title=_("Delete the recipe %(name)s?") % {"name": recipe.name},
        intro=_("It goes to the trash, from where it can come back for 7 days."),
        consequences=[_("Runs that used it keep their own copy of its settings.")] if used else [],
        button=_("Delete"),
        back=reverse("runs:recipe", args=[request.team.slug, recipe_id]),
    )
    if not confirm.is_confirmed(request, question):
        return confirm.ask(request, question)
    actions.delete_recipe(by=request.user, recipe=recipe)
    undo = reverse("runs:recipe_restore", args=[request.team.slug, recipe_id])
    toasts.show(request, _("%(name)s is in the trash.") % {"name": recipe.name}, undo=undo)
    return redirect("runs:recipes", request.team.slug)


@require_POST
@access.team_view(Permission.TRAIN)
def restore(request: Request, recipe_id: str) -> HttpResponse:
    recipe = get_object_or_404(Recipe, team=request.team, public_id=recipe_id)
    actions.restore_recipe(by=request.user, recipe=recipe)
    toasts.show(request, _("%(name)s is back.") % {"name": recipe.name})
    return redirect("runs:recipe", request.team.slug, recipe_id)


def _recipe(request: Request, recipe_id: str) -> Recipe:
    rows = Recipe.objects.for_team(request.team).select_related("created_by", "team")
    recipe = rows.filter(public_id=recipe_id).first()
    if recipe is None:
        raise Http404
    return recipe


def _may_change(request: Request, recipe: Recipe) -> bool:
    is_own = recipe.created_by_id == request.user.pk
    return access.role_can(request.membership.role, Permission.TRAIN if is_own else Permission.MANAGE)


def _require_change(request: Request, recipe: Recipe) -> None:
    if recipe.team_id is None or not _may_change(request, recipe):
        raise PermissionDenied(access.why_not(Permission.MANAGE))
