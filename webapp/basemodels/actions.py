"""What can be done with base models."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from webapp.accounts import access
from webapp.accounts.access import Permission
from webapp.accounts.models import Team, User
from webapp.artifacts import actions as artifacts
from webapp.artifacts.models import Blob, Bundle
from webapp.audit import actions as audit
from webapp.basemodels import folders, naming, queries
from webapp.basemodels.models import HubToken, PretrainedModel
from webapp.contract.queue import LABEL_HUB
from webapp.contract.spec import FetchSpec, JobKind
from webapp.core import purging
from webapp.core.faults import UserFault
from webapp.jobs import actions as jobs
from webapp.jobs import seal
from webapp.jobs.lifecycle import Asked
from webapp.jobs.models import Job
from webapp.notices import actions as notices

# One for the whole installation, so its id is fixed: two processes that start together make one row.
STARTER_ID = "base_starter"
STARTER_NAME = "tunesmith/smollm2-135m-instruct-q4_1"
STARTER_FACTS = {
    "name": STARTER_NAME,
    "source": PretrainedModel.Source.STARTER,
    "derived_from": "HuggingFaceTB/SmolLM2-135M-Instruct",
    "licence": "apache-2.0",
}


@transaction.atomic
def ensure_starter() -> PretrainedModel:
    """The model that every installation has from the start; the first call orders it."""
    model, is_new = PretrainedModel.objects.get_or_create(public_id=STARTER_ID, defaults=STARTER_FACTS)
    if is_new:
        _order(model, FetchSpec(name=model.name, source=model.source), by=None)
    return model


@transaction.atomic
def add_from_hub(*, by: User | None, team: Team, repository: str, revision: str = "") -> PretrainedModel:
    """Order a model of the hub by its id; without a revision, the newest. Raises UserFault."""
    access.require(by=by, team=team, permission=Permission.UPLOAD)
    repository, revision = naming.check_repository(repository), naming.check_revision(revision)
    commit = revision if naming.is_commit(revision) else ""
    model = _add(by=by, team=team, name=repository, source=PretrainedModel.Source.HUB,
                 repository=repository, commit=commit)  # fmt: skip
    spec = FetchSpec(
        name=repository, source="hub", repository=repository, revision=revision, endpoint=settings.HUB_ENDPOINT
    )
    _order(model, spec, by=by, labels=[LABEL_HUB], secret=hub_token(team))
    return model


@transaction.atomic
def add_from_folder(*, by: User | None, team: Team, root_index: int, folder_name: str) -> PretrainedModel:
    """Order a model that lies under one of MODEL_ROOTS; only what the page offers can be named. Raises UserFault."""
    access.require(by=by, team=team, permission=Permission.UPLOAD)
    folder = folders.at(root_index, folder_name)
    if folder is None:
        message = _("This folder is not there any more. Choose one of those that are listed.")
        raise UserFault("no_such_folder", message, field="folder")
    name = f"{team.slug}/{folder.name.removesuffix('.gguf')}"[:200]
    model = _add(by=by, team=team, name=name, source=PretrainedModel.Source.FOLDER, repository=folder.name[:200])
    _order(model, FetchSpec(name=name, source="folder", folder=str(folder.path)), by=by)
    return model


def _add(*, by: User | None, team: Team, **facts: Any) -> PretrainedModel:
    try:
        with transaction.atomic():
            model = PretrainedModel.objects.create(team=team, created_by=by, **facts)
    except IntegrityError as error:
        known = PretrainedModel.objects.for_team(team).get(name=facts["name"], commit=facts.get("commit", ""))
        message = _("%(name)s is in the list already. Delete it first if you want to fetch it anew.")
        raise UserFault("have_it", message % {"name": known.name}, status=409, data={"id": known.public_id}) from error
    audit.record(by=by, verb="base_model.added", team=team, obj=model, data={"source": model.source})
    return model


def _order(
    model: PretrainedModel, spec: FetchSpec, *, by: User | None, labels: list[str] | None = None, secret: str = ""
) -> None:
    title = _("Fetch %(name)s") % {"name": model.name}
    model.job = jobs.submit(
        by=by, team=model.team, kind=JobKind.FETCH, title=title, spec=spec, needs_labels=labels or [], secret=secret
    )
    model.save(update_fields=["job"])


@transaction.atomic
def finish_fetch(*, job: Job, bundle: Bundle, facts: Mapping[str, Any]) -> PretrainedModel:
    """The files are stored and checked: the model is ready. `facts` are the engine's result/model.json."""
    model = PretrainedModel.objects.select_for_update().get(job=job)
    if model.bundle_id is not None:
        return model
    commit = str(facts.get("commit") or model.commit)
    same = PretrainedModel.objects.filter(team=model.team, name=model.name, commit=commit, deleted_at=None)
    if same.exclude(pk=model.pk).exists():
        # The newest revision turned out to be one that is here already under its commit.
        model.deleted_at = timezone.now()
    model.bundle, model.revision, model.commit = bundle, bundle.manifest_sha256, commit
    model.size_bytes = bundle.size_bytes
    for name in ("licence", "derived_from", "architecture", "template_sha256"):
        setattr(model, name, str(facts.get(name) or getattr(model, name)))
    model.parameters = int(facts.get("parameters") or 0)
    model.context_length = int(facts.get("context_length") or 0)
    model.has_chat_template = bool(facts.get("has_chat_template"))
    model.config = dict(facts.get("config") or {})
    model.save()
    audit.record(by=None, verb="base_model.ready", team=model.team, obj=model, data={"revision": model.revision})
    _tell(model, "base_model_ready")
    return model


