"""Adapters that were trained elsewhere: ordered here, checked by the reader, registered when they passed."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from webapp.accounts import access
from webapp.accounts.models import Team, User
from webapp.adapters.actions import listing
from webapp.adapters.actions.registering import WEIGHTS
from webapp.adapters.models import Adapter, AdapterImport, AdapterVersion, ImportFile
from webapp.artifacts import actions as artifacts
from webapp.artifacts import storage
from webapp.artifacts.models import Blob, Bundle, Upload
from webapp.audit import actions as audit
from webapp.basemodels import actions as basemodels
from webapp.basemodels import naming
from webapp.basemodels.models import PretrainedModel
from webapp.contract.events import Fault
from webapp.contract.queue import LABEL_HUB, LABEL_READER
from webapp.contract.spec import (
    ADAPTER_CONFIG,
    ADAPTER_WEIGHTS,
    PICKLE_ENDINGS,
    BaseModelRef,
    BaseShape,
    FetchAdapterSpec,
    ImportSpec,
    JobKind,
    NamedInput,
)
from webapp.core import purging, visible
from webapp.core.faults import UserFault
from webapp.jobs import actions as jobs
from webapp.jobs import import_faults
from webapp.jobs.lifecycle import OVER, Asked, State
from webapp.jobs.models import Job
from webapp.lineage import actions as lineage
from webapp.notices import actions as notices
from webapp.runs import shapes

MAX_FILES = 30
UNPACKED_TIMES = 2  # how much a zip may unpack to, against the largest upload; weights hardly pack
# Two configs that agree in these compute the same, however else they are written.
_WHAT_COUNTS = ("r", "lora_alpha", "use_rslora", "use_dora", "rank_pattern", "alpha_pattern")


@transaction.atomic
def import_uploads(
    *, by: User | None, team: Team, uploads: Sequence[Upload], base_model: PretrainedModel, name: str = ""
) -> AdapterImport:
    """Have finished uploads checked as one adapter for `base_model`: its files, or one zip. Raises UserFault.

    It becomes the next version of the team's adapter called `name`, or the first of a new one.
    """
    access.require(by=by, team=team, permission=access.Permission.UPLOAD)
    shape = _require_base(team, base_model)
    _require_adapter([upload.file_name for upload in uploads])
    _require_room(uploads)
    single = uploads[0].file_name if len(uploads) == 1 else ""
    name = _require_name(name or PurePosixPath(single).stem)
    blobs = [(upload.file_name, _use(upload, team)) for upload in uploads]
    found = AdapterImport.objects.create(
        team=team, base_model=base_model, name=name, source=AdapterImport.Source.UPLOAD, created_by=by
    )
    _keep(found, blobs)
    _order_check(found, shape, by=by)
    audit.record(by=by, verb="import.ordered", team=team, obj=found)
    return found


@transaction.atomic
def import_from_hub(
    *,
    by: User | None,
    team: Team,
    repository: str,
    base_model: PretrainedModel,
    revision: str = "",
    name: str = "",
) -> AdapterImport:
    """Bring an adapter of the hub by its id, at one commit, and have it checked as an upload is. Raises UserFault."""
    access.require(by=by, team=team, permission=access.Permission.UPLOAD)
    repository, revision = naming.check_repository(repository), naming.check_revision(revision)
    _require_base(team, base_model)
    found = AdapterImport.objects.create(
        team=team,
        base_model=base_model,
        name=_require_name(name or repository.partition("/")[2]),
        source=AdapterImport.Source.HUB,
        repository=repository,
        revision=revision,
        created_by=by,
    )
    _order_fetch(found, by=by)
    audit.record(by=by, verb="import.ordered", team=team, obj=found)
    return found


@transaction.atomic
def check_fetched(*, job: Job, bundle: Bundle, facts: Mapping[str, Any]) -> AdapterImport | None:
    """The hub's files are here, unchecked: the reader is next. `facts` are the engine's fetched.json."""
    found = AdapterImport.objects.select_for_update(of=("self",)).filter(job=job).first()
    if found is not None:
        rows = bundle.files.select_related("blob")
        _keep(found, [(row.path, row.blob) for row in rows if row.path != "fetched.json"])
        found.commit = str(facts["commit"])[:64]
        found.save(update_fields=["commit"])
        _order_check(found, _require_base(found.team, found.base_model), by=found.created_by)
    artifacts.drop_bundle(bundle=bundle)
    return found


@transaction.atomic
def finish_import(*, job: Job, bundle: Bundle, facts: Mapping[str, Any]) -> AdapterVersion | None:
    """It passed: the next version of its adapter, or the version that is there already with the same content."""
    found = AdapterImport.objects.select_for_update(of=("self",)).filter(job=job).first()
    if found is None or found.is_done:
        artifacts.drop_bundle(bundle=bundle)
        return found.version if found else None
    adapter, _created = Adapter.objects.select_for_update().get_or_create(
        team=found.team, name=found.name, deleted_at=None, defaults={"created_by": found.created_by}
    )
    known = _same(adapter, found.base_model, bundle)
    found.version, found.was_known = known or _register(found, adapter, bundle, facts), known is not None
    found.save(update_fields=["version", "was_known"])
    found.files.all().delete()
    if known is not None:
        artifacts.drop_bundle(bundle=bundle)
    _tell(found, "adapter_known" if found.was_known else "adapter_imported")
    return found.version


def _register(found: AdapterImport, adapter: Adapter, bundle: Bundle, facts: Mapping[str, Any]) -> AdapterVersion:
    newest = AdapterVersion.everything.filter(adapter=adapter).aggregate(newest=Max("number"))["newest"] or 0
    card = str(facts.get("card") or "")
    version = AdapterVersion.objects.create(
        adapter=adapter,
        number=newest + 1,
        base_model=found.base_model,
        bundle=bundle,
        sha256=_blob(bundle, WEIGHTS).sha256,
        facts={key: value for key, value in facts.items() if key != "card"} | _origin(found),
        licence=str(facts.get("licence") or ""),
        card=card,
        is_card_edited=bool(card),
        created_by=found.created_by,
    )
    listing.relist(adapter=adapter)
    base = found.base_model.public_id
    lineage.connect(team=found.team, source=found.public_id, target=version.public_id, relation="imported")
    lineage.connect(team=found.team, source=base, target=version.public_id, relation="base")
    audit.record(by=found.created_by, verb="adapter.imported", team=found.team, obj=version)
    return version


def _origin(found: AdapterImport) -> dict[str, Any]:
    return {"import": {"source": found.source, "repository": found.repository, "commit": found.commit}}


def _same(adapter: Adapter, base_model: PretrainedModel, bundle: Bundle) -> AdapterVersion | None:
    """The version with these weights and settings that mean the same, whoever made it."""
    config = _read_config(bundle)
    versions = adapter.versions.filter(sha256=_blob(bundle, WEIGHTS).sha256, base_model=base_model).order_by("number")
    for version in versions.select_related("bundle"):
        other = _read_config(version.bundle)
        if all((other.get(key) or None) == (config.get(key) or None) for key in _WHAT_COUNTS):
            return version
    return None


def _read_config(bundle: Bundle) -> dict[str, Any]:
    """A small file that our own programs wrote."""
    with storage.open_blob(_blob(bundle, ADAPTER_CONFIG)) as file:
        found: dict[str, Any] = json.load(file)
    return found


def _blob(bundle: Bundle, path: str) -> Blob:
    return bundle.files.select_related("blob").get(path=path).blob


def fail_import(*, job: Job) -> None:
    """Tell who brought it; its page says what is wrong."""
    found = AdapterImport.objects.filter(job=job).select_related("team", "created_by").first()
    if found is not None:
        _tell(found, "adapter_import_failed")


@transaction.atomic
def cancel_import(*, by: User | None, found: AdapterImport) -> None:
    """Raises UserFault when it is over already."""
    _require_own(by, found)
    if found.job is not None:
        jobs.ask(by=by, job=found.job, what=Asked.CANCEL)


@transaction.atomic
def retry_import(*, by: User | None, found: AdapterImport) -> None:
    """Check once more, or fetch once more, what failed or was cancelled. Raises UserFault."""
    _require_own(by, found)
    if found.is_done or found.job is None or found.job.state not in {State.FAILED, State.CANCELLED}:
        raise UserFault("nothing_to_retry", _("This is done or under way; there is nothing to try again."), status=409)
    if found.files.exists():
        _order_check(found, _require_base(found.team, found.base_model), by=by)
    elif found.source == AdapterImport.Source.HUB:
        _order_fetch(found, by=by)
    else:
        raise UserFault("gone", _("Its files were deleted meanwhile. Bring them once more."), status=410)
    audit.record(by=by, verb="import.retried", team=found.team, obj=found)


def purge_imports(*, before: dt.datetime | None = None) -> int:
    """Forget imports that ended without a version TRASH_DAYS ago, with their files; returns how many."""
    before = before or timezone.now() - dt.timedelta(days=settings.TRASH_DAYS)
    due = AdapterImport.objects.filter(version=None, job__state__in=OVER, job__finished_at__lt=before)
    return purging.each(due.select_related("job"), _purge)


def _purge(found: AdapterImport) -> bool:
    job = found.job
    found.delete()
    if job is not None:
        job.delete()
    return True


def _order_check(found: AdapterImport, shape: BaseShape, *, by: User | None) -> None:
    base, files = found.base_model, list(found.files.select_related("blob").order_by("pk"))
    inputs = [
        jobs.InputFile(path=f"inputs/{number}", sha256=file.blob.sha256, size_bytes=file.blob.size_bytes)
        for number, file in enumerate(files)
    ]
    spec = ImportSpec(
        base=BaseModelRef(name=base.name, revision=base.revision),
        shape=shape,
        files=tuple(NamedInput(path=item.path, name=file.name) for item, file in zip(inputs, files, strict=True)),
        also_known_as=tuple(name for name in (base.repository, base.derived_from) if name),
        max_unpacked_bytes=UNPACKED_TIMES * settings.UPLOAD_LIMIT_BYTES,
    )
    _submit(found, JobKind.IMPORT, spec, by=by, inputs=inputs, needs_labels=[LABEL_READER])


def _order_fetch(found: AdapterImport, *, by: User | None) -> None:
    spec = FetchAdapterSpec(
        repository=found.repository,
        revision=found.revision,
        endpoint=settings.HUB_ENDPOINT,
        max_bytes=settings.UPLOAD_LIMIT_BYTES,
    )
    secret = basemodels.hub_token(found.team)
    _submit(found, JobKind.FETCH_ADAPTER, spec, by=by, needs_labels=[LABEL_HUB], secret=secret)


def _submit(found: AdapterImport, kind: JobKind, spec: Any, *, by: User | None, **how: Any) -> None:
    title = _("Import %(name)s") % {"name": visible.visible(found.name)}
    found.job = jobs.submit(by=by, team=found.team, kind=kind, title=title, spec=spec, **how)
    found.save(update_fields=["job"])


def _keep(found: AdapterImport, blobs: Sequence[tuple[str, Blob]]) -> None:
    ImportFile.objects.bulk_create(ImportFile(adapter_import=found, name=name, blob=blob) for name, blob in blobs)


def _use(upload: Upload, team: Team) -> Blob:
    """An upload becomes a part of one thing only."""
    if upload.team_id != team.pk:
        raise ValueError("an upload and what is made of it belong to one team")
    is_ours = Upload.objects.filter(pk=upload.pk, state=Upload.State.COMPLETE).update(state=Upload.State.USED)
    if not is_ours or upload.blob is None:
        message = _("%(file)s has not arrived completely, or was used already. Upload it once more.")
        words = {"file": upload.file_name}
        raise UserFault("upload_not_ready", message % words, field="file", status=409)
    return upload.blob


def _require_adapter(names: Sequence[str]) -> None:
    """What can be told from names alone, before anything waits for a worker; the reader goes by the content."""
    for name in names:
        if PurePosixPath(name).suffix.casefold() in PICKLE_ENDINGS:
            said = import_faults.of(Fault.UNSAFE_FILE, {"reason": "pickle", "file": name})
            assert said is not None
            raise UserFault("unsafe_file", f"{said.title}: {said.meaning} {said.remedy}", field="file")
    if not names or len(names) > MAX_FILES:
        message = _("Choose from 1 to %(limit)s files: the adapter’s own, or one zip of them.") % {"limit": MAX_FILES}
        raise UserFault("bad_files", message, field="file")
    missing = [name for name in (ADAPTER_WEIGHTS, ADAPTER_CONFIG) if name not in names]
    if len(names) > 1 and missing:
        message = _("There is no %(file)s among the files. Choose it too, or a zip of the whole folder.")
        raise UserFault("not_whole", message % {"file": missing[0]}, field="file")


def _require_room(uploads: Sequence[Upload]) -> None:
    """All files together are one upload, as far as limits go."""
    if (total := sum(upload.size_bytes for upload in uploads)) > settings.UPLOAD_LIMIT_BYTES:
        raise artifacts.too_large(total)


def _require_base(team: Team, base: PretrainedModel) -> BaseShape:
    if not PretrainedModel.objects.for_team(team).filter(pk=base.pk).exists() or not base.is_ready:
        message = _("The base model %(name)s is not here. Choose one that is ready.") % {"name": base.name}
        raise UserFault("base_not_ready", message, field="base_model", status=409)
    shape = shapes.of(base.config)
    if shape is None:
        message = _("The layers of %(name)s are not known here, so nothing can be compared with them.")
        raise UserFault("base_unknown", message % {"name": base.name}, field="base_model")
    return shapes.to_fit(shape)


def _require_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > 80 or not name.isprintable():
        raise UserFault("bad_name", _("A name has 1 to 80 visible characters. Choose another one."), field="name")
    return name


def _require_own(by: User | None, found: AdapterImport) -> None:
    made_by = found.created_by_id
    access.require_change(by=by, team=found.team, made_by_id=made_by, permission=access.Permission.UPLOAD)


def _tell(found: AdapterImport, code: str) -> None:
    """A finished one leads to its version, anything else to its own page."""
    url = reverse("adapters:import", args=[found.team.slug, found.public_id])
    if found.version is not None:
        url = reverse("adapters:version", args=[found.team.slug, found.version.adapter.public_id, found.version.number])
    notices.tell(user=found.created_by, team=found.team, code=code, data={"name": found.name}, url=url)
