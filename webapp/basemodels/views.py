from asgiref.sync import sync_to_async
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from webapp.accounts import access
from webapp.accounts.access import Permission
from webapp.artifacts import download
from webapp.artifacts.models import Blob
from webapp.basemodels import actions, folders, verdict
from webapp.basemodels.forms import HubForm, TokenForm
from webapp.basemodels.models import HubToken, PretrainedModel
from webapp.core import confirm, htmx, toasts
from webapp.core.faults import UserFault
from webapp.core.request import Request
from webapp.jobs import words


@require_GET
@access.team_view(Permission.VIEW)
def list_models(request: Request) -> HttpResponse:
    """The starter is ordered by the first look, where the launcher did not do it."""
    actions.ensure_starter()
    mine = Q(runs__team=request.team, runs__deleted_at=None)
    rows = PretrainedModel.objects.for_team(request.team).select_related("job")
    models = list(rows.annotate(run_count=Count("runs", filter=mine)).own_first())
    is_moving = any(not model.is_ready and not verdict.is_failed(model) for model in models)
    context = {
        "title": _("Base models"),
        "verdict": verdict.of_list(models),
        "models": [(model, _progress(model)) for model in models],
        "is_moving": is_moving,
    }
    response = htmx.render(request, "basemodels/list.html", context, part="models")
    return response if is_moving or not request.htmx else htmx.stop_polling(response)


@require_GET
@access.team_view(Permission.VIEW)
def detail(request: Request, model_id: str) -> HttpResponse:
    model = _model(request, model_id)
    context = {
        "title": model.name,
        "model": model,
        "verdict": verdict.of_model(model),
        "progress": _progress(model),
        "files": model.bundle.files.select_related("blob").order_by("path") if model.bundle else [],
        "runs": model.runs.filter(team=request.team, deleted_at=None).select_related("job").order_by("-id")[:10],
        "can_change": model.team is not None and _may_change(request, model),
    }
    response = htmx.render(request, "basemodels/detail.html", context, part="progress")
    if request.htmx and (model.is_ready or verdict.is_failed(model)):
        response["HX-Refresh"] = "true"  # the page around the gauge is another one now
    return response


@require_safe
@access.team_view(Permission.DOWNLOAD)
async def download_zip(request: Request, model_id: str) -> HttpResponseBase:
    """The exact weights that adapters of this base need beside them."""
    name, files = await sync_to_async(_for_download)(request, model_id)
    return await download.zip_response(request, files=files, zip_name=f"{name}.zip")


def _for_download(request: Request, model_id: str) -> tuple[str, list[tuple[str, Blob]]]:
    model = _model(request, model_id)
    files = actions.take(by=request.user, team=request.team, model=model)
    if not files:
        raise Http404
    return model.folder_name, files


def _progress(model: PretrainedModel) -> dict[str, object]:
    """What a row or page says about a model that is not here yet."""
    job = model.job
    if model.is_ready or job is None:
        return {}
    if verdict.is_failed(model):
        return {"fault": words.fault(job)}
    return {"state": job.state, "words": words.now(job), "share": verdict.fetched_share(job)}


@require_http_methods(["GET", "POST"])
@access.team_view(Permission.UPLOAD)
def add(request: Request) -> HttpResponse:
    form = HubForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            model = actions.add_from_hub(by=request.user, team=request.team, **form.cleaned_data)
        except UserFault as fault:
            form.add_error(fault.field if fault.field in form.fields else None, fault.message)
        else:
            return redirect("basemodels:detail", request.team.slug, model.public_id)
    return _add_page(request, form, status=422 if form.errors else 200)


def _add_page(
    request: Request, form: HubForm, *, token_form: TokenForm | None = None, status: int = 200
) -> HttpResponse:
    context = {
        "title": _("Add a base model"),
        "form": form,
        "token_form": token_form or TokenForm(),
        "token": HubToken.objects.filter(team=request.team).select_related("updated_by").first(),
        "can_set_token": access.role_can(request.membership.role, Permission.MANAGE),
        "folders": folders.offered(),
    }
    return htmx.render(request, "basemodels/add.html", context, status=status)