def fail(*, job: Job) -> None:
    """Tell who asked for it; the page says why."""
    model = PretrainedModel.objects.filter(job=job).select_related("team", "created_by").first()
    if model is not None:
        _tell(model, "base_model_failed")


def _tell(model: PretrainedModel, code: str) -> None:
    if model.team is not None and model.created_by is not None:
        url = reverse("basemodels:detail", args=[model.team.slug, model.public_id])
        notices.tell(user=model.created_by, team=model.team, code=code, data={"name": model.name}, url=url)


@transaction.atomic
def retry(*, by: User | None, team: Team, model: PretrainedModel) -> None:
    """Fetch a model that failed once more; what had arrived is used again. Raises UserFault."""
    access.require(by=by, team=team, permission=Permission.UPLOAD)
    if model.job is None or model.is_ready:
        raise UserFault("nothing_to_retry", _("This model is here already; there is nothing to fetch."), status=409)
    secret = hub_token(team) if model.source == PretrainedModel.Source.HUB else ""
    jobs.retry(by=by, job=model.job, secret=secret)
    audit.record(by=by, verb="base_model.retried", team=team, obj=model)


@transaction.atomic
def delete(*, by: User | None, model: PretrainedModel) -> None:
    """Move a model to the trash. Raises UserFault while a run or an adapter needs it."""
    _require_change(by=by, model=model)
    users = queries.users_of(model)
    if users.count:
        message = _("%(name)s is used by %(users)s. Delete those first.")
        words = {"name": model.name, "users": users.sentence()}
        raise UserFault("in_use", message % words, status=409, data={"runs": users.runs, "adapters": users.adapters})
    if not PretrainedModel.objects.filter(pk=model.pk, deleted_at=None).update(deleted_at=timezone.now()):
        return
    if model.job is not None and not model.is_ready and not model.job.is_over:
        jobs.ask(by=by, job=model.job, what=Asked.CANCEL)
    audit.record(by=by, verb="base_model.deleted", team=model.team, obj=model)


@transaction.atomic
def restore(*, by: User | None, model: PretrainedModel) -> None:
    """Bring a model back from the trash. Raises UserFault when the same one was added again meanwhile."""
    _require_change(by=by, model=model)
    same = PretrainedModel.objects.filter(team=model.team, name=model.name, commit=model.commit, deleted_at=None)
    if same.exclude(pk=model.pk).exists():
        message = _("%(name)s was added again meanwhile, so there is nothing to bring back.")
        raise UserFault("have_it", message % {"name": model.name}, status=409)
    if PretrainedModel.objects.filter(pk=model.pk).exclude(deleted_at=None).update(deleted_at=None):
        audit.record(by=by, verb="base_model.restored", team=model.team, obj=model)


def purge(*, before: dt.datetime | None = None) -> int:
    """Remove for good what has lain in the trash for TRASH_DAYS and is needed by nothing else in there."""
    before = before or timezone.now() - dt.timedelta(days=settings.TRASH_DAYS)
    return purging.each(PretrainedModel.objects.filter(deleted_at__lt=before).select_related("bundle", "team"), _purge)


def _purge(model: PretrainedModel) -> bool:
    if queries.is_kept_by_others(model):
        return False
    audit.record(by=None, verb="base_model.purged", team=model.team, obj=model)
    model.delete()
    if model.bundle is not None:
        artifacts.drop_bundle(bundle=model.bundle)
    return True


def set_hub_token(*, by: User | None, team: Team, token: str) -> None:
    """Keep the team's key for gated models, encrypted; nobody reads it again. Raises UserFault."""
    access.require(by=by, team=team, permission=Permission.MANAGE)
    token = token.strip()
    if not 8 <= len(token) <= 200 or not token.isascii() or not token.isprintable() or " " in token:
        message = _("This is no access token. It begins with hf_ and is made under Settings, Access Tokens on the hub.")
        raise UserFault("bad_token", message, field="token")
    with transaction.atomic():
        HubToken.objects.update_or_create(team=team, defaults={"sealed": seal.seal(token), "updated_by": by})
        audit.record(by=by, verb="hub_token.set", team=team)


@transaction.atomic
def forget_hub_token(*, by: User | None, team: Team) -> None:
    access.require(by=by, team=team, permission=Permission.MANAGE)
    if HubToken.objects.filter(team=team).delete()[0]:
        audit.record(by=by, verb="hub_token.forgotten", team=team)


def hub_token(team: Team) -> str:
    row = HubToken.objects.filter(team=team).first()
    if row is None:
        return ""
    try:
        return seal.unseal(row.sealed)
    except seal.CannotUnseal as error:
        message = _(
            "The team’s hub token cannot be read any more, since this installation’s key changed. Enter it anew."
        )
        raise UserFault("token_lost", message, field="token") from error


def _require_change(*, by: User | None, model: PretrainedModel) -> None:
    if model.team is None:
        message = _("%(name)s belongs to every team of this installation and stays.") % {"name": model.name}
        raise UserFault("shared", message, status=409)
    access.require_change(by=by, team=model.team, made_by_id=model.created_by_id, permission=Permission.UPLOAD)


def take(*, by: User | None, team: Team, model: PretrainedModel) -> list[tuple[str, Blob]]:
    """The files of a model for a download; empty while it is not ready."""
    access.require(by=by, team=team, permission=Permission.DOWNLOAD)
    if model.bundle is None:
        return []
    audit.record(by=by, verb="base_model.downloaded", team=team, obj=model)
    return [(item.path, item.blob) for item in model.bundle.files.select_related("blob").order_by("path")]
