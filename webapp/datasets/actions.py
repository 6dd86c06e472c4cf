"""What can be done with datasets."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.urls import reverse
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from webapp.accounts import access
from webapp.accounts.access import Permission
from webapp.accounts.models import Team, User
from webapp.artifacts import actions as artifacts
from webapp.artifacts.models import Bundle, Upload
from webapp.audit import actions as audit
from webapp.contract.queue import LABEL_READER
from webapp.contract.spec import JobKind, ReadSpec
from webapp.core import licences, purging, visible
from webapp.core.faults import UserFault
from webapp.core.storable import storable_json
from webapp.datasets import naming, queries, rows
from webapp.datasets.models import Dataset, DatasetVersion
from webapp.jobs import actions as jobs
from webapp.jobs.lifecycle import OVER, Asked
from webapp.jobs.models import Job
from webapp.lineage import actions as lineage
from webapp.notices import actions as notices

UPLOAD_PATH = "inputs/upload"
SAMPLE_LICENCE = "Apache-2.0"  # as its README says
LARGEST_VALIDATION_SHARE = 0.5


@transaction.atomic
def import_upload(
    *,
    by: User | None,
    team: Team,
    upload: Upload,
    dataset: Dataset | None = None,
    dataset_name: str = "",
    mapping: Mapping[str, str] | None = None,
    system_prompt: str = "",
    validation_share: float = 0.1,
    licence: str = "",
) -> DatasetVersion:
    """Make a finished upload a version of `dataset`, or of a new one, and have it read. Raises UserFault.

    Without a mapping the reader finds out which column holds what; a new dataset without a name is called like
    the file. `licence` is said of a new dataset; that of one which is there is changed by `edit`.
    """
    access.require(by=by, team=team, permission=Permission.UPLOAD)
    if upload.team_id != team.pk or (dataset is not None and dataset.team_id != team.pk):
        raise ValueError("an upload and its dataset belong to one team")
    mapping = naming.check_mapping(mapping or {})
    system_prompt, licence = naming.check_system_prompt(system_prompt), naming.check_licence(licence)
    _require_share(validation_share)
    is_ours = Upload.objects.filter(pk=upload.pk, state=Upload.State.COMPLETE).update(state=Upload.State.USED)
    if not is_ours or upload.blob is None:
        raise _not_to_be_used(upload)
    if dataset is None:
        dataset = _create(by=by, team=team, name=dataset_name, file_name=upload.file_name, licence=licence)
    version = _add_version(
        dataset,
        file_name=upload.file_name,
        source=upload.blob,
        mapping=mapping,
        system_prompt=system_prompt,
        validation_share=validation_share,
        created_by=by,
    )
    _order_reading(version, by=by)
    audit.record(by=by, verb="dataset.imported", team=team, obj=dataset, data={"version": version.number})
    return version


def import_sample(*, by: User, team: Team) -> DatasetVersion:
    """The dataset that ships with the product, as if its file had been uploaded."""
    path = settings.SAMPLE_DATASET
    upload = artifacts.receive_path(by=by, team=team, path=path, file_name=path.name)
    return import_upload(by=by, team=team, upload=upload, licence=SAMPLE_LICENCE)


@transaction.atomic
def remap(*, by: User | None, version: DatasetVersion, mapping: Mapping[str, str]) -> DatasetVersion:
    """Have the same file read with another mapping: a version that is ready stays as it is and gets a successor."""
    team = version.dataset.team
    access.require(by=by, team=team, permission=Permission.UPLOAD)
    mapping = naming.check_mapping(mapping)
    if version.source is None:
        raise _gone(version)
    if version.is_ready:
        version = _add_version(
            version.dataset,
            file_name=version.file_name,
            source=version.source,
            mapping=mapping,
            system_prompt=version.system_prompt,
            validation_share=version.validation_share,
            created_by=by,
            remapped_from=version,
        )
    else:
        _require_at_rest(version)
        version.mapping = mapping
        version.save(update_fields=["mapping"])
    _order_reading(version, by=by)
    audit.record(by=by, verb="dataset.mapped", team=team, obj=version.dataset, data={"version": version.number})
    return version


@transaction.atomic
def read_again(*, by: User | None, version: DatasetVersion) -> None:
    """Read the file of a version once more whose reading failed or was cancelled. Raises UserFault."""
    access.require(by=by, team=version.dataset.team, permission=Permission.UPLOAD)
    if version.source is None:
        raise _gone(version)
    _require_at_rest(version)
    _order_reading(version, by=by)


@transaction.atomic
def cancel_reading(*, by: User | None, version: DatasetVersion) -> None:
    """Raises UserFault when it is over already."""
    made_by = version.created_by_id
    access.require_change(by=by, team=version.dataset.team, made_by_id=made_by, permission=Permission.UPLOAD)
    if version.job is not None:
        jobs.ask(by=by, job=version.job, what=Asked.CANCEL)


@transaction.atomic
def finish_read(*, job: Job, bundle: Bundle, report: Mapping[str, Any]) -> DatasetVersion | None:
    """The canonical files are stored and checked: the version is ready. None when nobody waits for it any more."""
    version = DatasetVersion.objects.select_for_update(of=("self",)).filter(job=job).first()
    if version is None or version.is_ready:
        if version is None or version.bundle_id != bundle.pk:
            artifacts.drop_bundle(bundle=bundle)
        return version
    version.bundle = bundle
    for name in ("format", "encoding"):
        setattr(version, name, str(report[name])[:30])
    for name in ("rows_total", "rows_good", "rows_bad", "train_rows", "validation_rows"):
        setattr(version, name, int(report[name]))
    version.mapping = storable_json(report["mapping"])
    version.content_sha256 = str(report["content_sha256"])
    version.report = storable_json(report) | {"problem_rows": rows.first_rows_by_problem(queries.files(bundle))}
    version.save()
    dataset = version.dataset
    audit.record(by=None, verb="dataset.ready", team=dataset.team, obj=dataset, data={"version": version.number})
    _tell(version, "dataset_has_problems" if version.rows_bad else "dataset_ready")
    return version


def fail(*, job: Job) -> None:
    """Tell who brought the file; the page says what is wrong with it."""
    version = DatasetVersion.objects.filter(job=job).select_related("dataset__team", "created_by").first()
    if version is not None and version.dataset.deleted_at is None:
        _tell(version, "dataset_failed")


@transaction.atomic
def edit(*, by: User | None, dataset: Dataset, name: str, description: str = "", licence: str = "") -> None:
    """Change what a dataset is called and what is said about it. Raises UserFault.

    Another licence travels on at once, to the adapters that learned from it.
    """
    _require_change(by, dataset)
    was, was_under = dataset.name, dataset.licence
    dataset.name = naming.check_name(name)
    dataset.description, dataset.licence = description.strip(), naming.check_licence(licence)
    _save_named(dataset)
    audit.record(by=by, verb="dataset.changed", team=dataset.team, obj=dataset, data={"was": was})
    if dataset.licence != was_under:
        import_string(settings.LICENCE_CHANGED)(dataset=dataset)
        data = {"from": was_under or licences.UNKNOWN, "to": dataset.licence or licences.UNKNOWN}
        audit.record(by=by, verb="dataset.licensed", team=dataset.team, obj=dataset, data=data)


def rename(*, by: User | None, dataset: Dataset, name: str) -> None:
    edit(by=by, dataset=dataset, name=name, description=dataset.description, licence=dataset.licence)


@transaction.atomic
def delete(*, by: User | None, dataset: Dataset) -> None:
    """Move a dataset to the trash. Runs keep what they learned from it, and what they need while they go on."""
    _require_change(by, dataset)
    if not Dataset.objects.filter(pk=dataset.pk, deleted_at=None).update(deleted_at=timezone.now()):
        return
    for version in dataset.versions.filter(bundle=None).select_related("job"):
        if version.job is not None and not version.job.is_over:
            jobs.ask(by=by, job=version.job, what=Asked.CANCEL)
    audit.record(
        by=by, verb="dataset.deleted", team=dataset.team, obj=dataset, data={"runs": queries.run_count(dataset)}
    )


@transaction.atomic
def restore(*, by: User | None, dataset: Dataset) -> None:
    """Bring a dataset back from the trash. Raises UserFault when its name was taken meanwhile, or it is too late."""
    _require_change(by, dataset)
    if dataset.deleted_at is None:
        return
    if dataset.deleted_at < _purge_before():
        message = _("%(name)s was deleted more than %(days)s days ago and cannot come back.")
        raise UserFault("too_late", message % {"name": dataset.name, "days": settings.TRASH_DAYS}, status=409)
    dataset.deleted_at = None
    _save_named(dataset)
    audit.record(by=by, verb="dataset.restored", team=dataset.team, obj=dataset)


def purge(*, before: dt.datetime | None = None) -> int:
    """Remove for good what has lain in the trash for TRASH_DAYS; returns how many datasets.

    Of a dataset that runs learned from, the names stay and the contents go, once none of these runs needs them.
    """
    before = before or _purge_before()
    count = purging.each(queries.to_purge(before=before), _purge)
    queries.readings_of_nothing(before=before).delete()
    return count


def _purge(dataset: Dataset) -> bool:
    audit.record(by=None, verb="dataset.purged", team=dataset.team, obj=dataset)
    versions = DatasetVersion.everything.filter(dataset=dataset)
    bundles = [version.bundle for version in versions.select_related("bundle") if version.bundle]
    # The jobs go too: what they tell of a file that could not be read may quote its rows.
    Job.objects.filter(dataset_version__dataset=dataset, state__in=OVER).delete()
    versions.update(bundle=None, source=None, report={}, system_prompt="")
    versions.filter(runs=None).delete()
    if not versions.exists():
        dataset.delete()
    for bundle in bundles:
        artifacts.drop_bundle(bundle=bundle)
    return True


def _purge_before() -> dt.datetime:
    return timezone.now() - dt.timedelta(days=settings.TRASH_DAYS)


def _create(*, by: User | None, team: Team, name: str, file_name: str, licence: str) -> Dataset:
    if name.strip():
        name = naming.check_name(name)
    else:
        taken = set(Dataset.objects.live().filter(team=team).values_list("name", flat=True))
        name = naming.from_file_name(file_name, taken=taken)
    dataset = Dataset(team=team, name=name, licence=licence, created_by=by)
    _save_named(dataset)
    return dataset


def _save_named(dataset: Dataset) -> None:
    """The database decides whether a name is free, so that two at once cannot both have it."""
    try:
        with transaction.atomic():
            dataset.save()
    except IntegrityError as error:
        message = _("Your team has a dataset called %(name)s already. Choose another name.") % {"name": dataset.name}
        raise UserFault("name_taken", message, field="name", status=409) from error


def _add_version(dataset: Dataset, *, remapped_from: DatasetVersion | None = None, **fields: Any) -> DatasetVersion:
    """The next one. Read again from the file of another, it is made of that; else it only comes after the last."""
    Dataset.objects.select_for_update().get(pk=dataset.pk)  # so that two files at once get two numbers
    last = DatasetVersion.everything.filter(dataset=dataset).aggregate(last=Max("number"))["last"] or 0
    version = DatasetVersion.objects.create(dataset=dataset, number=last + 1, **fields)
    relation = "remapped" if remapped_from is not None else "revised"
    before = remapped_from or dataset.versions.filter(number__lt=version.number).order_by("-number").first()
    if before is not None:
        lineage.connect(team=dataset.team, source=before.public_id, target=version.public_id, relation=relation)
    return version


def _order_reading(version: DatasetVersion, *, by: User | None) -> None:
    assert version.source is not None, "only a file that is still here can be read"
    spec = ReadSpec(
        upload_path=UPLOAD_PATH,
        file_name=version.file_name,
        mapping=dict(version.mapping),
        system_prompt=version.system_prompt,
        validation_share=version.validation_share,
    )
    source = version.source
    version.job = jobs.submit(
        by=by,
        team=version.dataset.team,
        kind=JobKind.READ,
        title=_("Read %(file)s") % {"file": visible.visible(version.file_name)},
        spec=spec,
        inputs=[jobs.InputFile(path=UPLOAD_PATH, sha256=source.sha256, size_bytes=source.size_bytes)],
        needs_labels=[LABEL_READER],
    )
    version.save(update_fields=["job"])


def _tell(version: DatasetVersion, code: str) -> None:
    team = version.dataset.team
    url = reverse("datasets:version", args=[team.slug, version.dataset.public_id, version.number])
    notices.tell(user=version.created_by, team=team, code=code, data={"name": str(version)}, url=url)


def _require_change(by: User | None, dataset: Dataset) -> None:
    made_by = dataset.created_by_id
    access.require_change(by=by, team=dataset.team, made_by_id=made_by, permission=Permission.UPLOAD)


def _require_share(share: float) -> None:
    if not 0 <= share <= LARGEST_VALIDATION_SHARE:
        message = _("Hold back at most half of the rows for checking, or none; a tenth is usual.")
        raise UserFault("bad_share", message, field="validation_share")


def _require_at_rest(version: DatasetVersion) -> None:
    if version.is_ready or (version.job is not None and not version.job.is_over):
        message = _("%(name)s is read already, or is being read now.") % {"name": version}
        raise UserFault("read_already", message, status=409)


def _not_to_be_used(upload: Upload) -> UserFault:
    if upload.state == Upload.State.OPEN:
        message = _("%(file)s has not arrived completely. Send the rest and finish the upload first.")
    else:
        message = _("%(file)s was made a dataset already. Look for it in the list, or upload the file once more.")
    return UserFault("upload_not_ready", message % {"file": upload.file_name}, field="file", status=409)


def _gone(version: DatasetVersion) -> UserFault:
    return UserFault("gone", _("The file of %(name)s was deleted for good.") % {"name": version}, status=410)
