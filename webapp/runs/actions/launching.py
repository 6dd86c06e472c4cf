"""Launching a run: everything is looked at and frozen, then the order is written down."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from webapp.accounts import access
from webapp.accounts.models import Team, User
from webapp.audit import actions as audit
from webapp.basemodels import queries as basemodels
from webapp.basemodels.models import PretrainedModel
from webapp.contract import codec
from webapp.contract.spec import BaseModelRef, JobKind, LoraConfig, TrainSpec
from webapp.core.faults import UserFault
from webapp.datasets import queries as datasets
from webapp.datasets.models import DatasetVersion
from webapp.jobs import actions as jobs
from webapp.jobs.models import Job
from webapp.lineage import actions as lineage
from webapp.runs import estimate, fields, places, preflight
from webapp.runs.models import Recipe, Run

NAME_LIMIT = 80


def launch(
    *,
    by: User | None,
    team: Team,
    dataset_version: DatasetVersion,
    base_model: PretrainedModel,
    config: LoraConfig,
    recipe: Recipe | None = None,
    name: str = "",
) -> Run:
    """Order a training. What it will be made of is frozen now. Raises UserFault for what blocks it."""
    access.require(by=by, team=team, permission=access.Permission.TRAIN)
    _require_of_team(team, dataset_version, base_model, recipe)
    config = fields.check(codec.to_dict(config))
    plan = preflight.plan(dataset_version, base_model, config)
    for check in preflight.look(plan):
        if check.is_blocking:
            message = f"{check.finding.title}. {check.finding.text}".strip()
            raise UserFault(check.code, message, field=check.field)
    with transaction.atomic():
        title = _name(team, name, dataset_version, config)
        run = Run.objects.create(
            team=team,
            name=title,
            job=_order(by, team, title, plan),
            dataset_version=dataset_version,
            base_model=base_model,
            recipe=recipe,
            config=codec.to_dict(config),
            estimate=_estimate(plan),
            created_by=by,
        )
        for source, relation in ((dataset_version, "data"), (base_model, "base"), (recipe, "recipe")):
            if source is not None:
                lineage.connect(team=team, source=source.public_id, target=run.public_id, relation=relation)
        audit.record(by=by, verb="run.launched", team=team, obj=run, data={"dataset": str(dataset_version)})
    return run


def _require_of_team(team: Team, version: DatasetVersion, base: PretrainedModel, recipe: Recipe | None) -> None:
    """The caller looked these up within the team; one that was deleted meanwhile is refused."""
    assert version.dataset.team_id == team.pk, "a dataset of another team"
    assert base.team_id in {None, team.pk} and (recipe is None or recipe.team_id in {None, team.pk})
    if version.dataset.deleted_at is not None:
        message = _("%(name)s lies in the trash. Bring it back first.") % {"name": version.dataset.name}
        raise UserFault("dataset_deleted", message, field="dataset")
    if base.deleted_at is not None:
        message = _("%(name)s lies in the trash. Bring it back first.") % {"name": base.name}
        raise UserFault("base_deleted", message, field="base_model")


def _order(by: User | None, team: Team, title: str, plan: preflight.Plan) -> Job:
    reference, rows = datasets.training_inputs(plan.version)
    base = BaseModelRef(name=plan.base.name, revision=plan.base.revision)
    return jobs.submit(
        by=by,
        team=team,
        kind=JobKind.TRAIN,
        title=title,
        spec=TrainSpec(base=base, dataset=reference, config=plan.config),
        inputs=[*basemodels.inputs(plan.base), *rows],
        needs_devices=1,
        needs_memory_bytes=_needed_bytes(plan),
    )


def _needed_bytes(plan: preflight.Plan) -> int:
    """What a device must have. An estimate that is a little beyond the largest must not keep it waiting for ever."""
    if plan.fit is None:
        return 0
    return min(plan.fit.memory.total, plan.fit.device.memory_bytes)


def _estimate(plan: preflight.Plan) -> dict[str, Any]:
    done = places.work(plan.version, plan.base, plan.config)
    return estimate.as_json(done, plan.fit) if done else {}


def _name(team: Team, name: str, version: DatasetVersion, config: LoraConfig) -> str:
    """As given; else from dataset and rank, with a number where the team has such a run already."""
    given = " ".join(name.split())
    if len(given) > NAME_LIMIT or not given.isprintable():
        raise UserFault("bad_name", _("A name has at most 80 printable characters. Choose another one."), field="name")
    if given:
        return given
    stem = f"{version.dataset.name[: NAME_LIMIT - 16]} r{config.lora_r}"
    taken = set(Run.objects.filter(team=team, name__startswith=stem).values_list("name", flat=True))
    numbered = (f"{stem} ({number})" for number in range(2, len(taken) + 3))
    return stem if stem not in taken else next(one for one in numbered if one not in taken)
