"""What a team has, and bringing more."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from webapp.accounts.access import Permission, team_view
from webapp.artifacts import actions as artifacts
from webapp.artifacts.models import Upload
from webapp.core import htmx, paging
from webapp.core.faults import UserFault
from webapp.core.request import Request
from webapp.datasets import actions, queries, verdict
from webapp.datasets.forms import FileForm, NewDatasetForm
from webapp.datasets.models import Dataset, DatasetVersion
from webapp.datasets.views import scope


@require_safe
@team_view(Permission.VIEW)
def list_datasets(request: Request) -> HttpResponse:
    """The team's datasets, newest first; `q` finds by name."""
    datasets = queries.of_team(request.team)
    total = datasets.count()
    wanted = " ".join(request.GET.get("q", "").split())[:80]
    page = paging.page(datasets.filter(name__icontains=wanted), after=request.GET.get("after", ""), size=30)
    newest = queries.newest_versions(list(page))
    context = {
        "title": _("Datasets"),
        "verdict": verdict.of_list(
            total=total, ready=queries.ready_count(request.team), reading=queries.reading_count(request.team)
        ),
        "page": page,
        "rows": [(dataset, newest.get(dataset.pk), _state(newest.get(dataset.pk))) for dataset in page],
        "total": total,
        "wanted": wanted,
    }
    return htmx.render(request, "datasets/list.html", context)


def _state(version: DatasetVersion | None) -> str:
    return queries.state(version) if version else "cancelled"


@require_http_methods(["GET", "HEAD", "POST"])
@team_view(Permission.UPLOAD)
def new(request: Request) -> HttpResponse:
    form = NewDatasetForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        version = _imported(request, form, dataset=None)
        if version is not None:
            return _to(version)
    context = {"title": _("New dataset"), "form": form, "upload": _arrived(request, form)}
    return htmx.render(request, "datasets/new.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@team_view(Permission.UPLOAD)
def add_version(request: Request, dataset: str) -> HttpResponse:
    """Another file as the next version of the same dataset."""
    found = scope.dataset(request, dataset)
    last = found.versions.order_by("-number").first()
    initial = {"system_prompt": last.system_prompt, "validation_share": str(last.validation_share)} if last else {}
    form = FileForm(request.POST or None, request.FILES or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        version = _imported(request, form, dataset=found)
        if version is not None:
            return _to(version)
    context = {
        "title": _("New version of %s") % found.name,
        "form": form,
        "upload": _arrived(request, form),
        "dataset": found,
    }
    return htmx.render(request, "datasets/new.html", context, status=422 if form.errors else 200)


@require_POST
@team_view(Permission.UPLOAD)
def sample(request: Request) -> HttpResponse:
    return _to(actions.import_sample(by=request.user, team=request.team))


def _to(version: DatasetVersion) -> HttpResponse:
    dataset = version.dataset
    return redirect("datasets:version", dataset.team.slug, dataset.public_id, version.number)


def _imported(request: Request, form: FileForm, *, dataset: Dataset | None) -> DatasetVersion | None:
    """The version; or None, and the form says at its field what is wrong."""
    values = form.cleaned_data
    try:
        upload = _received(request, form)
        return actions.import_upload(
            by=request.user,
            team=request.team,
            upload=upload,
            dataset=dataset,
            dataset_name=values.get("name", ""),
            system_prompt=values["system_prompt"],
            validation_share=values["validation_share"],
            licence=values.get("licence", ""),
        )
    except UserFault as fault:
        form.add_error(fault.field if fault.field in form.fields else None, fault.message)
        return None


def _received(request: Request, form: FileForm) -> Upload:
    """The upload that arrived in parts, or the form's own file; the form then remembers its id for the next try."""
    file, public_id = form.cleaned_data["file"], form.cleaned_data["upload"]
    if file:
        upload = artifacts.receive_form_file(by=request.user, team=request.team, file=file)
        form.cleaned_data["upload"] = upload.public_id
        return upload
    return get_object_or_404(Upload, public_id=public_id, team=request.team, created_by=request.user)


def _arrived(request: Request, form: FileForm) -> Upload | None:
    """A file that need not be sent again when the form comes back for another reason."""
    public_id = getattr(form, "cleaned_data", {}).get("upload") or ""
    if not public_id:
        return None
    uploads = Upload.objects.filter(state=Upload.State.COMPLETE, team=request.team, created_by_id=request.user.pk)
    return uploads.filter(public_id=public_id).first()