@require_POST
@access.team_view(Permission.UPLOAD)
def add_folder(request: Request) -> HttpResponse:
    folder = folders.find(request.POST.get("folder", ""))
    try:
        if folder is None:
            raise UserFault(
                "no_such_folder", _("This folder is not there any more. Choose one of those that are listed.")
            )
        model = actions.add_from_folder(
            by=request.user,
            team=request.team,
            root_index=folder.root_index,
            folder_name=folder.name,
        )
    except UserFault as fault:
        toasts.show(request, str(fault), is_bad=True)
        return redirect("basemodels:add", request.team.slug)
    return redirect("basemodels:detail", request.team.slug, model.public_id)


@require_POST
@access.team_view(Permission.MANAGE)
def set_token(request: Request) -> HttpResponse:
    form = TokenForm(request.POST)
    if form.is_valid():
        try:
            actions.set_hub_token(by=request.user, team=request.team, token=form.cleaned_data["token"])
        except UserFault as fault:
            form.add_error("token", fault.message)
        else:
            toasts.show(request, _("The token is kept. Gated models that it opens can be added now."))
            return redirect("basemodels:add", request.team.slug)
    return _add_page(request, HubForm(), token_form=form, status=422)


@require_POST
@access.team_view(Permission.MANAGE)
def forget_token(request: Request) -> HttpResponse:
    actions.forget_hub_token(by=request.user, team=request.team)
    toasts.show(request, _("The token is forgotten."))
    return redirect("basemodels:add", request.team.slug)


@require_POST
@access.team_view(Permission.UPLOAD)
def retry(request: Request, model_id: str) -> HttpResponse:
    model = _model(request, model_id)
    try:
        actions.retry(by=request.user, team=request.team, model=model)
    except UserFault as fault:
        toasts.show(request, str(fault), is_bad=True)
    return redirect("basemodels:detail", request.team.slug, model_id)


@require_http_methods(["GET", "POST"])
@access.team_view(Permission.UPLOAD)
def delete(request: Request, model_id: str) -> HttpResponse:
    model = _model(request, model_id)
    back = reverse("basemodels:detail", args=[request.team.slug, model_id])
    if not _may_change(request, model):
        raise PermissionDenied(access.why_not(Permission.MANAGE))
    question = confirm.Question(
        title=_("Delete %(name)s?") % {"name": model.name},
        intro=_("It leaves the list and lies in the trash for 7 days."),
        button=_("Delete"),
        back=back,
    )
    if not confirm.is_confirmed(request, question):
        return confirm.ask(request, question)
    try:
        actions.delete(by=request.user, model=model)
    except UserFault as fault:
        toasts.show(request, str(fault), is_bad=True)
        return redirect(back)
    undo = reverse("basemodels:restore", args=[request.team.slug, model_id])
    toasts.show(request, _("%(name)s is in the trash.") % {"name": model.name}, undo=undo)
    return redirect("basemodels:list", request.team.slug)


@require_POST
@access.team_view(Permission.UPLOAD)
def restore(request: Request, model_id: str) -> HttpResponse:
    model = get_object_or_404(PretrainedModel, team=request.team, public_id=model_id)
    try:
        actions.restore(by=request.user, model=model)
    except UserFault as fault:
        toasts.show(request, str(fault), is_bad=True)
        return redirect("basemodels:list", request.team.slug)
    toasts.show(request, _("%(name)s is back.") % {"name": model.name})
    return redirect("basemodels:detail", request.team.slug, model_id)


def _model(request: Request, model_id: str) -> PretrainedModel:
    rows = PretrainedModel.objects.for_team(request.team).select_related("job", "bundle", "created_by", "team")
    model = rows.filter(public_id=model_id).first()
    if model is None:
        raise Http404
    return model


def _may_change(request: Request, model: PretrainedModel) -> bool:
    is_own = model.created_by_id == request.user.pk
    return access.role_can(request.membership.role, Permission.UPLOAD if is_own else Permission.MANAGE)
