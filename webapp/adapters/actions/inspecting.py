"""Looking inside a version: how much it changes, where, and in how many directions."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from webapp.accounts import access
from webapp.accounts.models import User
from webapp.adapters import queries
from webapp.adapters.models import AdapterVersion, Anatomy
from webapp.artifacts import actions as artifacts
from webapp.artifacts.models import Bundle
from webapp.audit import actions as audit
from webapp.basemodels import queries as basemodels
from webapp.contract.spec import BaseModelRef, InspectSpec, JobKind
from webapp.core.faults import UserFault
from webapp.jobs import actions as jobs
from webapp.jobs.models import Job

PRIORITY = -5  # before reports, after what people wait for
# A larger base is not brought to a worker only to compare the change with it.
BASE_LIMIT_BYTES = 20_000_000_000


@transaction.atomic
def inspect(*, by: User | None, version: AdapterVersion) -> Anatomy:
    """Order a look inside; what an earlier one found stays until this one ends. It needs no device."""
    team = version.adapter.team
    access.require(by=by, team=team, permission=access.Permission.TRAIN)
    AdapterVersion.everything.select_for_update().get(pk=version.pk)  # two first looks at once
    known = Anatomy.objects.filter(version=version).select_related("job").first()
    if known is not None and known.job is not None and not known.job.is_over:
        raise UserFault("already_inspecting", _("A look inside is under way already. Wait for it to end."), status=409)
    spec = InspectSpec(base=_base(version))
    inputs = queries.inputs(version, spec.adapter_path)
    if spec.base is not None:
        inputs += basemodels.inputs(version.base_model)
    job = jobs.submit(
        by=by, team=team, kind=JobKind.INSPECT, title=str(version), spec=spec, inputs=inputs, priority=PRIORITY
    )
    before = known.job if known is not None else None
    anatomy, _made = Anatomy.objects.update_or_create(version=version, defaults={"job": job})
    if before is not None:
        before.delete()
    if by is not None:
        audit.record(by=by, verb="adapter.inspected", team=team, obj=version)
    return anatomy


def _base(version: AdapterVersion) -> BaseModelRef | None:
    """The base, where its files are there and are no larger than the comparison is worth."""
    base = version.base_model
    if base.bundle_id is None or base.size_bytes > BASE_LIMIT_BYTES:
        return None
    return BaseModelRef(name=base.name, revision=base.revision)


@transaction.atomic
def finish_inspection(*, job: Job, bundle: Bundle, found: Mapping[str, Any]) -> Anatomy:
    """Keep what the engine found, in place of what an earlier look had found."""
    anatomy = Anatomy.objects.select_for_update().get(job=job)
    before, anatomy.bundle = anatomy.bundle, bundle
    anatomy.summary = {name: value for name, value in found.items() if name != "modules"}
    anatomy.modules = found["modules"]
    anatomy.save(update_fields=["bundle", "summary", "modules"])
    if before is not None:
        artifacts.drop_bundle(bundle=before)
    return anatomy
